/* Files in the safetensors format: an 8-byte length, a JSON header, raw little-endian tensors.  The reader is strict (contiguous
 * offsets without holes, checked sizes, finite values, no duplicates): it accepts a file or refuses it with the reason. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <stdint.h>

typedef struct Safetensors Safetensors;
typedef struct {
    const char *name;
    int rank;
    int64_t shape[8];
    int64_t count;
    const float *values; /* converted from F16, BF16, F32 or F64 */
} Tensor;

/* NULL with WSI_ERROR_INPUT for a file that is not accepted; the message names file and tensor. */
Safetensors *safetensors_read(const char *path, GError **error);
void safetensors_free(Safetensors *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Safetensors, safetensors_free)
/* A floating-point tensor by name, borrowed; NULL when absent.  Tensors of other types (counters) are checked but not loaded. */
const Tensor *safetensors_get(const Safetensors *file, const char *name);
/* As above, but a tensor that is absent or has another shape is WSI_ERROR_INPUT, naming file, tensor and shapes.  shape: rank values. */
const Tensor *safetensors_need(const Safetensors *file, const char *name, int rank, const int64_t *shape,
                               GError **error);
int safetensors_count(const Safetensors *file);
const Tensor *safetensors_at(const Safetensors *file, int index);
/* A string of __metadata__, borrowed, or NULL. */
const char *safetensors_metadata(const Safetensors *file, const char *key);

/* A writer of F32 tensors.  Tensors and metadata keep their order, and the same content gives the same bytes. */
typedef struct SafetensorsWriter SafetensorsWriter;
SafetensorsWriter *safetensors_writer_new(void);
void safetensors_writer_metadata(SafetensorsWriter *writer, const char *key, const char *value);
/* values: borrowed until commit. */
void safetensors_writer_add(SafetensorsWriter *writer, const char *name, int rank, const int64_t *shape,
                            const real *values);
/* Publishes the file (base/durable.h).  WSI_ERROR_INTERNAL for what the reader would refuse. */
gboolean safetensors_writer_commit(SafetensorsWriter *writer, const char *path, char sha256[65],
                                   GError **error);
void safetensors_writer_free(SafetensorsWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SafetensorsWriter, safetensors_writer_free)

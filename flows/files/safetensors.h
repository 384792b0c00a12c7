/* safetensors files: an 8-byte length, a JSON header, raw little-endian tensors.  The loader is strict (contiguous
 * offsets without holes, checked sizes, finite values, no duplicates): a file either is right or is refused with the reason. */
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

Safetensors *safetensors_read(const char *path, GError **error);
void safetensors_free(Safetensors *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Safetensors, safetensors_free)
/* The floating-point tensors; those of other types (counters) are checked but not loaded. NULL when absent.  Borrowed. */
const Tensor *safetensors_get(const Safetensors *file, const char *name);
/* As above; absent or of another shape is an error naming file, tensor and shapes. shape: rank values. */
const Tensor *safetensors_need(const Safetensors *file, const char *name, int rank, const int64_t *shape,
                               GError **error);
int safetensors_count(const Safetensors *file);
const Tensor *safetensors_at(const Safetensors *file, int index);
/* A string of __metadata__, or NULL. */
const char *safetensors_metadata(const Safetensors *file, const char *key);

/* Writing: F32 tensors in the order given, metadata keys in the order given; durable; the same bytes for the same content. */
typedef struct SafetensorsWriter SafetensorsWriter;
SafetensorsWriter *safetensors_writer_new(void);
void safetensors_writer_metadata(SafetensorsWriter *writer, const char *key, const char *value);
/* values are borrowed until commit. */
void safetensors_writer_add(SafetensorsWriter *writer, const char *name, int rank, const int64_t *shape,
                            const real *values);
gboolean safetensors_writer_commit(SafetensorsWriter *writer, const char *path, char sha256[65],
                                   GError **error);
void safetensors_writer_free(SafetensorsWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SafetensorsWriter, safetensors_writer_free)

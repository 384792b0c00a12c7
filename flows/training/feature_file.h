/* Features on disk: a row of numbers for each tile, float or binary16, for training sets whose features exceed the memory.
 *
 * The file is a cache.  A header of 256 bytes holds the key of what it was computed from; a file with another key, size or precision
 * is not used.  It appears complete or not at all (base/durable.h).  Rows are read by pread, so a truncated file is an error and not
 * a signal. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <stdint.h>

typedef struct FeatureFile FeatureFile;

typedef struct {
    const char *path;     /* borrowed during the call */
    int64_t rows, length; /* numbers of a row */
    gboolean half;        /* binary16, else float */
} FeatureFileSpec;

/* Opens a finished file.  key: 64 hexadecimal digits.  NULL with WSI_ERROR_INPUT when the file has another key, size or precision,
 * or with an error of the system. */
FeatureFile *feature_file_open(const FeatureFileSpec *spec, const char *key, GError **error);
/* Creates a file and reserves all its space. */
FeatureFile *feature_file_create(const FeatureFileSpec *spec, GError **error);
/* Rows may be written and read in any order, by many threads at once.  room: space for `length` floats, of the calling
 * thread. */
gboolean feature_file_put(FeatureFile *file, int64_t row, const real *values, void *room, GError **error);
gboolean feature_file_get(const FeatureFile *file, int64_t row, real *values, void *room, GError **error);
/* Publishes a new file under its key.  Its rows can be read before and after. */
gboolean feature_file_publish(FeatureFile *file, const char *key, GError **error);
/* Removes a file that was not published. */
void feature_file_free(FeatureFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeatureFile, feature_file_free)

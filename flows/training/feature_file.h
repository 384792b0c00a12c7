/* Features on disk: rows of numbers, one a tile, float or binary16, for training sets whose features exceed the memory.
 *
 * The file is a cache: a header of 256 bytes names what it was computed from (key), and a file of another key, size or precision
 * is not used.  It appears complete or not at all (base/durable.h).  Rows are read with pread: a file that somebody
 * cuts off is an error, not a signal. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <stdint.h>

typedef struct FeatureFile FeatureFile;

typedef struct {
    const char *path;     /* borrowed only during calls */
    int64_t rows, length; /* numbers of a row */
    gboolean half;        /* binary16, else float */
} FeatureFileSpec;

/* A finished file with this key (64 hex digits).  NULL with WSI_ERROR_INPUT when it is another, WSI_ERROR_IO when it cannot be read. */
FeatureFile *feature_file_open(const FeatureFileSpec *spec, const char *key, GError **error);
/* A new one, with all its space reserved. */
FeatureFile *feature_file_create(const FeatureFileSpec *spec, GError **error);
/* Rows may be written and read in any order, by many threads at once.  room: feature_file_row_bytes() of the calling thread. */
size_t feature_file_row_bytes(const FeatureFile *file);
gboolean feature_file_put(FeatureFile *file, int64_t row, const real *values, void *room, GError **error);
gboolean feature_file_get(const FeatureFile *file, int64_t row, real *values, void *room, GError **error);
/* Publishes a new file under its key; it can be read before and after. */
gboolean feature_file_publish(FeatureFile *file, const char *key, GError **error);
/* A file that was not published disappears. */
void feature_file_free(FeatureFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeatureFile, feature_file_free)

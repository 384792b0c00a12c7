/* Maps as .npy files (numpy format 1.0, little-endian float32, C order), for later stages and other tools. */
#pragma once
#include "base/durable.h"
#include "base/image.h"

/* Begins an array of `rank` dimensions; the caller writes its values by durable_write and ends with durable_commit. */
Durable *npy_open(const char *path, int rank, const int64_t *shape, GError **error);
gboolean npy_write(const char *path, const Map *map, char sha256[65], GError **error);
Map *npy_read(const char *path, GError **error);
/* An array of `columns` columns; *rows may be 0.  Caller frees; NULL with error, also for another number of columns. */
float *npy_read_rows(const char *path, int columns, int *rows, GError **error);

/* Maps of values as .npy files (numpy format 1.0, little-endian float32, C order): what the stages pass on and any tool reads. */
#pragma once
#include "base/durable.h"
#include "base/image.h"

/* Begins an array of `rank` dimensions: its values follow by durable_write, then durable_commit. */
Durable *npy_open(const char *path, int rank, const int64_t *shape, GError **error);
gboolean npy_write(const char *path, const Map *map, char sha256[65], GError **error);
Map *npy_read(const char *path, GError **error);

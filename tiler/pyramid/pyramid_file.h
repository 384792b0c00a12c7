/* The TIFF file of a pyramid: takes encoded tiles of all levels, in any order of levels, and writes complete
 * directories.  For pyramid.c only. */
#pragma once
#include "tiler/pyramid/pyramid_spec.h"

typedef struct {
    int64_t width, height; /* px */
    int columns, rows;     /* tiles */
} PyramidLevel;

typedef struct PyramidFile PyramidFile;

/* levels: borrowed, level 0 first.  jpeg_tables: NULL unless the tiles are JPEG. */
PyramidFile *pyramid_file_open(const char *path, const PyramidSpec *spec, const PyramidLevel *levels,
                               int count, const GByteArray *jpeg_tables, GError **error);
void pyramid_file_free(PyramidFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PyramidFile, pyramid_file_free)
/* Adds a tile.  Each tile of each level is added once per plane, within a level in ascending order. */
gboolean pyramid_file_add(PyramidFile *file, int level, int64_t tile, const GByteArray *encoded,
                          GError **error);
/* Writes the reduced levels; the tiles that follow are those of the next plane. */
gboolean pyramid_file_next_plane(PyramidFile *file, GError **error);
/* Writes the reduced levels and publishes the file.  sha256 may be NULL. */
gboolean pyramid_file_finish(PyramidFile *file, char sha256[65], GError **error);

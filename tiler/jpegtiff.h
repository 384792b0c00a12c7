/* Tiled JPEG TIFF (Aperio SVS, generic pyramids) read without OpenSlide, some times faster and with the same pixels. */
#pragma once
#include "base/image.h"

typedef struct JpegTiff JpegTiff;
/* Called for a tile that cannot be decoded; FALSE stops the reading. */
typedef gboolean (*JpegTiffBad)(void *data, int level, int64_t column, int64_t row, const char *reason,
                                GError **error);

/* Opens the file when every one of the levels (width, height in px, as OpenSlide counts them) is a tiled directory of
 * 8-bit contiguous JPEG in YCbCr or RGB; NULL otherwise (no error: OpenSlide shall read it). */
JpegTiff *jpegtiff_open(const char *path, int level_count, const int64_t *widths, const int64_t *heights,
                        gboolean sparse_allowed, size_t cache_bytes);
void jpegtiff_free(JpegTiff *tiff);
void jpegtiff_tile_size(const JpegTiff *tiff, int level, int *width, int *height);
/* Adds a level that is decoded from `level` at 1 / scale (2, 4, 8) of its size, rounded down; it gets the next free number.
 * FALSE when the tiles' size does not allow that.  Before any reading. */
gboolean jpegtiff_add_scaled(JpegTiff *tiff, int level, int scale);
/* As slide_read, for an area that has pixels of the level; what lies outside of the level is left as it is.  `bad` gets the number of the
 * stored level and the column and row of its tile.  Thread-safe. */
gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *valid,
                       JpegTiffBad bad, void *data, GError **error);

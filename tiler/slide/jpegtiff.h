/* Tiled JPEG TIFF (Aperio SVS, generic pyramids) read without OpenSlide, some times faster and with the same pixels; and tiled TIFF of
 * any kind that OpenSlide does not read. */
#pragma once
#include "tiler/raster/mosaic.h"
#include "tiler/tiff/tiffpages.h"

typedef struct JpegTiff JpegTiff;
/* Called for a tile that cannot be decoded; FALSE stops the reading. */
typedef gboolean (*JpegTiffBad)(void *data, int level, int64_t column, int64_t row, const char *reason,
                                GError **error);

/* Opens the pages as levels when each is of 8-bit contiguous JPEG in YCbCr or RGB, or with `any` of what libtiff makes RGB of.
 * sparse_allowed: tiles may be missing.  NULL without error when they are not of that kind (OpenSlide shall read them); with
 * WSI_ERROR_IO or WSI_ERROR_MEMORY when the system failed. */
JpegTiff *jpegtiff_open(const char *path, int level_count, const TiffPage *const *pages, gboolean any,
                        gboolean sparse_allowed, size_t cache_bytes, GError **error);
void jpegtiff_free(JpegTiff *tiff);
void jpegtiff_tile_size(const JpegTiff *tiff, int level, int *width, int *height);
/* Whether the level's JPEG streams prove another colour space than its directory says; *ycbcr: what holds. */
gboolean jpegtiff_contradicted(const JpegTiff *tiff, int level, gboolean *ycbcr);
/* Adds a level that is decoded from `level` at 1 / scale (2, 4, 8) of its size, rounded down; it gets the next free number.
 * FALSE when the tiles' size does not allow that.  Before any reading. */
gboolean jpegtiff_add_scaled(JpegTiff *tiff, int level, int scale);
/* As slide_read, for an area that has pixels of the level; what lies outside of the level is left as it is.  `bad` gets the number of the
 * stored level and the column and row of its tile.  Thread-safe. */
gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
                       JpegTiffBad bad, void *data, GError **error);

/* An area of decoded tiles as they lie in the cache, which keeps them until the view is released.  FALSE, without error, when that
 * cannot be: it reaches beyond the level, has a tile that is not stored or not readable, or many large tiles; jpegtiff_read() then
 * tells more.  One view a thread at a time, of any file. Thread-safe. */
gboolean jpegtiff_view(JpegTiff *tiff, int level, int64_t x, int64_t y, int width, int height,
                       MosaicView *view);
void jpegtiff_release(JpegTiff *tiff, MosaicView *view);

/* The fast path: tiled JPEG TIFF (Aperio SVS, generic pyramids) read without OpenSlide, several times faster and with the same pixels.
 * It also reads tiled TIFF of any other kind that OpenSlide does not read. */
#pragma once
#include "tiler/raster/mosaic.h"
#include "tiler/tiff/tiffpages.h"

typedef struct JpegTiff JpegTiff;
/* Called for a tile that cannot be decoded; FALSE stops the reading. */
typedef gboolean (*JpegTiffBad)(void *data, int level, int64_t column, int64_t row, const char *reason,
                                GError **error);

/* Opens the pages as levels when each is 8-bit contiguous JPEG in YCbCr or RGB, or, with `any`, whatever libtiff converts to RGB.
 * sparse_allowed: tiles may be missing.  NULL without error when a page is not of that kind (OpenSlide must read it); NULL with
 * WSI_ERROR_IO or WSI_ERROR_MEMORY when the system failed. */
JpegTiff *jpegtiff_open(const char *path, int level_count, const TiffPage *const *pages, gboolean any,
                        gboolean sparse_allowed, size_t cache_bytes, GError **error);
void jpegtiff_free(JpegTiff *tiff);
void jpegtiff_tile_size(const JpegTiff *tiff, int level, int *width, int *height);
/* Whether the level's JPEG streams prove another colour space than its directory declares; *ycbcr: the proved one. */
gboolean jpegtiff_contradicted(const JpegTiff *tiff, int level, gboolean *ycbcr);
/* Adds a level that is decoded from `level` at 1 / scale (2, 4, 8) of its size, rounded down; it gets the next free number.
 * FALSE when the tile size does not allow it.  Call it before any reading. */
gboolean jpegtiff_add_scaled(JpegTiff *tiff, int level, int scale);
/* As slide_read(), for a rectangle that overlaps the level; pixels outside of the level are not written.  `bad` gets the number of the
 * stored level and the column and row of the tile there.  Thread-safe. */
gboolean jpegtiff_read(JpegTiff *tiff, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
                       JpegTiffBad bad, void *data, GError **error);

/* A rectangle of decoded tiles where they are in the cache, which keeps them until the view is released.  FALSE, without error, when the
 * rectangle reaches beyond the level, has a tile that is missing or unreadable, or needs many large tiles; jpegtiff_read() then gives
 * the reason.  A thread holds one view at a time, of any file.  Thread-safe. */
gboolean jpegtiff_view(JpegTiff *tiff, int level, int64_t x, int64_t y, int width, int height,
                       MosaicView *view);
void jpegtiff_release(JpegTiff *tiff, MosaicView *view);

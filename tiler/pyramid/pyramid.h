/* Tiled TIFF pyramids that other programs open right (outputs.md 3.2, 3.3).
 *
 * PYRAMID_MULTI_IFD: levels are successive directories with NewSubfileType 1 from level 1 on; OpenSlide,
 * ASAP, vips, QuPath (RGB).  PYRAMID_OME: level 0 with SubIFDs and OME-XML; QuPath through Bio-Formats,
 * tifffile, napari. Bytes depend only on the pixels, the options and the library versions: no date, no host
 * name. BigTIFF is decided from the worst-case size beforehand. */
#pragma once
#include "base/image.h"

typedef enum { PYRAMID_MULTI_IFD, PYRAMID_OME } PyramidLayout;
typedef enum {
    PYRAMID_RGB_JPEG,     /* 8-bit RGB as YCbCr JPEG: images */
    PYRAMID_RGB_LOSSLESS, /* 8-bit RGB, Deflate with predictor 2 */
    PYRAMID_LABEL,        /* 8-bit values, Deflate; levels by maximum (lesion masks) */
    PYRAMID_FLOAT         /* 32-bit float, Deflate; levels by mean of what is not NaN */
} PyramidPixels;

typedef struct {
    PyramidLayout layout;
    PyramidPixels pixels;
    int64_t width, height;   /* of level 0 */
    double mpp_x, mpp_y;     /* of level 0, um/px */
    int tile;                /* multiple of 16; 0 = 256 */
    int quality;             /* JPEG; 0 = 90 */
    int min_size;            /* levels are halved until both sides are <= this; 0 = 256 */
    const char *description; /* short ASCII (multi-IFD) or image name (OME); may be NULL */
    const char *channel;     /* OME channel name; may be NULL */
    int threads;             /* that encode tiles; 0 = 1; bytes do not depend on it */
    /* May be NULL.  Else the source prepares its rows without touching their pixels, and then this is called for each column of tiles,
     * by several threads at once, with the columns [x, x + width) of level 0: TRUE, when all pixels are equal, with the first one written
     * and no other; FALSE with all of them filled, `stride` bytes from row to row.  Most of a mask is equal, and costs nothing so. */
    gboolean (*part)(void *data, int64_t x, int width, void *pixels, size_t stride);
} PyramidSpec;

/* Fills rows [y, y + rows) of level 0: bytes (width * channels * sizeof sample) a row.  Called in ascending
 * order, each row once, from one thread.  rows is at most the tile height. */
typedef gboolean (*PyramidSource)(void *data, int64_t y, int rows, void *pixels, GError **error);

/* Writes the file durably in memory bounded by a few rows of tiles of each level. sha256 may be NULL. */
gboolean pyramid_write(const char *path, const PyramidSpec *spec, PyramidSource source, void *data,
                       char sha256[65], GError **error);
/* From whole rasters. */
gboolean pyramid_write_image(const char *path, const PyramidSpec *spec, const Image *image, char sha256[65],
                             GError **error);
gboolean pyramid_write_map(const char *path, const PyramidSpec *spec, const Map *map, char sha256[65],
                           GError **error);

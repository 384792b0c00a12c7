/* What a pyramid is: layout, pixels and size.  pyramid.h writes one. */
#pragma once
#include "base/image.h"

typedef enum { PYRAMID_MULTI_IFD, PYRAMID_OME } PyramidLayout;
typedef enum {
    PYRAMID_RGB_JPEG,     /* 8-bit RGB as YCbCr JPEG: images */
    PYRAMID_RGB_LOSSLESS, /* 8-bit RGB, Deflate with predictor 2 */
    PYRAMID_LABEL,        /* 8-bit values, Deflate; levels by maximum (lesion masks) */
    PYRAMID_FLOAT /* 32-bit float, Deflate, one plane or several; NaN = no data; levels by PyramidRule */
} PyramidPixels;

/* How a level of floats follows from the one below.  Only values that are not NaN count; where there is none, the level has NaN too. */
typedef enum {
    PYRAMID_MEAN, /* of all values of level 0 below the pixel: each counts once, however many of them there are in each quarter */
    PYRAMID_MAXIMUM /* a lesion of one pixel is still there in the coarsest level */
} PyramidRule;

/* A plane of floats: a channel, with directories of its own. */
typedef struct {
    const char *name; /* with its unit */
    uint32_t colour;  /* 0xRRGGBB: in which a viewer shows the channel */
    PyramidRule rule;
    gboolean no_data; /* it may hold NaN, which the tag GDAL_NODATA then says too */
} PyramidPlane;

typedef struct {
    PyramidLayout layout;
    PyramidPixels pixels;
    int64_t width, height;   /* of level 0 */
    double mpp_x, mpp_y;     /* of level 0, um/px */
    int tile;                /* multiple of 16; 0 = 256 */
    int quality;             /* JPEG; 0 = 90 */
    int min_size;            /* px; levels are halved until both sides are <= this; 0 = 256 */
    const char *description; /* short ASCII (multi-IFD) or image name (OME); may be NULL */
    const PyramidPlane
        *planes;         /* OME with PYRAMID_FLOAT: at least one; NULL: one without a name, by PYRAMID_MEAN */
    int plane_count;     /* 0 with NULL */
    const char *comment; /* OME: a description for people; may be NULL */
    const char *const *notes; /* OME: keys and values in turn, ended by NULL, for programs; may be NULL */
    int threads;              /* that encode tiles; 0 = 1; the bytes do not depend on it */
    /* May be NULL.  Otherwise the source prepares its rows, and its `pixels` are NULL.  This function is then called for each column of tiles,
     * by several threads at once, with the columns [x, x + width) of level 0.  It writes them, `stride` bytes from row to row; or only the
     * first pixel, with *constant = TRUE, when all are equal.  Most tiles of a mask are constant, and cost nothing this way. */
    gboolean (*part)(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                     GError **error);
    /* May be NULL.  Otherwise called for each tile of the levels from 1 on after it was made by halving, by several threads at once: draws on
     * the `width` x `rows` pixels at (x, y) of the level, `stride` bytes from row to row.  What it draws is also halved into the next level.
     * So lines can have the same width in px on all levels, and be seen on the coarsest one. */
    void (*draw)(void *data, int level, int64_t x, int64_t y, int width, int rows, void *pixels,
                 size_t stride);
} PyramidSpec;

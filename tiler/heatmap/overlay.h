/* The slide with its map on it, as a pyramid that viewers open like the slide.
 *
 * An opaque RGB pyramid (JPEG, multi-IFD; pyramid.h) with levels of factor 2 down to 1024 px.  It covers all of the slide's level 0, and its
 * pixel (0, 0) begins where that of the slide does, also when the scanned bounds do not.  Each pixel is the slide's, blended with the colour
 * of the map there.
 *
 *   value     linear between the centres of the cells (bilinear), from the cells with data alone.  A pixel has a value exactly when the
 *             cell that it is in has one, so nothing is interpolated into cells without data
 *   hatched   pixels that the slide's file does not give, and cells that are not known
 *   rings     black lines with white borders, on each level of the same width in px */
#pragma once
#include "tiler/heatmap/overlay_lines.h"
#include "tiler/slide/slide.h"

typedef struct {
    const Map *map; /* covers the slide's whole level 0; values that are not finite are no data */
    const Image
        *known; /* of the map's size: 0 = hatched where there is no value; NULL: all cells are known */
    const char *colours; /* "viridis", ... */
    double low, high;    /* values of the first and the last colour */
    double opacity;      /* of the colours, 0 to 1 */
    const Ring *rings;   /* lines to draw, in cells of the map */
    int ring_count;
    double mpp;              /* wanted resolution, um/px; 0 = level 0 */
    int quality;             /* JPEG; 0 = 90 */
    int threads;             /* the bytes do not depend on it */
    const char *description; /* short ASCII */
    /* Progress in rows; FALSE with error ends the work.  May be NULL. */
    gboolean (*tick)(void *data, int64_t done, int64_t total, GError **error);
    void *data;
} OverlaySpec;

/* The geometry of level 0 of an overlay: `factor` x `factor` px of a level of the slide become one. */
typedef struct {
    int level, factor;
    int64_t width, height;   /* px */
    double scale_x, scale_y; /* level-0 px of the slide per px */
    double mpp_x, mpp_y;
} OverlayFrame;
/* The frame whose resolution is nearest to mpp (by ratio): that of a level, or of one that is halved, since many slides have no level between
 * 1/4 and 1/16.  Of equal ones, that of the coarsest level.  mpp 0: level 0. */
OverlayFrame overlay_frame(const SlideInfo *info, double mpp);

/* Writes and publishes the file.  Memory is limited to some rows of tiles (pyramid.h).  The slide must have a resolution.  sha256 may be
 * NULL. */
gboolean overlay_write(const char *path, Slide *slide, const OverlaySpec *spec, char sha256[65],
                       GError **error);

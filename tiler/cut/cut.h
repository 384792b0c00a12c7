/* Tiles at an exact resolution: sub-pixel positions, separate x and y scales, anti-aliasing whose filter reaches
 * beyond the tile's edge.  The pixels of a tile do not depend on its neighbours. */
#pragma once
#include "tiler/raster/resample.h"
#include "tiler/slide/slide.h"

typedef struct {
    int size;      /* px, square */
    double mpp;    /* um/px of the tile */
    Filter filter; /* FILTER_LANCZOS3 by default */
} CutSpec;

/* The smallest readable fraction with which a tile counts.  One rule for patch sets, training and scores, and for the cells of a
 * tile's map.  A tile or cell with less is no data. */
#define CUT_READABLE 0.5
static inline gboolean cut_readable(double readable_fraction)
{
    return readable_fraction >= CUT_READABLE;
}

/* Cuts the tile whose top-left corner is (x, y) in level-0 px (may be fractional) into rgb (size, size, 3; caller's).  Its footprint is
 * size * mpp / slide mpp, separately in x and y.  readable (size, size, 1; may be NULL): 255 where at least half of a pixel has data.
 * readable_fraction: the part of the footprint with data.  The slide's colour (slide_set_colour) is applied.  Slides without mpp are
 * refused.  Thread-safe on one slide. */
gboolean cut_tile(Slide *slide, const CutSpec *spec, double x, double y, Image *rgb, Image *readable,
                  double *readable_fraction, GError **error);

/* The region (level-0 px) scaled to exactly rgb->width x rgb->height; for thumbnails and overviews.  No colour is applied. */
gboolean cut_region(Slide *slide, const Rect *region, Filter filter, Image *rgb, Image *readable,
                    GError **error);
/* The same from a level of the caller's choice, finer than that of cut_region(), for areas that the coarser level does not show. */
gboolean cut_region_from(Slide *slide, int level, const Rect *region, Filter filter, Image *rgb,
                         Image *readable, GError **error);

/* Tiles at an exact resolution: sub-pixel exact place, separate x and y scale, anti-aliased with filter support
 * beyond the tile's edge.  What a tile holds does not depend on its neighbours. */
#pragma once
#include "tiler/raster/resample.h"
#include "tiler/slide/slide.h"

typedef struct {
    int size;      /* px, square */
    double mpp;    /* um/px of the tile */
    Filter filter; /* FILTER_LANCZOS3 by default */
} CutSpec;

/* The least fraction of a tile that must have been read for it to count: one rule for patch sets, training and scores, and for the cells of a
 * tile's map.  What counts less is no data. */
#define CUT_READABLE 0.5
static inline gboolean cut_readable(double readable_fraction)
{
    return readable_fraction >= CUT_READABLE;
}

/* Cuts the tile whose top-left corner is (x, y) in level-0 px (may be fractional) into rgb (size x size x 3,
 * caller's).  Footprint: size * mpp / slide mpp, in x and y apart.  readable_fraction: fraction of the footprint with
 * data.  The slide's colour (slide_set_colour) is applied.  valid (size x size x 1, may be NULL): 255 where at least half of a pixel has data.
 * Slides without mpp are refused. Thread-safe on one slide. */
gboolean cut_tile(Slide *slide, const CutSpec *spec, double x, double y, Image *rgb, Image *readable,
                  double *readable_fraction, GError **error);

/* The region [x, y, width, height] (level-0 px) scaled to exactly rgb->width x rgb->height; for thumbnails and overviews. */
gboolean cut_region(Slide *slide, const Rect *region, Filter filter, Image *rgb, Image *readable,
                    GError **error);
/* The same from a level of the caller's choice, finer than cut_region() would take: for what a coarser level does not show. */
gboolean cut_region_from(Slide *slide, int level, const Rect *region, Filter filter, Image *rgb,
                         Image *readable, GError **error);

/* An image of the whole slide at a coarse resolution, for finding tissue and for people. */
#pragma once
#include "tiler/slide/slide.h"

typedef struct {
    Image *rgb;              /* (H, W, 3), 255 where there are no data */
    Image *readable;         /* (H, W, 1): 255 where the slide has data */
    double scale_x, scale_y; /* level-0 px per px of the overview */
    double lost_fraction;    /* of the overview: could not be read at any level */
    double
        from_finer_fraction; /* of the overview: damaged in the level that it is read from, and read from a finer one */
} Overview;

/* ceil(size * slide mpp / mpp) px.  An area that is damaged in the level of this resolution is read from the next finer level that shows it.
 * Free with overview_clear, also when it failed. */
gboolean overview_read(Slide *slide, double mpp, Overview *out, GError **error);
void overview_clear(Overview *overview);

/* An image of the whole slide at a coarse resolution, for finding tissue and for people. */
#pragma once
#include "tiler/slide/slide.h"

typedef struct {
    Image *rgb;              /* (H, W, 3), 255 where there are no data */
    Image *readable;         /* (H, W, 1): 255 where the slide has data */
    double scale_x, scale_y; /* level-0 px per px of the overview */
    /* Fractions of the overview: not readable at any level; damaged in the level it is read from, but read from a finer one. */
    double lost_fraction, from_finer_fraction;
} Overview;

/* ceil(size * slide mpp / mpp) px.  An area that is damaged in the level of this resolution is read from the next finer level that shows it.
 * Free with overview_clear(), also after a failure. */
gboolean overview_read(Slide *slide, double mpp, Overview *out, GError **error);
void overview_clear(Overview *overview);

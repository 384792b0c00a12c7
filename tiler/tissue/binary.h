/* Operations on masks: rasters of one channel, 0 or 255.  Not for other rooms. */
#pragma once
#include "base/image.h"

typedef struct {
    double min_pixels; /* smaller pieces go */
    const Image *seed; /* NULL, or: pieces with fewer than min_seeds pixels of it go */
    double min_seeds;
    gboolean spare_border; /* pieces that touch the raster's border stay: they may go on beyond it */
} BinaryFilter;

/* Inverts the pieces of `value` (0 or 255) that the filter rejects.  Pieces of 255 are 8-connected, of 0 4-connected. */
gboolean binary_filter(Image *mask, uint8_t value, const BinaryFilter *filter, GError **error);
/* Closing with a square of 2 * radius + 1: gaps narrower than that are filled, outlines stay. */
gboolean binary_close(Image *mask, int radius, GError **error);
/* By the fraction of the mask in the square of 2 * radius + 1 around a pixel (less at the border): from `fill` on the pixel
 * is set, below `keep` it is cleared, between it stays. */
gboolean binary_majority(Image *mask, int radius, double keep, double fill, GError **error);
/* Lets the mask grow over `allowed`, at most `steps` pixels far, 4-connected. */
gboolean binary_grow(Image *mask, const Image *allowed, int steps, GError **error);

/* Operations on masks: images of one channel, 0 or 255.  For this room only. */
#pragma once
#include "base/image.h"

typedef struct {
    double min_pixels; /* smaller pieces are rejected */
    const Image *seed; /* NULL, or: pieces with fewer than min_seeds pixels of this mask are rejected */
    double min_seeds;
    gboolean
        spare_border; /* never reject pieces that touch the border of the image: they may continue beyond it */
} BinaryFilter;

/* Inverts the pieces of `value` (0 or 255) that the filter rejects.  Pieces of 255 are 8-connected, pieces of 0 are 4-connected. */
gboolean binary_filter(Image *mask, uint8_t value, const BinaryFilter *filter, GError **error);
/* Closing with a square of side 2 * radius + 1: fills narrower gaps and keeps outlines. */
gboolean binary_close(Image *mask, int radius, GError **error);
/* Uses the fraction of the mask in the square of side 2 * radius + 1 around a pixel (cut off at the border): at least `fill` sets the
 * pixel, less than `keep` clears it, anything between leaves it. */
gboolean binary_majority(Image *mask, int radius, double keep, double fill, GError **error);
/* Grows the mask into `allowed`, by at most `steps` pixels, 4-connected. */
gboolean binary_grow(Image *mask, const Image *allowed, int steps, GError **error);

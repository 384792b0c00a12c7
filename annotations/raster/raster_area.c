/* Exact areas, by Green's theorem piece by piece.
 *
 * On the line y the region's length inside [left, right] is the sum over pieces of sign * (right - clamp(x(y), left, right)): every piece
 * where the region begins adds all that is right of it, every piece where it ends takes that away.  Integrated over y each piece gives a
 * term of its own, without an order, polygon clipping or special cases for holes.  A piece left of the rectangle contributes its height
 * times the width, one right of it nothing. */
#include "annotations/raster/raster_private.h"
#include <math.h>

/* Pieces left of a rectangle cancel only up to the last digits, and a rounding error must not count as lesion. */
#define ROUNDING 1e-9

/* The mean of right - clamp(x, left, right) for x uniform between a and b. */
static double mean_reach(double a, double b, double left, double right)
{
    double low = fmin(a, b), high = fmax(a, b);
    if (high <= left) {
        return right - left;
    }
    if (low >= right) {
        return 0;
    }
    if (low >= left && high <= right) {
        return right - (low + high) / 2;
    }
    /* The part of [low, high] left of the rectangle gives its full width, the part inside the mean distance to the right side. */
    double inner_low = fmax(low, left), inner_high = fmin(high, right);
    double before = fmax(left - low, 0) * (right - left);
    double within = (inner_high - inner_low) * (right - (inner_low + inner_high) / 2);
    return (before + within) / (high - low);
}

/* The area of the region inside the rectangle, from the pieces of its bands. */
static double area_within(const Raster *raster, double left, double top, double right, double bottom)
{
    int first = raster_band(raster, top), last = raster_band(raster, bottom);
    double sum = 0;
    for (int band = first; band <= last; band++) {
        for (int64_t i = raster->start[band]; i < raster->start[band + 1]; i++) {
            const Piece *piece = &raster->pieces[raster->items[i]];
            double from = fmax(piece->top, top), to = fmin(piece->bottom, bottom);
            /* A piece is listed in all its bands; it counts in the first of those between `first` and `last`. */
            if (from >= to || MAX(raster_band(raster, piece->top), first) != band) {
                continue;
            }
            sum +=
                piece->sign * (to - from) * mean_reach(piece_x(piece, from), piece_x(piece, to), left, right);
        }
    }
    return sum;
}

double raster_fraction(const Raster *raster, const Rect *area)
{
    const Rect *bounds = &raster->bounds;
    double left = fmax(area->x, bounds->x), right = fmin(area->x + area->width, bounds->x + bounds->width);
    double top = fmax(area->y, bounds->y), bottom = fmin(area->y + area->height, bounds->y + bounds->height);
    if (left >= right || top >= bottom) {
        return 0;
    }
    double fraction = area_within(raster, left, top, right, bottom) / (area->width * area->height);
    return fraction < ROUNDING ? 0 : fraction > 1 - ROUNDING ? 1 : fraction;
}

double raster_area(const Raster *raster)
{
    const Rect *bounds = &raster->bounds;
    return area_within(raster, bounds->x, bounds->y, bounds->x + bounds->width, bounds->y + bounds->height);
}

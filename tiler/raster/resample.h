/* Separable anti-aliased resampling with a sub-pixel source box.
 *
 * Definition (that of Pillow's Image.resize with box=, the oracle of the tests): output pixel i has its centre at
 * source coordinate box.x + (i + 0.5) * scale, with scale = box.width / out width.  The kernel is stretched by
 * max(scale, 1).  Its weights are normalised over the source pixels that exist (and are readable). */
#pragma once
#include "tiler/raster/filter.h"
#include "tiler/raster/mosaic.h"

/* Resamples the box (source px; may be fractional, may reach the border) of `source` (H, W, 1 or 3) to `out`
 * (the same number of channels; caller's).  Thread-safe. */
gboolean resample(const Image *source, const Rect *box, Filter filter, Image *out, GError **error);
/* The same from a mosaic. */
gboolean resample_mosaic(const Mosaic *source, const Rect *box, Filter filter, Image *out, GError **error);
/* The same for RGB with a mask of its readable pixels (H, W, 1; 0 = no data).  Pixels without data have no weight.  Where less than half of
 * the weight has data, out is 255 and out_readable (1 channel, may be NULL) is 0. */
gboolean resample_readable(const Image *rgb, const Image *readable, const Rect *box, Filter filter,
                           Image *out, Image *out_readable, GError **error);

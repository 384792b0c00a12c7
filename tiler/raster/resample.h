/* Separable anti-aliased resampling with a sub-pixel source box.
 *
 * Meaning (the same as Pillow's Image.resize with box=, which serves as the oracle): output pixel i has its centre at
 * source coordinate box.x + (i + 0.5) * scale, scale = box.width / out width; the kernel is stretched by
 * max(scale, 1); weights are normalised over the source pixels that exist (and are valid). */
#pragma once
#include "tiler/raster/mosaic.h"

typedef enum { FILTER_LANCZOS3, FILTER_AREA, FILTER_BILINEAR } Filter;
gboolean filter_parse(const char *name, Filter *out); /* "lanczos3", "area", "bilinear" */
const char *filter_name(Filter filter);
/* Source pixels needed on each side of the box at `scale` source px per output px. */
int filter_margin(Filter filter, double scale);

/* Resamples the box (source px, may be fractional, may touch the border) of `source` (1 or 3 channels) to `out`
 * (same channels, caller's).  Thread-safe. */
gboolean resample(const Image *source, const Rect *box, Filter filter, Image *out, GError **error);
/* The same of pixels that lie in parts. */
gboolean resample_mosaic(const Mosaic *source, const Rect *box, Filter filter, Image *out, GError **error);
/* The same for RGB with a mask of what is data (1 channel, the size of rgb; 0 = no data): pixels without data have
 * no weight.  out is 255 and out_valid (1 channel, may be NULL) 0 where less than half of the weight has data. */
gboolean resample_readable(const Image *rgb, const Image *readable, const Rect *box, Filter filter,
                           Image *out, Image *out_valid, GError **error);

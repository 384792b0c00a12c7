/* Filters for resampling (resample.h). */
#pragma once
#include "tiler/raster/thread_scratch.h"

typedef enum { FILTER_LANCZOS3, FILTER_AREA, FILTER_BILINEAR } Filter;
gboolean filter_parse(const char *name, Filter *out); /* "lanczos3", "area", "bilinear" */
const char *filter_name(Filter filter);
/* How many source pixels the filter needs on each side of the box, at `scale` source px per output px. */
int filter_margin(Filter filter, double scale);

/* ---- for resample.c ---- */

/* Output i is the sum of weight[i * most + k] * source[first[i] + k], k < count[i]. */
typedef struct {
    int outputs, most;
    int *first, *count;
    float *weight;
    double phase; /* of the last output; the next one often has the same phase, and then the same weights */
} FilterTaps;

/* Makes the weights of `outputs` pixels from the source pixels in [start, start + length), of which `sources` exist.  uses: the thread's
 * memory for first, count and weight.  FALSE with WSI_ERROR_MEMORY. */
gboolean filter_taps_init(FilterTaps *taps, const ScratchUse uses[3], Filter filter, double start,
                          double length, int outputs, int sources, GError **error);

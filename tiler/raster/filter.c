/* Resampling filters, and their weights for a row of outputs.
 *
 * For output pixel i the weights are kernel((source pixel centre - box.x - (i + 0.5) scale) / max(scale, 1)), over the
 * source pixels that exist, divided by their sum. */
#include "tiler/raster/filter.h"
#include <math.h>
#include <string.h>

/* sinc(x) sinc(x / 3). */
static double lanczos3(double x)
{
    double a = M_PI * x;
    return x == 0 ? 1 : fabs(x) < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
}

/* A box of one pixel, half open, so that every position belongs to one pixel only. */
static double area(double x)
{
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

/* A triangle of two pixels. */
static double bilinear(double x)
{
    return MAX(0, 1 - fabs(x));
}

static const struct {
    const char *name;
    double (*kernel)(double x);
    double support;
} filters[] = {
    [FILTER_LANCZOS3] = {"lanczos3", lanczos3, 3},
    [FILTER_AREA] = {"area", area, 0.5},
    [FILTER_BILINEAR] = {"bilinear", bilinear, 1},
};

gboolean filter_parse(const char *name, Filter *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        if (strcmp(filters[i].name, name) == 0) {
            *out = (Filter)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *filter_name(Filter filter)
{
    return filters[filter].name;
}

int filter_margin(Filter filter, double scale)
{
    return (int)ceil(filters[filter].support * MAX(scale, 1)) + 1;
}

/* Makes the weights of output i, whose centre is at `centre` source px. */
static void fill_taps(FilterTaps *taps, int i, Filter filter, double centre, double stretch, int sources)
{
    double support = filters[filter].support * stretch, sum = 0;
    int first = MAX(0, (int)(centre - support + 0.5));
    /* The last source pixel whose centre is within the support. */
    int end = MIN(sources, (int)(centre + support + 0.5));
    /* A box that ends beyond the border, or rounding, may leave an output without a source pixel: it takes the nearest one. */
    first = MIN(first, sources - 1);
    end = CLAMP(end, first + 1, first + taps->most);
    float *weight = taps->weight + (size_t)i * taps->most;
    double phase = first + 0.5 - centre;
    taps->first[i] = first;
    taps->count[i] = end - first;
    if (i > 0 && phase == taps->phase && taps->count[i - 1] == end - first) {
        memcpy(weight, weight - taps->most, (size_t)(end - first) * sizeof *weight);
        return;
    }
    taps->phase = phase;
    /* Kernel at the centre of each source pixel, then normalised to a sum of 1. */
    for (int k = first; k < end; k++) {
        double w = filters[filter].kernel((k + 0.5 - centre) / stretch);
        weight[k - first] = (float)w;
        sum += w;
    }
    for (int k = 0; k < end - first; k++) {
        weight[k] = sum != 0 ? (float)(weight[k] / sum) : 1.0f / (float)(end - first);
    }
}

gboolean filter_taps_init(FilterTaps *taps, const ScratchUse uses[3], Filter filter, double start,
                          double length, int outputs, int sources, GError **error)
{
    static const char what[] = "resampling weights";
    /* Source px per output px; only reduction stretches the kernel. */
    double scale = length / outputs, stretch = MAX(scale, 1);
    taps->outputs = outputs;
    taps->phase = NAN;
    taps->most = MIN((int)ceil(filters[filter].support * stretch) * 2 + 1, sources);
    taps->first = thread_scratch(uses[0], (size_t)outputs, sizeof(int), what, error);
    taps->count = taps->first ? thread_scratch(uses[1], (size_t)outputs, sizeof(int), what, error) : NULL;
    taps->weight = taps->count ? thread_scratch(uses[2], (size_t)outputs * (size_t)taps->most, sizeof(float),
                                                what, error)
                               : NULL;
    if (!taps->weight) {
        return FALSE;
    }
    for (int i = 0; i < outputs; i++) {
        fill_taps(taps, i, filter, start + (i + 0.5) * scale, stretch, sources);
    }
    return TRUE;
}

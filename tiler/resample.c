/* Separable resampling.
 *
 * For output pixel i the weights are kernel((source pixel centre - box.x - (i + 0.5) scale) / max(scale, 1)), over the
 * source pixels that exist, divided by their sum.  Rows and columns are independent, so a picture costs two passes of
 * one-dimensional sums.
 *
 * Speed: rows are summed first (over source rows, each source sample is used 6 times a Lanczos pass), BLOCK output rows
 * at a time, and the sums are stored with the BLOCK rows innermost.  The second pass then adds whole vectors of BLOCK
 * values, one multiplication for a weight, whatever the number of channels.  All sums run in source order in each lane, so
 * the result does not depend on the vector width.
 *
 * Pixels without data: samples are multiplied by a validity of 0 or 1, which goes along as a fourth channel, and the
 * result is divided by what came of it.  So nothing bleeds out of white filling, and a constant picture stays constant
 * up to its last pixel. */
#include "tiler/resample.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 16, MAX_CHANNELS = 4 };

/* The inner loops are worth the wide registers of whatever processor runs them; -O2 alone leaves them scalar. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)
#define VECTORISED __attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

static double lanczos3(double x)
{
    double a = M_PI * x;
    return x == 0 ? 1 : fabs(x) < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
}

static double area(double x)
{
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

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

/* Output i is the sum of weight[i * most + k] * source[first[i] + k], k < count[i]. */
typedef struct {
    int outputs, most;
    int *first, *count;
    float *weight;
} Taps;

static void taps_clear(Taps *taps)
{
    g_free(taps->first);
    g_free(taps->count);
    g_free(taps->weight);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Taps, taps_clear)

static void fill_taps(Taps *taps, int i, Filter filter, double centre, double stretch, int sources)
{
    double support = filters[filter].support * stretch, sum = 0;
    int first = MAX(0, (int)(centre - support + 0.5));
    int end = MIN(sources, (int)(centre + support + 0.5));
    /* A box that ends beyond the border, or rounding, may leave an output without a source: the nearest serves. */
    first = MIN(first, sources - 1);
    end = CLAMP(end, first + 1, first + taps->most);
    float *weight = taps->weight + (size_t)i * taps->most;
    for (int k = first; k < end; k++) {
        sum += filters[filter].kernel((k + 0.5 - centre) / stretch);
    }
    for (int k = first; k < end; k++) {
        double w = filters[filter].kernel((k + 0.5 - centre) / stretch);
        weight[k - first] = (float)(sum != 0 ? w / sum : 1.0 / (end - first));
    }
    taps->first[i] = first;
    taps->count[i] = end - first;
}

static gboolean taps_init(Taps *taps, Filter filter, double start, double length, int outputs, int sources,
                          GError **error)
{
    double scale = length / outputs, stretch = MAX(scale, 1);
    taps->outputs = outputs;
    taps->most = MIN((int)ceil(filters[filter].support * stretch) * 2 + 1, sources);
    taps->first = wsi_try_alloc((size_t)outputs, sizeof(int), "resampling weights", error);
    taps->count =
        taps->first ? wsi_try_alloc((size_t)outputs, sizeof(int), "resampling weights", error) : NULL;
    taps->weight = taps->count ? wsi_try_alloc((size_t)outputs * (size_t)taps->most, sizeof(float),
                                               "resampling weights", error)
                               : NULL;
    if (!taps->weight) {
        return FALSE;
    }
    for (int i = 0; i < outputs; i++) {
        fill_taps(taps, i, filter, start + (i + 0.5) * scale, stretch, sources);
    }
    return TRUE;
}

/* sum[] += w * row[] for one source row. */
VECTORISED static void add_row(float *restrict sum, const uint8_t *restrict row, float w, int samples)
{
    for (int i = 0; i < samples; i++) {
        sum[i] += w * (float)row[i];
    }
}

/* columns[i * BLOCK + lane] = sum[i]: the rows of a block become the innermost dimension. */
static void store_lane(float *restrict columns, const float *restrict sum, int lane, int samples)
{
    for (int i = 0; i < samples; i++) {
        columns[(size_t)i * BLOCK + lane] = sum[i];
    }
}

/* out[c * BLOCK + lane] = sum over taps of weight * columns. */
VECTORISED static void add_columns(float *restrict out, const float *restrict columns,
                                   const float *restrict weight, int taps, int channels)
{
    for (int c = 0; c < channels; c++) {
        float sum[BLOCK] = {0};
        for (int k = 0; k < taps; k++) {
            const float *from = columns + ((size_t)k * channels + c) * BLOCK;
            float w = weight[k];
            for (int lane = 0; lane < BLOCK; lane++) {
                sum[lane] += w * from[lane];
            }
        }
        memcpy(out + (size_t)c * BLOCK, sum, sizeof sum);
    }
}

static uint8_t to_byte(float value)
{
    return (uint8_t)CLAMP(value + 0.5f, 0, 255.0f);
}

/* Where results go: `valid` and the division by validity only with masked sources. */
typedef struct {
    Image *out, *valid;
    gboolean masked;
} Sink;

static void store_pixel(const Sink *sink, int x, int y, const float *sample, int stride)
{
    size_t at = (size_t)y * sink->out->width + (size_t)x;
    int channels = sink->out->channels;
    uint8_t *to = sink->out->pixels + at * (size_t)channels;
    float share = sink->masked ? sample[channels * stride] : 1;
    gboolean has_data = share >= 0.5f;
    for (int c = 0; c < channels; c++) {
        to[c] = !has_data ? 255 : to_byte(sink->masked ? sample[c * stride] / share : sample[c * stride]);
    }
    if (sink->valid) {
        sink->valid->pixels[at] = has_data ? 255 : 0;
    }
}

typedef struct {
    int channels;      /* of the source, validity included */
    int left, columns; /* the source columns that any output needs */
    Taps across, down;
    float *sum, *block;
} Passes;

static void passes_clear(Passes *passes)
{
    taps_clear(&passes->across);
    taps_clear(&passes->down);
    g_free(passes->sum);
    g_free(passes->block);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Passes, passes_clear)

static gboolean passes_init(Passes *passes, const Image *source, const Rect *box, Filter filter,
                            const Image *out, GError **error)
{
    passes->channels = source->channels;
    if (!taps_init(&passes->across, filter, box->x, box->width, out->width, source->width, error) ||
        !taps_init(&passes->down, filter, box->y, box->height, out->height, source->height, error)) {
        return FALSE;
    }
    int last = out->width - 1;
    passes->left = passes->across.first[0];
    passes->columns = passes->across.first[last] + passes->across.count[last] - passes->left;
    size_t samples = (size_t)passes->columns * passes->channels;
    passes->sum = wsi_try_alloc(samples, sizeof(float), "resampling", error);
    passes->block = passes->sum ? wsi_try_alloc(samples, BLOCK * sizeof(float), "resampling", error) : NULL;
    return passes->block != NULL;
}

static void resample_block(Passes *passes, const Image *source, int y0, int rows, const Sink *sink)
{
    int samples = passes->columns * passes->channels;
    float pixel[MAX_CHANNELS * BLOCK];
    for (int lane = 0; lane < rows; lane++) {
        int y = y0 + lane;
        const float *weight = passes->down.weight + (size_t)y * passes->down.most;
        memset(passes->sum, 0, (size_t)samples * sizeof(float));
        for (int k = 0; k < passes->down.count[y]; k++) {
            size_t at = (size_t)(passes->down.first[y] + k) * source->width + (size_t)passes->left;
            add_row(passes->sum, source->pixels + at * (size_t)passes->channels, weight[k], samples);
        }
        store_lane(passes->block, passes->sum, lane, samples);
    }
    for (int x = 0; x < passes->across.outputs; x++) {
        size_t first = (size_t)(passes->across.first[x] - passes->left) * passes->channels;
        add_columns(pixel, passes->block + first * BLOCK,
                    passes->across.weight + (size_t)x * passes->across.most, passes->across.count[x],
                    passes->channels);
        for (int lane = 0; lane < rows; lane++) {
            store_pixel(sink, x, y0 + lane, pixel + lane, BLOCK);
        }
    }
}

static gboolean run(const Image *source, const Rect *box, Filter filter, const Sink *sink, GError **error)
{
    g_auto(Passes) passes = {0};
    const Image *out = sink->out;
    if (source->channels > MAX_CHANNELS || !(box->width > 0) || !(box->height > 0) ||
        !isfinite(box->x + box->width) || !isfinite(box->y + box->height) || fabs(box->x) > 1e9 ||
        fabs(box->y) > 1e9 || box->width > 1e9 || box->height > 1e9) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "cannot resample the box %g, %g, %g x %g of %d channels", box->x, box->y, box->width,
                    box->height, source->channels);
        return FALSE;
    }
    if (!passes_init(&passes, source, box, filter, out, error)) {
        return FALSE;
    }
    for (int y = 0; y < out->height; y += BLOCK) {
        resample_block(&passes, source, y, MIN(BLOCK, out->height - y), sink);
    }
    return TRUE;
}

gboolean resample(const Image *source, const Rect *box, Filter filter, Image *out, GError **error)
{
    Sink sink = {out, NULL, FALSE};
    if (out->channels != source->channels) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "resampling %d channels to %d", source->channels,
                    out->channels);
        return FALSE;
    }
    return run(source, box, filter, &sink, error);
}

gboolean resample_valid(const Image *rgb, const Image *valid, const Rect *box, Filter filter, Image *out,
                        Image *out_valid, GError **error)
{
    Sink sink = {out, out_valid, TRUE};
    g_autoptr(Image) masked = image_new(rgb->width, rgb->height, 4, error);
    if (!masked) {
        return FALSE;
    }
    size_t pixels = (size_t)rgb->width * rgb->height;
    for (size_t i = 0; i < pixels; i++) {
        gboolean has_data = valid->pixels[i] != 0;
        for (int c = 0; c < 3; c++) {
            masked->pixels[4 * i + c] = has_data ? rgb->pixels[3 * i + c] : 0;
        }
        masked->pixels[4 * i + 3] = has_data;
    }
    return run(masked, box, filter, &sink, error);
}

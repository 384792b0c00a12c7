/* Separable resampling.
 *
 * For output pixel i the weights are kernel((source pixel centre - box.x - (i + 0.5) scale) / max(scale, 1)), over the
 * source pixels that exist, divided by their sum.  Rows and columns are independent, so a picture costs two passes of
 * one-dimensional sums.
 *
 * Speed: rows are summed first, LANES output rows at a time, and the sums are transposed so that the LANES rows are innermost.
 * The second pass then adds whole vectors of LANES values, one multiplication for a weight, whatever the number of
 * channels.  Each output is summed in source order, so the result does not depend on the width of the vectors.
 *
 * Pixels without data: samples are multiplied by a validity of 0 or 1, which goes along as a fourth channel, and the
 * result is divided by what came of it.  So nothing bleeds out of white filling, and a constant picture stays constant
 * up to its last pixel. */
#include "tiler/resample.h"
#include "base/error.h"
#include "tiler/scratch.h"
#include "tiler/vectorised.h"
#include <math.h>
#include <string.h>

enum { LANES = 16, PIECE = 4096 };

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
        double w = filters[filter].kernel((k + 0.5 - centre) / stretch);
        weight[k - first] = (float)w;
        sum += w;
    }
    for (int k = 0; k < end - first; k++) {
        weight[k] = sum != 0 ? (float)(weight[k] / sum) : 1.0f / (float)(end - first);
    }
    taps->first[i] = first;
    taps->count[i] = end - first;
}

/* uses: of the memory for first, count and weight. */
static gboolean taps_init(Taps *taps, const ScratchUse uses[3], Filter filter, double start, double length,
                          int outputs, int sources, GError **error)
{
    static const char what[] = "resampling weights";
    double scale = length / outputs, stretch = MAX(scale, 1);
    taps->outputs = outputs;
    taps->most = MIN((int)ceil(filters[filter].support * stretch) * 2 + 1, sources);
    taps->first = scratch(uses[0], (size_t)outputs, sizeof(int), what, error);
    taps->count = taps->first ? scratch(uses[1], (size_t)outputs, sizeof(int), what, error) : NULL;
    taps->weight = taps->count
                       ? scratch(uses[2], (size_t)outputs * (size_t)taps->most, sizeof(float), what, error)
                       : NULL;
    if (!taps->weight) {
        return FALSE;
    }
    for (int i = 0; i < outputs; i++) {
        fill_taps(taps, i, filter, start + (i + 0.5) * scale, stretch, sources);
    }
    return TRUE;
}

/* sums[i] += w[0] * a[i] + ... + w[3] * a[3 * stride + i], in this order. */
VECTORISED static void add_four_rows(float *restrict sums, const uint8_t *restrict rows, size_t stride,
                                     const float *restrict w, int samples)
{
    const uint8_t *restrict a = rows, *restrict b = a + stride, *restrict c = b + stride,
                            *restrict d = c + stride;
    float wa = w[0], wb = w[1], wc = w[2], wd = w[3];
    for (int i = 0; i < samples; i++) {
        float sum = sums[i];
        sum += wa * (float)a[i];
        sum += wb * (float)b[i];
        sum += wc * (float)c[i];
        sum += wd * (float)d[i];
        sums[i] = sum;
    }
}

VECTORISED static void add_row(float *restrict sums, const uint8_t *restrict row, float w, int samples)
{
    for (int i = 0; i < samples; i++) {
        sums[i] += w * (float)row[i];
    }
}

/* sums[i] = sum over k of weight[k] * rows[k * stride + i], in pieces whose sums stay in the first cache. */
static void sum_rows(float *sums, const uint8_t *rows, size_t stride, const float *weight, int taps,
                     int samples)
{
    memset(sums, 0, (size_t)samples * sizeof(float));
    for (int first = 0; first < samples; first += PIECE) {
        int n = MIN(PIECE, samples - first), k = 0;
        for (; k + 4 <= taps; k += 4) {
            add_four_rows(sums + first, rows + (size_t)k * stride + first, stride, weight + k, n);
        }
        for (; k < taps; k++) {
            add_row(sums + first, rows + (size_t)k * stride + first, weight[k], n);
        }
    }
}

/* out[c * LANES + lane] = sum over k of weight[k] * columns[(k * channels + c) * LANES + lane]. */
VECTORISED static void sum_columns(float *restrict out, const float *restrict columns,
                                   const float *restrict weight, int taps, int channels)
{
    for (int c = 0; c < channels; c++) {
        float sum[LANES] = {0};
        for (int k = 0; k < taps; k++) {
            const float *from = columns + ((size_t)k * channels + c) * LANES;
            float w = weight[k];
            for (int lane = 0; lane < LANES; lane++) {
                sum[lane] += w * from[lane];
            }
        }
        memcpy(out + (size_t)c * LANES, sum, sizeof sum);
    }
}

/* Rounds to bytes. */
VECTORISED static void to_bytes(uint8_t *restrict out, const float *restrict values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float value = values[i] + 0.5f;
        value = value < 0 ? 0 : value > 255 ? 255 : value;
        out[i] = (uint8_t)value;
    }
}

/* Divides RGB by the validity that follows it, pixel by pixel: white where less than half of the weight has data; the fourth value
 * becomes 255 or 0. */
VECTORISED static void divide_by_validity(float *values, int pixels)
{
    for (int x = 0; x < pixels; x++) {
        float *at = values + (size_t)x * 4 * LANES, *share = at + 3 * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            float enough = share[lane] >= 0.5f ? 1.0f : 0.0f, divisor = enough > 0 ? share[lane] : 1.0f;
            for (int c = 0; c < 3; c++) {
                at[c * LANES + lane] = enough > 0 ? at[c * LANES + lane] / divisor : 255.0f;
            }
            share[lane] = enough * 255.0f;
        }
    }
}

typedef struct {
    const Image *source;
    Image *out, *valid; /* valid: only with a source of RGB and validity; may be NULL */
    int left, columns;  /* the source columns that any output needs */
    Taps across, down;
    float *rows;          /* [lane][sample of the source row] */
    float *columns_block; /* the same, transposed */
    float *results;       /* [sample of the output row][lane] */
    uint8_t *bytes;       /* the same, rounded */
} Passes;

static const ScratchUse across_memory[3] = {SCRATCH_FIRST_X, SCRATCH_COUNT_X, SCRATCH_WEIGHT_X};
static const ScratchUse down_memory[3] = {SCRATCH_FIRST_Y, SCRATCH_COUNT_Y, SCRATCH_WEIGHT_Y};

static gboolean passes_init(Passes *passes, const Rect *box, Filter filter, GError **error)
{
    static const char what[] = "resampling";
    const size_t lane = LANES * sizeof(float);
    const Image *source = passes->source, *out = passes->out;
    if (!taps_init(&passes->across, across_memory, filter, box->x, box->width, out->width, source->width,
                   error) ||
        !taps_init(&passes->down, down_memory, filter, box->y, box->height, out->height, source->height,
                   error)) {
        return FALSE;
    }
    int last = out->width - 1;
    passes->left = passes->across.first[0];
    passes->columns = passes->across.first[last] + passes->across.count[last] - passes->left;
    size_t samples = (size_t)passes->columns * source->channels,
           results = (size_t)out->width * source->channels;
    passes->rows = scratch(SCRATCH_ROWS, samples, lane, what, error);
    passes->columns_block = passes->rows ? scratch(SCRATCH_COLUMNS, samples, lane, what, error) : NULL;
    passes->results = passes->columns_block ? scratch(SCRATCH_RESULTS, results, lane, what, error) : NULL;
    passes->bytes = passes->results ? scratch(SCRATCH_BYTES, results, LANES, what, error) : NULL;
    return passes->bytes != NULL;
}

/* columns[i][lane] = rows[lane][i], in squares that stay in the first cache. */
static void transpose(float *restrict columns, const float *restrict rows, size_t samples)
{
    for (size_t first = 0; first < samples; first += LANES) {
        size_t end = MIN(first + LANES, samples);
        for (size_t lane = 0; lane < LANES; lane++) {
            for (size_t i = first; i < end; i++) {
                columns[i * LANES + lane] = rows[lane * samples + i];
            }
        }
    }
}

/* Copies lane `lane` of the bytes to row y of the output; the validity, a fourth sample, goes to its own raster. */
static void store_row(const Passes *passes, int lane, int y)
{
    const uint8_t *from = passes->bytes + lane;
    Image *out = passes->out;
    int width = out->width, channels = out->channels;
    size_t at = (size_t)y * width;
    if (passes->source->channels == channels) {
        uint8_t *to = out->pixels + at * (size_t)channels;
        for (size_t i = 0; i < (size_t)width * channels; i++) {
            to[i] = from[i * LANES];
        }
        return;
    }
    for (size_t x = 0; x < (size_t)width; x++) {
        for (size_t c = 0; c < 3; c++) {
            out->pixels[3 * (at + x) + c] = from[(4 * x + c) * LANES];
        }
        if (passes->valid) {
            passes->valid->pixels[at + x] = from[(4 * x + 3) * LANES];
        }
    }
}

/* Makes the output rows y0 .. y0 + rows - 1. */
static void resample_rows(Passes *passes, int y0, int rows)
{
    const Image *source = passes->source;
    const int channels = source->channels, width = passes->out->width;
    size_t samples = (size_t)passes->columns * channels, stride = (size_t)source->width * channels;
    for (int lane = 0; lane < rows; lane++) {
        int y = y0 + lane;
        const uint8_t *first =
            source->pixels + (size_t)passes->down.first[y] * stride + (size_t)passes->left * channels;
        sum_rows(passes->rows + (size_t)lane * samples, first, stride,
                 passes->down.weight + (size_t)y * passes->down.most, passes->down.count[y], (int)samples);
    }
    transpose(passes->columns_block, passes->rows, samples);
    for (int x = 0; x < width; x++) {
        size_t first = (size_t)(passes->across.first[x] - passes->left) * channels;
        sum_columns(passes->results + (size_t)x * channels * LANES, passes->columns_block + first * LANES,
                    passes->across.weight + (size_t)x * passes->across.most, passes->across.count[x],
                    channels);
    }
    if (channels != passes->out->channels) {
        divide_by_validity(passes->results, width);
    }
    to_bytes(passes->bytes, passes->results, (size_t)width * channels * LANES);
    for (int lane = 0; lane < rows; lane++) {
        store_row(passes, lane, y0 + lane);
    }
}

static gboolean run(const Image *source, const Rect *box, Filter filter, Image *out, Image *valid,
                    GError **error)
{
    Passes passes = {.source = source, .out = out, .valid = valid};
    if (!(box->width > 0) || !(box->height > 0) || !(box->width <= 1e9) || !(box->height <= 1e9) ||
        !(fabs(box->x) <= 1e9) || !(fabs(box->y) <= 1e9)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "cannot resample the box %g, %g, %g x %g", box->x,
                    box->y, box->width, box->height);
        return FALSE;
    }
    if (!passes_init(&passes, box, filter, error)) {
        return FALSE;
    }
    for (int y = 0; y < out->height; y += LANES) {
        resample_rows(&passes, y, MIN(LANES, out->height - y));
    }
    return TRUE;
}

gboolean resample(const Image *source, const Rect *box, Filter filter, Image *out, GError **error)
{
    if (out->channels != source->channels) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "resampling %d channels to %d", source->channels,
                    out->channels);
        return FALSE;
    }
    return run(source, box, filter, out, NULL, error);
}

gboolean resample_valid(const Image *rgb, const Image *valid, const Rect *box, Filter filter, Image *out,
                        Image *out_valid, GError **error)
{
    size_t pixels = (size_t)rgb->width * rgb->height;
    Image masked = {rgb->width, rgb->height, 4, scratch(SCRATCH_MASKED, pixels, 4, "resampling", error)};
    if (!masked.pixels) {
        return FALSE;
    }
    for (size_t i = 0; i < pixels; i++) {
        uint8_t has_data = valid->pixels[i] != 0, keep = (uint8_t)-has_data;
        for (int c = 0; c < 3; c++) {
            masked.pixels[4 * i + c] = rgb->pixels[3 * i + c] & keep;
        }
        masked.pixels[4 * i + 3] = has_data;
    }
    return run(&masked, box, filter, out, out_valid, error);
}

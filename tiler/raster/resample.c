/* Separable resampling.
 *
 * filter.c makes the weights.  Rows and columns are independent, so an image takes two passes of
 * one-dimensional sums.
 *
 * Speed: rows are summed first, in whole numbers (rowsum.h), one PIECE of LANES output rows at a time, which fits into the first-level
 * cache.  The LANES rows are then transposed so that the lane is the innermost index.  The second pass adds whole vectors of LANES values,
 * one multiplication per weight, for any number of channels.  Each output is summed in source order, so the result does not depend on the
 * width of the vectors.  Weights of rows are multiples of 1 / ROWSUM_ONE and sum to 1: pixels are within 0.05 grey level of those by exact
 * weights.
 *
 * Pixels without data: samples are multiplied by a readability of 0 or 1, which is resampled as a fourth channel, and the
 * result is divided by the resampled readability.  So white filling does not bleed into tissue, and a constant image stays constant
 * up to its last pixel. */
#include "tiler/raster/resample.h"
#include "base/error.h"
#include "tiler/raster/rowsum.h"
#include "tiler/raster/thread_scratch.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    LANES = 16,                 /* output rows that are made together */
    PIECE = 4 * ROWSUM_MULTIPLE /* samples */
};

/* The compiler splits a vector for processors with narrower registers. */
typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));

static inline __attribute__((always_inline)) void sum_columns_of(float *restrict out,
                                                                 const float *restrict columns,
                                                                 const float *restrict weight, int taps,
                                                                 int channels)
{
    Vector sums[4] = {0}, value;
    for (int k = 0; k < taps; k++) {
        for (int c = 0; c < channels; c++, columns += LANES) {
            memcpy(&value, columns, sizeof value);
            sums[c] += weight[k] * value;
        }
    }
    memcpy(out, sums, (size_t)channels * sizeof value);
}

/* out[c * LANES + lane] = sum over k of weight[k] * columns[(k * channels + c) * LANES + lane].  The sums of all channels are built
 * together, in registers. */
VECTORISED static void sum_columns(float *restrict out, const float *restrict columns,
                                   const float *restrict weight, int taps, int channels)
{
    if (channels == 3) {
        sum_columns_of(out, columns, weight, taps, 3);
    } else if (channels == 4) {
        sum_columns_of(out, columns, weight, taps, 4);
    } else {
        sum_columns_of(out, columns, weight, taps, 1);
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

/* Divides RGB by the readability that follows it, pixel by pixel; white where less than half of the weight has data.  The fourth value
 * becomes 255 or 0. */
VECTORISED static void divide_by_readability(float *values, int pixels)
{
    for (int x = 0; x < pixels; x++) {
        float *at = values + (size_t)x * 4 * LANES, *fraction = at + 3 * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            /* No branches: 0 or 1 selects between the quotient and white. */
            float enough = fraction[lane] >= 0.5f ? 1.0f : 0.0f, divisor = enough > 0 ? fraction[lane] : 1.0f;
            for (int c = 0; c < 3; c++) {
                at[c * LANES + lane] = enough > 0 ? at[c * LANES + lane] / divisor : 255.0f;
            }
            fraction[lane] = enough * 255.0f;
        }
    }
}

typedef struct {
    const Mosaic *source;
    Image *out, *readable; /* readable: only with a source of four channels; may be NULL */
    int left, columns;     /* the source columns that any output needs */
    FilterTaps across, down;
    uint32_t (*pairs)[PIECE]; /* a piece of the source rows of a block, in pairs */
    uint32_t *weights;        /* of these pairs, for each output row of a block */
    float *columns_block;     /* [sample of the source row][lane], ROWSUM_ONE times the sums */
    float *results;           /* [sample of the output row][lane] */
    uint8_t *bytes;           /* the same, rounded */
} Passes;

static const ScratchUse across_memory[3] = {SCRATCH_FIRST_X, SCRATCH_COUNT_X, SCRATCH_WEIGHT_X};
static const ScratchUse down_memory[3] = {SCRATCH_FIRST_Y, SCRATCH_COUNT_Y, SCRATCH_WEIGHT_Y};

/* How many source rows the outputs y .. y + outputs - 1 need; *first: the first of them. */
static int rows_needed(const FilterTaps *taps, int y, int outputs, int *first)
{
    int end = 0;
    *first = taps->first[y];
    for (int i = y; i < MIN(y + outputs, taps->outputs); i++) {
        *first = MIN(*first, taps->first[i]);
        end = MAX(end, taps->first[i] + taps->count[i]);
    }
    return end - *first;
}

/* The largest number of source rows that any block of LANES outputs needs. */
static int most_of_block(const FilterTaps *taps)
{
    int most = 0, first;
    for (int y = 0; y < taps->outputs; y += LANES) {
        most = MAX(most, rows_needed(taps, y, LANES, &first));
    }
    return most;
}

static gboolean passes_init(Passes *passes, const Rect *box, Filter filter, GError **error)
{
    static const char what[] = "resampling";
    const size_t lane = LANES * sizeof(float);
    const Mosaic *source = passes->source;
    const Image *out = passes->out;
    if (!filter_taps_init(&passes->across, across_memory, filter, box->x, box->width, out->width,
                          source->width, error) ||
        !filter_taps_init(&passes->down, down_memory, filter, box->y, box->height, out->height,
                          source->height, error)) {
        return FALSE;
    }
    int last = out->width - 1;
    /* The source columns from the first tap of the first output to the last tap of the last. */
    passes->left = passes->across.first[0];
    passes->columns = passes->across.first[last] + passes->across.count[last] - passes->left;
    size_t samples = (size_t)passes->columns * source->channels,
           results = (size_t)out->width * source->channels;
    /* Row sums carry a factor of ROWSUM_ONE, which the column weights take out. */
    for (size_t i = 0; i < (size_t)out->width * (size_t)passes->across.most; i++) {
        passes->across.weight[i] /= ROWSUM_ONE;
    }
    size_t pairs = ((size_t)most_of_block(&passes->down) + 1) / 2,
           weights = LANES * ((size_t)passes->down.most / 2 + 1);
    passes->pairs = thread_scratch(SCRATCH_PAIRS, pairs, sizeof *passes->pairs, what, error);
    passes->weights =
        passes->pairs ? thread_scratch(SCRATCH_WEIGHTS, weights, sizeof(uint32_t), what, error) : NULL;
    passes->columns_block =
        passes->weights ? thread_scratch(SCRATCH_COLUMNS, samples, lane, what, error) : NULL;
    passes->results =
        passes->columns_block ? thread_scratch(SCRATCH_RESULTS, results, lane, what, error) : NULL;
    passes->bytes = passes->results ? thread_scratch(SCRATCH_BYTES, results, LANES, what, error) : NULL;
    return passes->bytes != NULL;
}

/* columns[i * LANES + lane] = sums[lane][i]. */
VECTORISED static void transpose(float *restrict columns, float (*restrict sums)[PIECE], int samples)
{
    int i = 0;
#ifdef __SSE2__
    for (; i + 4 <= samples; i += 4) {
        for (int lane = 0; lane < LANES; lane += 4) {
            float *to = columns + (size_t)i * LANES + lane;
            /* Transposes 4 x 4 values at a time. */
            __m128 a = _mm_load_ps(sums[lane] + i), b = _mm_load_ps(sums[lane + 1] + i),
                   c = _mm_load_ps(sums[lane + 2] + i), d = _mm_load_ps(sums[lane + 3] + i);
            _MM_TRANSPOSE4_PS(a, b, c, d);
            _mm_store_ps(to, a);
            _mm_store_ps(to + LANES, b);
            _mm_store_ps(to + 2 * LANES, c);
            _mm_store_ps(to + 3 * LANES, d);
        }
    }
#endif
    for (; i < samples; i++) {
        for (int lane = 0; lane < LANES; lane++) {
            columns[(size_t)i * LANES + lane] = sums[lane][i];
        }
    }
}

/* The source rows of its block that an output row uses. */
typedef struct {
    int first, count;        /* of the pairs */
    const uint32_t *weights; /* one per pair */
} RowTaps;

/* For the output rows y .. y + rows - 1; first: the first source row of the block. */
static void find_row_taps(Passes *passes, int y, int rows, int first, RowTaps row_taps[LANES])
{
    const FilterTaps *down = &passes->down;
    uint32_t *weights = passes->weights;
    for (int r = 0; r < rows; r++) {
        const float *weight = down->weight + (size_t)(y + r) * (size_t)down->most;
        int begin = down->first[y + r] - first;
        int count = rowsum_weights(weights, weight, down->count[y + r], begin % 2);
        row_taps[r] = (RowTaps){begin / 2, count, weights};
        weights += count;
    }
}

/* Sums one piece of all output rows of the block: n samples of a part, from sample `offset` on. */
static void sum_piece(Passes *passes, const RowTaps *row_taps, int outputs, const uint8_t *const *rows,
                      int count, size_t offset, int n, float *columns)
{
    _Alignas(64) static _Thread_local float sums[LANES][PIECE]; /* undefined for lanes beyond `outputs` */
    for (int y = 0; y < count; y += 2) {
        const uint8_t *second =
            rows[y + 1 < count ? y + 1 : y]; /* an odd last row is its own partner, with weight 0 */
        rowsum_pair(passes->pairs[y / 2], rows[y] + offset, second + offset, n);
    }
    for (int r = 0; r < outputs; r++) {
        rowsum_add(sums[r], passes->pairs[row_taps[r].first], PIECE, row_taps[r].weights, row_taps[r].count,
                   n);
    }
    transpose(columns, sums, n);
}

/* Sums the source rows of output rows y .. y + rows - 1 into the columns. */
static void sum_block(Passes *passes, int y, int rows)
{
    const Mosaic *source = passes->source;
    RowTaps row_taps[LANES];
    int first, count = rows_needed(&passes->down, y, LANES, &first), end = passes->left + passes->columns;
    float *columns = passes->columns_block;
    find_row_taps(passes, y, rows, first, row_taps);
    for (int part = 0; part < source->parts; part++) {
        const uint8_t *const *part_rows =
            (const uint8_t *const *)source->rows + (size_t)part * (size_t)source->height + first;
        int begin = part > 0 ? source->ends[part - 1] : 0;
        int i = (MAX(begin, passes->left) - begin) * source->channels,
            samples = (MIN(source->ends[part], end) - begin) * source->channels;
        for (int n; i < samples; i += n, columns += (size_t)n * LANES) {
            n = MIN(PIECE, samples - i);
            sum_piece(passes, row_taps, rows, part_rows, count, (size_t)i, n, columns);
        }
    }
}

/* out[lane][i] = bytes[i * LANES + lane] for 16 values of i. */
VECTORISED static void transpose_bytes(uint8_t *restrict out, size_t stride, const uint8_t *restrict bytes)
{
#ifdef __SSE2__
    __m128i rows[LANES], mixed[LANES];
    memcpy(rows, bytes, sizeof rows);
    for (int round = 0; round < 4;
         round++) { /* each round is a perfect shuffle of all bytes; four of them transpose 16 x 16 */
        for (int i = 0; i < LANES / 2; i++) {
            mixed[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + LANES / 2]);
            mixed[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + LANES / 2]);
        }
        memcpy(rows, mixed, sizeof rows);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        memcpy(out + lane * stride, &rows[lane], sizeof rows[lane]);
    }
#else
    for (size_t lane = 0; lane < LANES; lane++) {
        for (size_t i = 0; i < LANES; i++) {
            out[lane * stride + i] = bytes[i * LANES + lane];
        }
    }
#endif
}

/* Copies lane `lane` of the bytes, from sample `begin` on, to row y of the output.  Readability, the fourth sample, goes to its own image. */
static void store_row(const Passes *passes, int lane, int y, size_t begin)
{
    const uint8_t *from = passes->bytes + lane;
    Image *out = passes->out;
    int width = out->width, channels = out->channels;
    size_t at = (size_t)y * width;
    if (passes->source->channels == channels) {
        uint8_t *to = out->pixels + at * (size_t)channels;
        for (size_t i = begin; i < (size_t)width * channels; i++) {
            to[i] = from[i * LANES];
        }
        return;
    }
    for (size_t x = 0; x < (size_t)width; x++) {
        for (size_t c = 0; c < 3; c++) {
            out->pixels[3 * (at + x) + c] = from[(4 * x + c) * LANES];
        }
        if (passes->readable) {
            passes->readable->pixels[at + x] = from[(4 * x + 3) * LANES];
        }
    }
}

/* Stores whole blocks of 16 x 16 bytes where the layout of the output allows it, and the rest row by row. */
static void store_rows(const Passes *passes, int y, int rows)
{
    const Image *out = passes->out;
    size_t stride = (size_t)out->width * out->channels, i = 0;
    if (rows == LANES && passes->source->channels == out->channels) {
        for (; i + LANES <= stride; i += LANES) {
            transpose_bytes(out->pixels + (size_t)y * stride + i, stride, passes->bytes + i * LANES);
        }
    }
    for (int lane = 0; lane < rows; lane++) {
        store_row(passes, lane, y + lane, i);
    }
}

/* Makes the output rows y0 .. y0 + rows - 1: rows first, then columns. */
static void resample_rows(Passes *passes, int y0, int rows)
{
    const int channels = passes->source->channels, width = passes->out->width;
    sum_block(passes, y0, rows);
    for (int x = 0; x < width; x++) {
        size_t first = (size_t)(passes->across.first[x] - passes->left) * channels;
        sum_columns(passes->results + (size_t)x * channels * LANES, passes->columns_block + first * LANES,
                    passes->across.weight + (size_t)x * passes->across.most, passes->across.count[x],
                    channels);
    }
    if (channels != passes->out->channels) {
        divide_by_readability(passes->results, width);
    }
    to_bytes(passes->bytes, passes->results, (size_t)width * channels * LANES);
    store_rows(passes, y0, rows);
}

static gboolean run(const Mosaic *source, const Rect *box, Filter filter, Image *out, Image *readable,
                    GError **error)
{
    Passes passes = {.source = source, .out = out, .readable = readable};
    if (!(box->width > 0) || !(box->height > 0) || !(box->width <= 1e9) || !(box->height <= 1e9) ||
        !(fabs(box->x) <= 1e9) || !(fabs(box->y) <= 1e9)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "cannot resample the box of %g x %g px at (%g, %g)",
                    box->width, box->height, box->x, box->y);
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

/* The same for an image in one piece. */
static gboolean run_image(const Image *source, const Rect *box, Filter filter, Image *out, Image *readable,
                          GError **error)
{
    const uint8_t **rows =
        thread_scratch(SCRATCH_IMAGE_ROWS, (size_t)source->height, sizeof *rows, "resampling", error);
    const Mosaic mosaic = {source->width, source->height, source->channels, 1, &source->width, rows};
    for (int y = 0; rows && y < source->height; y++) {
        rows[y] = source->pixels + (size_t)y * (size_t)source->width * (size_t)source->channels;
    }
    return rows && run(&mosaic, box, filter, out, readable, error);
}

/* Source and output have the same number of channels. */
static gboolean check_channels(int source, int out, GError **error)
{
    if (out != source) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "cannot resample %d channels to %d", source, out);
    }
    return out == source;
}

gboolean resample(const Image *source, const Rect *box, Filter filter, Image *out, GError **error)
{
    return check_channels(source->channels, out->channels, error) &&
           run_image(source, box, filter, out, NULL, error);
}

gboolean resample_mosaic(const Mosaic *source, const Rect *box, Filter filter, Image *out, GError **error)
{
    return check_channels(source->channels, out->channels, error) &&
           run(source, box, filter, out, NULL, error);
}

gboolean resample_readable(const Image *rgb, const Image *readable, const Rect *box, Filter filter,
                           Image *out, Image *out_readable, GError **error)
{
    size_t pixels = (size_t)rgb->width * rgb->height;
    Image masked = {rgb->width, rgb->height, 4,
                    thread_scratch(SCRATCH_MASKED, pixels, 4, "resampling", error)};
    if (!masked.pixels) {
        return FALSE;
    }
    /* (H, W, 4): RGB, zeroed where there is no data, and readability 0 or 1. */
    for (size_t i = 0; i < pixels; i++) {
        uint8_t has_data = readable->pixels[i] != 0, keep = (uint8_t)-has_data;
        for (int c = 0; c < 3; c++) {
            masked.pixels[4 * i + c] = rgb->pixels[3 * i + c] & keep;
        }
        masked.pixels[4 * i + 3] = has_data;
    }
    return run_image(&masked, box, filter, out, out_readable, error);
}

/* A wavelet scattering of stain densities: an extractor with nothing to download and nothing to learn.
 *
 * Bruna & Mallat, "Invariant Scattering Convolution Networks", PAMI 2013: convolve with oriented wavelets, take the
 * modulus, average; convolve the modulus again with coarser wavelets, take the modulus, average.  First order says how
 * strong the texture of each size is, second order how that strength itself varies in space (whether nuclei are
 * clustered).  Such coefficients hardly change under small shifts and deformations.
 *
 * What is particular here:
 *  - the input is not colour but stain: optical density OD = -log10((I + 1) / 256) above that of glass, unmixed into haematoxylin, eosin and
 *    the rest (Ruifrok & Johnston 2001), because absorption is linear in the amount of stain;
 *  - slides are stained more or less strongly, and in slightly different hues: haematoxylin and eosin are measured in units of
 *    their typical density in the tile, and what of the rest goes with them is taken out (stain_density.h).  The number of
 *    nuclei does not change the unit, so it stays visible;
 *  - a dyadic pyramid (binomial low-pass, decimation) carries one small 7x7 filter bank to all octaves, so the whole is
 *    a handful of convolutions of the kernel table; the three stains are three images of one channel;
 *  - tissue has no preferred direction: of the moduli u(theta) at 8 orientations the mean and the second circular
 *    harmonic |sum u e^(2 i theta)| / 8 are kept, how strong and how aligned;
 *  - the modulus loses the sign, but a dark nucleus and a pale vacuole of one size are different things: each octave
 *    adds the positive and the negative part of image minus low-pass;
 *  - what cannot be negative is compressed by ln(1 + v / 0.01): strengths of textures vary over decades and a flow wants
 *    something closer to normal; 0.01 is about the noise of an 8-bit density.
 *
 * The octaves respond most to wavelengths of 3.8 and 5.3 px (octave 0), 7.7 and 10, 15 and 20, 31 and 40 px: at 0.5 um/px
 * from chromatin (2 um) over nuclei (8 um) to the distance of nuclei (20 um).
 *
 * A tile is taken alone, its stains together: what is in between then fits the caches.
 * Grid g has size / 2^g samples a side; output scale s lies on grid s + 2.  Octave l is computed on grid l, octave 0 on
 * grid 1 because its modulus is smooth enough.  The borders reflect. */
#include "flows/extractors/extractor_private.h"
#include "flows/extractors/stain_density.h"
#include "flows/kernels/vecmath.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define OCTAVES 4
#define GRIDS (SCALES + 2)
#define VOICES 2
#define ORIENTATIONS 8
#define SIDE 7
#define TAPS (SIDE * SIDE)
#define TEXTURE \
    (2 * VOICES + 2) /* of an octave: mean and harmonic of each voice, positive and negative part */
#define MEAN(voice) (2 * (voice))
#define HARMONIC(voice) (2 * (voice) + 1)
#define POSITIVE (2 * VOICES)
#define NEGATIVE (2 * VOICES + 1)
#define NOISE REAL(0.01)

/* Planes on the grid where they are made, and low-passed to coarser ones: on[g] is (stains, grid g, channels). */
typedef struct {
    int channels, first, last;
    real *on[GRIDS];
} Pyramid;

typedef struct {
    ExtractorRun run;
    const Kernels *kernels;
    Conv *first[OCTAVES],
        *second[OCTAVES]; /* second[l]: of finer octaves' envelopes, on the grid of octave l > 0 */
    Pyramid image, texture[OCTAVES], path[OCTAVES][OCTAVES]; /* path[from][to] */
    real *plane;                                             /* (stains, grid 0): a low-pass or an envelope */
    real *response; /* (stains, grid 1, the filter bank), and some room */
    real *row;      /* of low_pass */
    real *map[SCALES];
} Scattering;

/* Output scale s sees the octaves up to here. */
static const int last_octave[SCALES] = {2, 3, 3};

static int grid_of_octave(int octave)
{
    return MAX(octave, 1);
}

/* Second order: from each finer octave to the two coarsest ones that a scale sees. */
static gboolean uses_path(int scale, int from, int to)
{
    return from < to && to <= last_octave[scale] && to >= last_octave[scale] - 1;
}

/* Features of a stain. */
static int feature_count(int scale)
{
    int count = 1 + (last_octave[scale] + 1) * TEXTURE;
    for (int i = 0; i < OCTAVES * OCTAVES; i++) {
        count += uses_path(scale, i / OCTAVES, i % OCTAVES);
    }
    return count;
}

/* ---- the filter bank ---- */

/* Morlet wavelet e^(-|u|^2 / 2 sigma^2) (e^(i xi u.t) - beta): beta makes the sum 0; scaled so that the moduli sum to 1. */
static void morlet(double xi, double sigma, double theta, real *re, real *im)
{
    double envelope[TAPS], wave_re[TAPS], wave_im[TAPS], sum = 0, mean_re = 0, mean_im = 0, norm = 0;
    for (int i = 0; i < TAPS; i++) {
        double x = i % SIDE - SIDE / 2, y = i / SIDE - SIDE / 2,
               phase = xi * (x * cos(theta) + y * sin(theta));
        envelope[i] = exp(-(x * x + y * y) / (2 * sigma * sigma));
        wave_re[i] = cos(phase);
        wave_im[i] = sin(phase);
        sum += envelope[i];
        mean_re += envelope[i] * wave_re[i];
        mean_im += envelope[i] * wave_im[i];
    }
    for (int i = 0; i < TAPS; i++) {
        wave_re[i] = envelope[i] * (wave_re[i] - mean_re / sum);
        wave_im[i] = envelope[i] * (wave_im[i] - mean_im / sum);
        norm += hypot(wave_re[i], wave_im[i]);
    }
    for (int i = 0; i < TAPS; i++) {
        re[i] = (real)(wave_re[i] / norm);
        im[i] = (real)(wave_im[i] / norm);
    }
}

/* Filters: for each voice 8 real parts, then 8 imaginary parts.  The pyramid's low-pass shifts what a coarser octave sees by half an
 * octave; octave 0, which has no low-pass before it, is shifted here, so that all voices are half an octave apart. */
static void fill_bank(int octave, int voices, real *weight)
{
    for (int v = 0; v < voices; v++) {
        double octave_part = exp2((v + (octave == 0)) / (double)VOICES);
        for (int t = 0; t < ORIENTATIONS; t++) {
            real *re = weight + (size_t)(v * 2 * ORIENTATIONS + t) * TAPS,
                 *im = re + (size_t)ORIENTATIONS * TAPS;
            morlet(0.75 * G_PI / octave_part, 0.85 * octave_part, G_PI * t / ORIENTATIONS, re, im);
        }
    }
}

static Conv *bank_new(const Kernels *kernels, int octave, int side, int stride, int voices, GError **error)
{
    real weight[VOICES * 2 * ORIENTATIONS * TAPS];
    fill_bank(octave, voices, weight);
    ConvSpec spec = {.n = STAINS,
                     .h = side,
                     .w = side,
                     .c_in = 1,
                     .c_out = voices * 2 * ORIENTATIONS,
                     .kernel = SIDE,
                     .stride = stride,
                     .pad = SIDE / 2,
                     .pad_mode = PAD_REFLECT};
    return kernels->conv_new(&spec, weight, NULL, error);
}

/* Mean and harmonic of LANES groups of responses ({re, im}, orientations), each step a loop that compilers turn into
 * vector code.  e^(2 i theta) at multiples of 45 degrees: 1, r + ir, i, -r + ir, and the negatives. */
static inline void pool_lanes(const real *response, real mean[LANES], real harmonic[LANES])
{
    enum { HALF = ORIENTATIONS / 2 };
    const real r = REAL(0.70710678118654752), weight = REAL(1.0) / ORIENTATIONS;
    real modulus[LANES * ORIENTATIONS], sum[LANES * HALF], difference[LANES * HALF];
    for (int k = 0; k < LANES; k++) {
        const real *re = response + (size_t)k * 2 * ORIENTATIONS, *im = re + ORIENTATIONS;
        for (int t = 0; t < ORIENTATIONS; t++) {
            modulus[k * ORIENTATIONS + t] = re[t] * re[t] + im[t] * im[t];
        }
    }
    for (int i = 0; i < LANES * ORIENTATIONS; i++) {
        modulus[i] = real_sqrt(modulus[i]);
    }
    for (int k = 0; k < LANES; k++) {
        const real *u = modulus + (size_t)k * ORIENTATIONS;
        for (int t = 0; t < HALF; t++) {
            sum[k * HALF + t] = u[t] + u[t + HALF];
            difference[k * HALF + t] = u[t] - u[t + HALF];
        }
    }
    for (int k = 0; k < LANES; k++) {
        const real *d = difference + (size_t)k * HALF, *e = sum + (size_t)k * HALF;
        real c = d[0] + r * (d[1] - d[3]), s = d[2] + r * (d[1] + d[3]);
        mean[k] = weight * ((e[0] + e[1]) + (e[2] + e[3]));
        harmonic[k] = weight * real_sqrt(c * c + s * s);
    }
}

/* response (pixels, voices, {re, im}, orientations) -> mean and harmonic of each voice at out[pixel * stride + 2 voice].
 * The response has room for LANES more groups. */
VECTOR_CLONES
static void pool_orientations(const real *response, size_t pixels, int voices, int stride, real *out)
{
    real mean[LANES], harmonic[LANES];
    for (size_t i = 0; i < pixels * voices; i += LANES) {
        pool_lanes(response + i * 2 * ORIENTATIONS, mean, harmonic);
        for (size_t k = 0; k < LANES && i + k < pixels * voices; k++) {
            real *at = out + (i + k) / voices * stride + MEAN((i + k) % voices);
            at[0] = mean[k];
            at[1] = harmonic[k];
        }
    }
}

/* ---- the pyramid ---- */

static int reflect(int i, int size)
{
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

/* Binomial low-pass [1 4 6 4 1] / 16 in both directions, of every step-th sample (1 or 2). x: (side, side, channels).
 * row: (2 side + 4) * channels of scratch. */
VECTOR_CLONES
static void low_pass(const real *x, int side, int channels, int step, real *row, real *y)
{
    size_t line = (size_t)side * channels;
    for (int oy = 0; oy < side; oy += step) {
        const real *in[5];
        for (int k = 0; k < 5; k++) {
            in[k] = x + reflect(oy + k - 2, side) * line;
        }
        real *middle = row + 2 * channels;
        for (size_t i = 0; i < line; i++) {
            middle[i] = ((in[0][i] + in[4][i]) + 4 * (in[1][i] + in[3][i]) + 6 * in[2][i]) / 16;
        }
        for (int c = 0; c < channels; c++) {
            for (int k = 1; k <= 2; k++) {
                middle[c - k * channels] = middle[c + k * channels];
                middle[c + (size_t)(side - 1 + k) * channels] = middle[c + (size_t)(side - 1 - k) * channels];
            }
        }
        real *out = step == 1 ? y : row + line + 4 * channels;
        for (size_t i = 0; i < line; i++) {
            const real *at = row + i;
            out[i] =
                ((at[0] + at[4 * channels]) + 4 * (at[channels] + at[3 * channels]) + 6 * at[2 * channels]) /
                16;
        }
        for (int ox = 0; step == 2 && ox < side; ox += 2) {
            memcpy(y + (size_t)(ox / 2) * channels, out + (size_t)ox * channels, sizeof(real) * channels);
        }
        y += line / step;
    }
}

static void pyramid_clear(Pyramid *pyramid)
{
    for (int g = 0; g < GRIDS; g++) {
        g_free(pyramid->on[g]);
    }
}

static gboolean pyramid_init(Pyramid *pyramid, int size, int channels, int first, int last, GError **error)
{
    *pyramid = (Pyramid){.channels = channels, .first = first, .last = last};
    for (int g = first; g <= last; g++) {
        size_t side = (size_t)size >> g;
        pyramid->on[g] =
            wsi_try_alloc(STAINS * side * side * channels, sizeof(real), "a scattering pyramid", error);
        if (!pyramid->on[g]) {
            return FALSE;
        }
    }
    return TRUE;
}

/* From the first grid to all coarser ones. */
static void pyramid_fill(const Pyramid *p, int size, real *row)
{
    for (int g = p->first; g < p->last; g++) {
        size_t side = (size_t)size >> g, plane = side * side * p->channels;
        for (int s = 0; s < STAINS; s++) {
            low_pass(p->on[g] + s * plane, (int)side, p->channels, 2, row, p->on[g + 1] + s * (plane / 4));
        }
    }
}

/* ---- preparing ---- */

static void scattering_run_destroy(ExtractorRun *base)
{
    Scattering *run = (Scattering *)base;
    pyramid_clear(&run->image);
    for (int l = 0; l < OCTAVES; l++) {
        run->kernels->conv_free(run->first[l]);
        run->kernels->conv_free(run->second[l]);
        pyramid_clear(&run->texture[l]);
        for (int to = 0; to < OCTAVES; to++) {
            pyramid_clear(&run->path[l][to]);
        }
    }
    for (int s = 0; s < SCALES; s++) {
        g_free(run->map[s]);
    }
    g_free(run->plane);
    g_free(run->response);
    g_free(run->row);
    g_free(run);
}

static gboolean prepare_octave(Scattering *run, int octave, int size, GError **error)
{
    int grid = grid_of_octave(octave), side = size >> octave;
    run->first[octave] = bank_new(run->kernels, octave, side, 1 << (grid - octave), VOICES, error);
    if (!run->first[octave] || !pyramid_init(&run->texture[octave], size, TEXTURE, grid, GRIDS - 1, error)) {
        return FALSE;
    }
    if (octave > 0) {
        run->second[octave] = bank_new(run->kernels, octave, size >> grid, 1, 1, error);
    }
    gboolean ok = octave == 0 || run->second[octave];
    for (int from = 0; ok && from < octave; from++) {
        ok = pyramid_init(&run->path[from][octave], size, 2, grid, GRIDS - 1, error);
    }
    return ok;
}

static gboolean prepare(Scattering *run, int batch, int size, GError **error)
{
    gboolean ok = pyramid_init(&run->image, size, 1, 0, GRIDS - 1, error);
    for (int l = 0; ok && l < OCTAVES; l++) {
        ok = prepare_octave(run, l, size, error);
    }
    const char *what = "scattering coefficients";
    size_t pixels = (size_t)size * size;
    if (!ok || !(run->plane = wsi_try_alloc(STAINS * pixels, sizeof(real), what, error)) ||
        !(run->response = wsi_try_alloc((STAINS * (pixels / 4) * VOICES + LANES) * 2 * ORIENTATIONS,
                                        sizeof(real), what, error)) ||
        !(run->row = wsi_try_alloc((2 * (size_t)size + 4) * TEXTURE, sizeof(real), what, error))) {
        return FALSE;
    }
    for (int s = 0; s < SCALES; s++) {
        size_t side = (size_t)size >> (s + 2);
        run->map[s] =
            wsi_try_alloc(batch * side * side * STAINS * feature_count(s), sizeof(real), what, error);
        if (!run->map[s]) {
            return FALSE;
        }
    }
    return TRUE;
}

static ExtractorRun *scattering_run_create(const Extractor *extractor, const Kernels *kernels, int batch,
                                           int size, GError **error)
{
    Scattering *run = g_new0(Scattering, 1);
    run->kernels = kernels;
    if (!prepare(run, batch, size, error)) {
        scattering_run_destroy(&run->run);
        return NULL;
    }
    return &run->run;
}

/* ---- running ---- */

/* Low-passes image.on[l], takes the positive and the negative part of the difference for octave l, and decimates. */
VECTOR_CLONES
static void split_band(Scattering *run, int octave)
{
    int side = run->run.size >> octave, step = 1 << (grid_of_octave(octave) - octave);
    size_t pixels = (size_t)side * side;
    for (int s = 0; s < STAINS; s++) {
        const real *image = run->image.on[octave] + s * pixels;
        real *low = run->plane, *texture = run->texture[octave].on[grid_of_octave(octave)];
        low_pass(image, side, 1, 1, run->row, low);
        texture += s * (pixels / (step * step)) * TEXTURE;
        for (int y = 0; y < side; y += step) {
            for (int x = 0; x < side; x += step, texture += TEXTURE) {
                real band = image[(size_t)y * side + x] - low[(size_t)y * side + x];
                texture[POSITIVE] = MAX(band, 0);
                texture[NEGATIVE] = MAX(-band, 0);
            }
        }
        real *next = run->image.on[octave + 1] + s * (pixels / 4);
        for (int y = 0; y < side; y += 2) {
            for (int x = 0; x < side; x += 2) {
                *next++ = low[(size_t)y * side + x];
            }
        }
    }
}

static void first_order(Scattering *run, int octave)
{
    const Pyramid *texture = &run->texture[octave];
    size_t side = (size_t)run->run.size >> texture->first;
    split_band(run, octave);
    run->kernels->conv_forward(run->first[octave], run->image.on[octave], NULL, NULL, NULL, run->response);
    pool_orientations(run->response, STAINS * side * side, VOICES, TEXTURE, texture->on[texture->first]);
    pyramid_fill(texture, run->run.size, run->row);
}

/* How the strength of octave `from` varies at the sizes of octave `to`. */
static void second_order(Scattering *run, int from, int to)
{
    const Pyramid *path = &run->path[from][to];
    const real *texture = run->texture[from].on[path->first];
    size_t side = (size_t)run->run.size >> path->first, count = STAINS * side * side;
    for (size_t i = 0; i < count; i++) {
        run->plane[i] = (texture[i * TEXTURE + MEAN(0)] + texture[i * TEXTURE + MEAN(1)]) / VOICES;
    }
    run->kernels->conv_forward(run->second[to], run->plane, NULL, NULL, NULL, run->response);
    pool_orientations(run->response, count, 1, path->channels, path->on[path->first]);
    pyramid_fill(path, run->run.size, run->row);
}

/* ln(1 + v / NOISE) for v >= 0.  In float: the exponent, and ln m = 2 atanh((m - 1) / (m + 1)) for the mantissa m between
 * sqrt(1/2) and sqrt(2); relative error below 1e-6. */
static inline real compressed(real v)
{
    real x = 1 + v / NOISE;
#ifdef REAL_IS_DOUBLE
    return log(x);
#else
    union {
        float value;
        uint32_t bits;
    } u = {.value = x};
    uint32_t above = u.bits - 0x3f3504f3u; /* sqrt(1/2) */
    float exponent = (float)((int32_t)above >> 23);
    u.bits = (above & 0x007fffffu) + 0x3f3504f3u;
    float s = (u.value - 1) / (u.value + 1), z = s * s;
    return exponent * 0.69314718f +
           2 * s * (1 + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9)))));
#endif
}

VECTOR_CLONES
static void compress(real *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = compressed(values[i]);
    }
}

/* Copies `width` of the channels of a pyramid on grid g to features `at`.. of each stain. */
static void collect(const Pyramid *p, int width, int g, size_t pixels, int count, int at, real *map)
{
    for (int s = 0; s < STAINS; s++) {
        const real *from = p->on[g] + s * pixels * p->channels;
        real *to = map + (size_t)s * count + at;
        for (size_t i = 0; i < pixels; i++, from += p->channels, to += STAINS * count) {
            for (int c = 0; c < width; c++) {
                to[c] = from[c];
            }
        }
    }
}

/* A tile's map: of each stain the low-pass, the textures of the octaves, the paths. */
static void assemble(const Scattering *run, int scale, real *map)
{
    int grid = scale + 2, count = feature_count(scale), at = 1;
    size_t side = (size_t)run->run.size >> grid, pixels = side * side;
    for (int l = 0; l <= last_octave[scale]; l++, at += TEXTURE) {
        collect(&run->texture[l], TEXTURE, grid, pixels, count, at, map);
    }
    for (int i = 0; i < OCTAVES * OCTAVES; i++) {
        if (uses_path(scale, i / OCTAVES, i % OCTAVES)) {
            collect(&run->path[i / OCTAVES][i % OCTAVES], 1, grid, pixels, count, at++, map);
        }
    }
    compress(map, pixels * STAINS * count);
    collect(&run->image, 1, grid, pixels, count, 0, map); /* densities stay linear: they may be negative */
}

static void run_tile(Scattering *run, const real *density, int index)
{
    size_t pixels = (size_t)run->run.size * run->run.size;
    stain_density_unmix(density, pixels, run->image.on[0]);
    stain_density_normalise(run->image.on[0], pixels);
    for (int l = 0; l < OCTAVES; l++) {
        first_order(run, l);
    }
    for (int i = 0; i < OCTAVES * OCTAVES; i++) {
        if (i / OCTAVES < i % OCTAVES) {
            second_order(run, i / OCTAVES, i % OCTAVES);
        }
    }
    for (int s = 0; s < SCALES; s++) {
        size_t side = (size_t)run->run.size >> (s + 2);
        assemble(run, s, run->map[s] + (size_t)index * side * side * STAINS * feature_count(s));
    }
}

static void scattering_run(ExtractorRun *base, const real *x, const real *maps[SCALES])
{
    Scattering *run = (Scattering *)base;
    for (int b = 0; b < base->batch; b++) {
        run_tile(run, x + (size_t)b * base->size * base->size * 3, b);
    }
    for (int s = 0; s < SCALES; s++) {
        maps[s] = run->map[s];
    }
}

static Extractor *scattering_create(const ExtractorKind *kind, const ExtractorSpec *spec, GError **error)
{
    Extractor *extractor = g_new0(Extractor, 1);
    for (int s = 0; s < SCALES; s++) {
        extractor->channels[s] = STAINS * feature_count(s);
    }
    return extractor;
}

static void scattering_destroy(Extractor *extractor)
{
    g_free(extractor);
}

const ExtractorKind extractor_scattering = {
    .name = "scattering",
    .version = "2",
    .create = scattering_create,
    .destroy = scattering_destroy,
    .byte_value = stain_density_of,
    .run_create = scattering_run_create,
    .run_destroy = scattering_run_destroy,
    .run = scattering_run,
};

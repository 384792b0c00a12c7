/* A wavelet scattering of stain densities: an extractor that needs no download and no training.
 *
 * Source: Bruna & Mallat, "Invariant Scattering Convolution Networks", PAMI 2013.  Convolve with oriented wavelets, take the
 * modulus, average; convolve the modulus with coarser wavelets, take the modulus, average.  The first order says how strong
 * the texture of each size is, the second order how this strength varies in space (whether nuclei are clustered).  Such
 * coefficients hardly change under small shifts and deformations.
 *
 * What is specific to this one:
 *  - The input is stain, not colour: optical density OD = -log10((I + 1) / 256) above that of glass, unmixed into haematoxylin,
 *    eosin and the rest (Ruifrok & Johnston 2001), because absorption is linear in the amount of stain.
 *  - Slides are stained more or less strongly, and in slightly different hues.  Haematoxylin and eosin are therefore measured in
 *    units of their typical density in the tile, and the part of the rest that follows them is subtracted (stain_density.h).
 *    The number of nuclei does not change the unit, so it stays visible.
 *  - A dyadic pyramid (binomial low-pass, decimation) applies one small 7x7 filter bank to all octaves, so the extractor is a few
 *    convolutions of the kernel table.  The three stains are three images of one channel.
 *  - Of the moduli at 8 orientations only the mean and the second circular harmonic are kept (scattering_bank.c).
 *  - The modulus loses the sign, but a dark nucleus and a pale vacuole of the same size are different things.  Each octave
 *    therefore adds the positive and the negative part of the image minus its low-pass.
 *  - Non-negative values are compressed by ln(1 + v / 0.01), because strengths of textures vary over decades and a flow works
 *    better on values closer to a normal distribution.  0.01 is about the noise of an 8-bit density.
 *
 * The octaves respond most to wavelengths of 3.8 and 5.3 px (octave 0), 7.7 and 10, 15 and 20, 31 and 40 px: at 0.5 um/px from
 * chromatin (2 um) through nuclei (8 um) to the distance between nuclei (20 um).
 *
 * Tiles are processed one at a time with all stains together, so that intermediate results fit the caches.
 * Grid g has size / 2^g samples per side; output scale s is on grid s + 2.  Octave l is computed on grid l, except that octave 0
 * is computed on grid 1, because its modulus is smooth enough.  Borders reflect. */
#include "flows/extractors/extractor_private.h"
#include "flows/extractors/scattering_bank.h"
#include "flows/extractors/scattering_pyramid.h"
#include "flows/extractors/stain_density.h"
#include "flows/kernels/vecmath.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define OCTAVES 4
#define VOICES 2
/* Channels of an octave's texture: mean and harmonic of each voice, positive part, negative part. */
#define TEXTURE (2 * VOICES + 2)
#define MEAN(voice) (2 * (voice))
#define POSITIVE (2 * VOICES)
#define NEGATIVE (2 * VOICES + 1)
#define NOISE REAL(0.01)

typedef struct {
    ExtractorRun run;
    const Kernels *kernels;
    Conv *first[OCTAVES];  /* filter banks of the first order */
    Conv *second[OCTAVES]; /* second[l], l > 0: of finer octaves' envelopes, on the grid of octave l */
    Pyramid image, texture[OCTAVES], path[OCTAVES][OCTAVES]; /* path[from][to] */
    real *plane;    /* (stains, side, side) on grid 0: a low-pass or an envelope */
    real *response; /* (stains, side, side, VOICES, BANK_RESPONSES) on grid 1, and BANK_SPARE more groups */
    real *row;      /* scratch of the pyramids */
    real *map[SCALES];
} Scattering;

/* The last octave that output scale s uses. */
static const int last_octave[SCALES] = {2, 3, 3};

/* The grid on which the texture of an octave begins. */
static int grid_of_octave(int octave)
{
    return MAX(octave, 1);
}

/* Second order: from each finer octave to the two coarsest ones that a scale uses. */
static gboolean uses_path(int scale, int from, int to)
{
    return from < to && to <= last_octave[scale] && to >= last_octave[scale] - 1;
}

/* Features of one stain: low-pass, textures, paths. */
static int feature_count(int scale)
{
    int count = 1 + (last_octave[scale] + 1) * TEXTURE;
    for (int i = 0; i < OCTAVES * OCTAVES; i++) {
        count += uses_path(scale, i / OCTAVES, i % OCTAVES);
    }
    return count;
}

/* ---- preparing ---- */

static void scattering_run_destroy(ExtractorRun *base)
{
    Scattering *run = (Scattering *)base;
    scattering_pyramid_clear(&run->image);
    for (int l = 0; l < OCTAVES; l++) {
        run->kernels->conv_free(run->first[l]);
        run->kernels->conv_free(run->second[l]);
        scattering_pyramid_clear(&run->texture[l]);
        for (int to = 0; to < OCTAVES; to++) {
            scattering_pyramid_clear(&run->path[l][to]);
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

/* The filter banks of an octave, its texture, and the paths that end in it. */
static gboolean prepare_octave(Scattering *run, int octave, int size, GError **error)
{
    int grid = grid_of_octave(octave), side = size >> octave;
    run->first[octave] =
        scattering_bank_new(run->kernels, octave, STAINS, side, 1 << (grid - octave), VOICES, error);
    if (!run->first[octave] ||
        !scattering_pyramid_init(&run->texture[octave], size, TEXTURE, grid, GRIDS - 1, error)) {
        return FALSE;
    }
    if (octave > 0) {
        run->second[octave] = scattering_bank_new(run->kernels, octave, STAINS, size >> grid, 1, 1, error);
    }
    gboolean ok = octave == 0 || run->second[octave];
    for (int from = 0; ok && from < octave; from++) {
        ok = scattering_pyramid_init(&run->path[from][octave], size, 2, grid, GRIDS - 1, error);
    }
    return ok;
}

/* Buffers of one tile, and the maps of the batch. */
static gboolean prepare(Scattering *run, int batch, int size, GError **error)
{
    gboolean ok = scattering_pyramid_init(&run->image, size, 1, 0, GRIDS - 1, error);
    for (int l = 0; ok && l < OCTAVES; l++) {
        ok = prepare_octave(run, l, size, error);
    }
    const char *what = "scattering coefficients";
    size_t pixels = (size_t)size * size;
    if (!ok || !(run->plane = wsi_try_alloc(STAINS * pixels, sizeof(real), what, error)) ||
        !(run->response = wsi_try_alloc((STAINS * (pixels / 4) * VOICES + BANK_SPARE) * BANK_RESPONSES,
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

/* One octave of the image: its low-pass, decimated, is the image of the next octave; the positive and negative parts of the
 * difference go to the texture. */
VECTOR_CLONES
static void split_band(Scattering *run, int octave)
{
    int side = run->run.size >> octave, step = 1 << (grid_of_octave(octave) - octave);
    size_t pixels = (size_t)side * side;
    for (int s = 0; s < STAINS; s++) {
        const real *image = run->image.on[octave] + s * pixels;
        real *low = run->plane, *texture = run->texture[octave].on[grid_of_octave(octave)];
        scattering_pyramid_low_pass(image, side, 1, 1, run->row, low);
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

/* The texture of an octave, on all its grids. */
static void first_order(Scattering *run, int octave)
{
    const Pyramid *texture = &run->texture[octave];
    size_t side = (size_t)run->run.size >> texture->first;
    split_band(run, octave);
    run->kernels->conv_forward(run->first[octave], run->image.on[octave], NULL, NULL, NULL, run->response);
    scattering_bank_pool(run->response, STAINS * side * side, VOICES, TEXTURE, texture->on[texture->first]);
    scattering_pyramid_fill(texture, run->run.size, run->row);
}

/* How the strength of octave `from` varies at the sizes of octave `to`: the path between them, on all its grids. */
static void second_order(Scattering *run, int from, int to)
{
    const Pyramid *path = &run->path[from][to];
    const real *texture = run->texture[from].on[path->first];
    size_t side = (size_t)run->run.size >> path->first, count = STAINS * side * side;
    /* The envelope: the mean over both voices. */
    for (size_t i = 0; i < count; i++) {
        run->plane[i] = (texture[i * TEXTURE + MEAN(0)] + texture[i * TEXTURE + MEAN(1)]) / VOICES;
    }
    run->kernels->conv_forward(run->second[to], run->plane, NULL, NULL, NULL, run->response);
    scattering_bank_pool(run->response, count, 1, path->channels, path->on[path->first]);
    scattering_pyramid_fill(path, run->run.size, run->row);
}

/* ln(1 + v / NOISE) for v >= 0.  In float: the exponent times ln 2, plus ln m = 2 atanh((m - 1) / (m + 1)) for the mantissa m between
 * sqrt(1/2) and sqrt(2).  The relative error is below 1e-6. */
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

/* Copies the first `width` channels of a pyramid on grid g to the features from `at` on of each stain.  map (pixels, stains, count). */
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

/* The map of one tile (side, side, stains, count): of each stain the low-pass, the textures of the octaves, and the paths. */
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
    collect(&run->image, 1, grid, pixels, count, 0, map); /* densities stay linear, as they may be negative */
}

/* density (size, size, 3): optical densities of R, G, B. */
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

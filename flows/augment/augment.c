/* Augmentation: the draw, and its application to a tile.  The operations are in augment_colour.c and augment_shape.c.
 *
 * A draw always takes the same number of random numbers, whatever the outcome, so a changed probability leaves the outcomes of the
 * others unchanged.  Tiles are bytes before and after: extractors take bytes, and slides hold no more. */
#include "flows/augment/augment.h"
#include "base/error.h"
#include <string.h>

#define SMALLEST_SIGMA 0.1 /* px: below, a blur of 5 taps changes nothing */
#define SHIFT_OF_SD \
    0.1 /* shift of a stain, as a fraction of the spread of its factor: typical amounts are a few tenths */

struct AugmentScratch {
    int size;
    float *now, *other; /* (3, size, size): the tile, and the target of what cannot work in place */
};

AugmentSpec augment_default(void)
{
    return (AugmentSpec){
        .hflip = 0.5,
        .rotate = 0.5,
        .rotate_degrees = 15,
        .jitter = 0.8,
        .brightness = 0.1,
        .contrast = 0.1,
        .saturation = 0.1,
        .hue = 0.02,
        .blur = 0.2,
        .blur_sigma = 1,
        .noise = 0.2,
        .noise_sd = 0.02,
        .stain_sd = 0.03,
    };
}

gboolean augment_any(const AugmentSpec *s)
{
    /* Probabilities only: an operation that never happens changes nothing, whatever its amounts are. */
    return s->hflip > 0 || s->vflip > 0 || s->rotate90 > 0 || s->rotate > 0 || s->jitter > 0 || s->blur > 0 ||
           s->noise > 0 || s->stain > 0;
}

gboolean augment_check(const AugmentSpec *s, GError **error)
{
    const struct {
        const char *name;
        double value, low, high;
    } limits[] = {
        {"hflip", s->hflip, 0, 1},
        {"vflip", s->vflip, 0, 1},
        {"rotate90", s->rotate90, 0, 1},
        {"rotate", s->rotate, 0, 1},
        {"rotate_degrees", s->rotate_degrees, 0, 180},
        {"jitter", s->jitter, 0, 1},
        {"brightness", s->brightness, 0, 1},
        {"contrast", s->contrast, 0, 1},
        {"saturation", s->saturation, 0, 1},
        {"hue", s->hue, 0, 0.5},
        {"blur", s->blur, 0, 1},
        {"blur_sigma", s->blur_sigma, SMALLEST_SIGMA, 10}, /* px */
        {"noise", s->noise, 0, 1},
        {"noise_sd", s->noise_sd, 0, 1},
        {"stain", s->stain, 0, 1},
        {"stain_sd", s->stain_sd, 0, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        /* Written so that NaN fails. */
        if (!(limits[i].value >= limits[i].low && limits[i].value <= limits[i].high)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "augment: %s is %g, must be %g to %g",
                        limits[i].name, limits[i].value, limits[i].low, limits[i].high);
            return FALSE;
        }
    }
    return TRUE;
}

uint64_t augment_identity(const uint8_t *rgb, size_t bytes, const char *group)
{
    uint8_t digest[32];
    gsize length = sizeof digest;
    uint64_t identity = 0;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, rgb, (gssize)bytes);
    /* Equal pixels of two patients are augmented differently. */
    g_checksum_update(sum, (const guchar *)(group ? group : ""), group ? (gssize)strlen(group) : 0);
    g_checksum_get_digest(sum, digest, &length);
    for (int i = 0; i < 8; i++) { /* 64 bits of the SHA-256 */
        identity = identity << 8 | digest[i];
    }
    return identity;
}

/* ---- what is drawn ---- */

static double between(Rng *rng, double low, double high)
{
    return low + (high - low) * rng_uniform(rng);
}

AugmentDraw augment_draw(const AugmentSpec *spec, uint64_t seed, uint64_t identity, uint32_t number)
{
    AugmentDraw draw = {0};
    Rng rng = rng_at(seed ^ rng_name("augment"), identity, number);
    /* The order of these draws is part of the result: a new one goes to the end. */
    const double ranges[] = {spec->brightness, spec->contrast, spec->saturation};
    /* A uniform number in [0, 1) is below p with probability p, never for 0 and always for 1. */
    draw.hflip = rng_uniform(&rng) < spec->hflip;
    draw.vflip = rng_uniform(&rng) < spec->vflip;
    draw.quarters = rng_uniform(&rng) < spec->rotate90 ? 1 : 0;
    draw.quarters *= 1 + (int)(3 * rng_uniform(&rng)); /* products keep the number of draws the same */
    double rotated = rng_uniform(&rng) < spec->rotate; /* 0 or 1, again as a factor */
    draw.degrees = rotated * between(&rng, -spec->rotate_degrees, spec->rotate_degrees);
    draw.jitter = rng_uniform(&rng) < spec->jitter;
    for (int i = 0; i < AUGMENT_COLOURS; i++) { /* Fisher-Yates */
        int j = (int)((i + 1) * rng_uniform(&rng));
        draw.order[i] = draw.order[j];
        draw.order[j] = i;
    }
    for (int i = 0; i < AUGMENT_HUE; i++) {
        /* Brightness, contrast, saturation are factors around 1; hue is a shift, in turns. */
        draw.factor[i] = between(&rng, 1 - ranges[i], 1 + ranges[i]);
    }
    draw.factor[AUGMENT_HUE] = between(&rng, -spec->hue, spec->hue);
    /* Amounts times N(1, sd), plus N(0, SHIFT_OF_SD sd). */
    draw.stain = rng_uniform(&rng) < spec->stain;
    for (int i = 0; i < 3; i++) {
        draw.stain_factor[i] = 1 + spec->stain_sd * rng_normal(&rng);
        draw.stain_shift[i] = SHIFT_OF_SD * spec->stain_sd * rng_normal(&rng);
    }
    double blurred = rng_uniform(&rng) < spec->blur;
    draw.sigma = blurred * between(&rng, SMALLEST_SIGMA, spec->blur_sigma);
    double noisy = rng_uniform(&rng) < spec->noise;
    draw.noise_sd = noisy * between(&rng, 0, spec->noise_sd);
    /* The noise has a stream of its own: it takes a number for each value of the tile. */
    draw.noise = rng_at(seed ^ rng_name("augment noise"), identity, number);
    return draw;
}

/* ---- one tile ---- */

AugmentScratch *augment_scratch_new(int size, GError **error)
{
    AugmentScratch *s = g_new0(AugmentScratch, 1);
    size_t pixels = (size_t)size * size;
    s->size = size;
    s->now = wsi_try_alloc(pixels, 3 * sizeof(float), "room to augment tiles", error);
    s->other = s->now ? wsi_try_alloc(pixels, 3 * sizeof(float), "room to augment tiles", error) : NULL;
    if (!s->other) {
        augment_scratch_free(s);
        return NULL;
    }
    return s;
}

void augment_scratch_free(AugmentScratch *scratch)
{
    if (scratch) {
        g_free(scratch->now);
        g_free(scratch->other);
        g_free(scratch);
    }
}

/* The result of the last operation becomes the input of the next. */
static void swap(AugmentScratch *s)
{
    float *now = s->now;
    s->now = s->other;
    s->other = now;
}

/* (pixels, 3) bytes -> (3, pixels) in [0, 1]. */
static void to_planes(const uint8_t *rgb, int64_t pixels, float *planes)
{
    for (int c = 0; c < 3; c++) {
        for (int64_t i = 0; i < pixels; i++) {
            planes[c * pixels + i] = (float)rgb[3 * i + c] * (1 / 255.0f);
        }
    }
}

static void to_bytes(const float *planes, int64_t pixels, uint8_t *rgb)
{
    for (int c = 0; c < 3; c++) {
        for (int64_t i = 0; i < pixels; i++) {
            /* Rounded: a draw of nothing gives back every byte. */
            rgb[3 * i + c] = (uint8_t)(planes[c * pixels + i] * 255.0f + 0.5f);
        }
    }
}

/* The parts of the colour jitter, in the order that was drawn. */
static void colours(const AugmentDraw *draw, AugmentScratch *s)
{
    static void (*const operation[AUGMENT_COLOURS])(float *x, int size, double factor) = {
        [AUGMENT_BRIGHTNESS] = augment_brightness,
        [AUGMENT_CONTRAST] = augment_contrast,
        [AUGMENT_SATURATION] = augment_saturation,
        [AUGMENT_HUE] = augment_hue,
    };
    for (int i = 0; i < AUGMENT_COLOURS; i++) {
        operation[draw->order[i]](s->now, s->size, draw->factor[draw->order[i]]);
    }
}

void augment_apply(const AugmentDraw *draw, AugmentScratch *s, uint8_t *rgb)
{
    /* Bytes become planes once; every operation keeps [0, 1]. */
    int64_t pixels = (int64_t)s->size * s->size;
    to_planes(rgb, pixels, s->now);
    /* Colours follow geometry, since they do not depend on it; blur and noise come last, as in a scanner. */
    if (draw->hflip || draw->vflip || draw->quarters) {
        augment_turn(s->now, s->size, draw->hflip, draw->vflip, draw->quarters, s->other);
        swap(s);
    }
    if (draw->degrees != 0) {
        augment_rotate(s->now, s->size, draw->degrees, s->other);
        swap(s);
    }
    if (draw->jitter) {
        colours(draw, s);
    }
    if (draw->stain) {
        augment_stain(s->now, s->size, draw->stain_factor, draw->stain_shift);
    }
    if (draw->sigma > 0) {
        augment_blur(s->now, s->size, draw->sigma, s->other);
    }
    if (draw->noise_sd > 0) {
        Rng rng = draw->noise;
        augment_noise(s->now, s->size, draw->noise_sd, &rng);
    }
    to_bytes(s->now, pixels, rgb);
}

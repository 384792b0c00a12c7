/* Augmentation of tiles: how the same tissue looks when it is turned, focused, lit or stained differently.
 *
 * The order is: flips, quarter turns, small rotation, colour jitter (its four parts in random order), stain jitter, blur, noise; on
 * RGB in [0, 1], clipped to it.  The colour operations, the blur and the sampling of the rotation are those of
 * torchvision.transforms.functional and torch's grid_sample (tests/golden/augment).
 *
 * A draw is a function of (seed, identity of the tile, number of the draw), never of threads or of the order of calls.
 * All functions are reentrant. */
#pragma once
#include "base/rng.h"
#include <glib.h>

/* Probabilities in [0, 1]; 0 = never. */
typedef struct {
    double hflip, vflip;
    double rotate90;               /* of a quarter, half or three-quarter turn */
    double rotate, rotate_degrees; /* by U(-degrees, degrees); beyond the border the tile is mirrored */
    double jitter;                 /* of all four: factors U(1 - x, 1 + x), hue by U(-x, x) of a turn */
    double brightness, contrast, saturation, hue;
    double blur, blur_sigma; /* Gaussian, 5 taps, sigma U(0.1, blur_sigma) px */
    double noise, noise_sd;  /* Gaussian of standard deviation U(0, noise_sd) */
    /* Amounts of haematoxylin, eosin and the rest: times N(1, sd), plus N(0, sd / 10). */
    double stain, stain_sd;
} AugmentSpec;

/* Horizontal flips, rotation by up to 15 degrees, slight jitter, blur and noise; no vertical flips, quarter turns or stain. */
AugmentSpec augment_default(void);
/* Whether any probability is above 0. */
gboolean augment_any(const AugmentSpec *spec);
/* FALSE with WSI_ERROR_INPUT naming the first value out of its range. */
gboolean augment_check(const AugmentSpec *spec, GError **error);

/* Identifies a tile by its pixels and its patient (group, may be NULL), so that its draws stay the same when other tiles are added
 * or removed. */
uint64_t augment_identity(const uint8_t *rgb, size_t bytes, const char *group);

enum { AUGMENT_BRIGHTNESS, AUGMENT_CONTRAST, AUGMENT_SATURATION, AUGMENT_HUE, AUGMENT_COLOURS };
/* What happens to one tile; zero everywhere: nothing. */
typedef struct {
    gboolean hflip, vflip;
    int quarters;   /* 90 degrees counter-clockwise, 0 .. 3 */
    double degrees; /* counter-clockwise */
    gboolean jitter;
    int order[AUGMENT_COLOURS];
    double factor[AUGMENT_COLOURS]; /* hue: fraction of a turn */
    gboolean stain;
    double stain_factor[3], stain_shift[3];
    double sigma, noise_sd; /* 0 = none */
    Rng noise;              /* source of the noise */
} AugmentDraw;
AugmentDraw augment_draw(const AugmentSpec *spec, uint64_t seed, uint64_t identity, uint32_t number);

/* Buffers for tiles of size x size px; they belong to one thread.  NULL with error. */
typedef struct AugmentScratch AugmentScratch;
AugmentScratch *augment_scratch_new(int size, GError **error);
void augment_scratch_free(AugmentScratch *scratch);
/* rgb: (size, size, 3), in place, without allocation.  A draw of nothing leaves the bytes unchanged. */
void augment_apply(const AugmentDraw *draw, AugmentScratch *scratch, uint8_t *rgb);

/* ---- single operations on planes (3, size, size) of floats in [0, 1] ---- */

/* Flips, then quarter turns; `to` is not `from`. */
void augment_turn(const float *from, int size, gboolean hflip, gboolean vflip, int quarters, float *to);
/* Counter-clockwise about the centre, bilinear; beyond the border the image is mirrored. `to` is not `from`. */
void augment_rotate(const float *from, int size, double degrees, float *to);
/* f x. */
void augment_brightness(float *x, int size, double factor);
/* f x + (1 - f) mean(grey). */
void augment_contrast(float *x, int size, double factor);
/* f x + (1 - f) grey. */
void augment_saturation(float *x, int size, double factor);
/* Turns the hue of HSV by a fraction of a turn. */
void augment_hue(float *x, int size, double turn);
/* Unmixes optical densities into amounts of haematoxylin, eosin and a rest (Ruifrok & Johnston 2001), and replaces each amount by
 * amount x factor + shift, after Tellez et al., "Whole-slide mitosis detection in H&E breast histology using PHH3", 2018. */
void augment_stain(float *x, int size, const double factor[3], const double shift[3]);
/* Gaussian of 5 x 5 taps; the border is reflected without repeating the edge.  room: (size, size). */
void augment_blur(float *x, int size, double sigma, float *room);
/* Adds N(0, sd). */
void augment_noise(float *x, int size, double sd, Rng *rng);

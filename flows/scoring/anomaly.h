/* From latents to anomaly maps and scores: the formulas of MSFlow (Zhou et al. 2024).
 *
 * Notation.  The energy of a position of scale l is e_l = 0.5 mean_c z_l^2 = -m_l.  U is bilinear upsampling with half-pixel
 * centres (torch: align_corners false).  E = sum_l U(e_l) = -M at the size of the tile; the higher, the less likely.
 * A_mul = 1 - exp(M - max M). */
#pragma once
#include "base/rng.h"
#include "flows/extractors/extractor.h"

/* Weights of U from the maps of all scales to size x size.  It never changes, so threads may share it. */
typedef struct Upsampler Upsampler;
Upsampler *upsampler_new(const int side[SCALES], int size);
void upsampler_free(Upsampler *up);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Upsampler, upsampler_free)
/* out (size x size) = sum over scales of the upsampled energy[l] (side[l] x side[l]). */
void upsampler_sum(const Upsampler *up, float *const energy[SCALES], float *out);

/* z (positions, channels) -> energy (positions); returns 0.5 times the sum of all z^2. */
double anomaly_energy(const real *z, int positions, int channels, float *energy);

typedef struct {
    double contrast; /* top 3 % mean of 1 - exp(M - max M): MSFlow's image score */
    double absolute; /* the same with M0 instead of max M, and exp at most 1 */
    double top;      /* top 3 % mean of E */
    double maximum;  /* of E */
} AnomalyTop;
/* The scores of the floor(0.03 n) largest values, at least one.  E: n finite values, which the call reorders. */
AnomalyTop anomaly_top(float *E, int n, double m0);

/* A stratified sample of E (n): out[i], i < take <= n, is a random value of the i-th of `take` runs of equal length. */
void anomaly_sample(const float *E, int64_t n, Rng *rng, int64_t take, float *out);

/* Quantile q (0..1) of n >= 1 values, interpolated linearly between order statistics (numpy's default).  Reorders the values. */
double anomaly_quantile(float *values, int64_t n, double q);

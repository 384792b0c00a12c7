/* The Morlet wavelets of the scattering, and the reduction of their responses over orientations.
 *
 * Tissue has no preferred direction.  Of the moduli u(theta) at 8 orientations two numbers are kept: the mean, which says how
 * strong the texture is, and the second circular harmonic |sum u e^(2 i theta)| / 8, which says how aligned it is. */
#include "flows/extractors/scattering_bank.h"
#include "flows/kernels/vecmath.h"
#include <glib.h>

#define ORIENTATIONS (BANK_RESPONSES / 2)
#define SIDE 7 /* px, of a filter */
#define TAPS (SIDE * SIDE)
#define VOICES_MOST 2
#define VOICES_PER_OCTAVE 2.0
G_STATIC_ASSERT(BANK_SPARE >= LANES);

/* The Morlet wavelet e^(-|u|^2 / 2 sigma^2) (e^(i xi u.t) - beta), where t is the direction theta.  beta makes its sum 0; it is scaled
 * so that its moduli sum to 1. */
static void morlet(double xi, double sigma, double theta, real *re, real *im)
{
    double envelope[TAPS], wave_re[TAPS], wave_im[TAPS], sum = 0, mean_re = 0, mean_im = 0, norm = 0;
    for (int i = 0; i < TAPS; i++) {
        /* Pixel relative to the centre, phase along theta. */
        double x = i % SIDE - SIDE / 2, y = i / SIDE - SIDE / 2,
               phase = xi * (x * cos(theta) + y * sin(theta));
        envelope[i] = exp(-(x * x + y * y) / (2 * sigma * sigma));
        wave_re[i] = cos(phase);
        wave_im[i] = sin(phase);
        sum += envelope[i];
        mean_re += envelope[i] * wave_re[i];
        mean_im += envelope[i] * wave_im[i];
    }
    /* beta = sum(envelope wave) / sum(envelope). */
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

/* weight (voices, {re, im}, orientations, SIDE, SIDE).  The low-pass of the pyramid shifts the response of coarser octaves by half an
 * octave.  Octave 0 has no low-pass before it and is shifted here, so that all voices are half an octave apart. */
static void fill_bank(int octave, int voices, real *weight)
{
    for (int v = 0; v < voices; v++) {
        double octave_part = exp2((v + (octave == 0)) / VOICES_PER_OCTAVE);
        for (int t = 0; t < ORIENTATIONS; t++) {
            real *re = weight + (size_t)(v * 2 * ORIENTATIONS + t) * TAPS,
                 *im = re + (size_t)ORIENTATIONS * TAPS;
            morlet(0.75 * G_PI / octave_part, 0.85 * octave_part, G_PI * t / ORIENTATIONS, re, im);
        }
    }
}

Conv *scattering_bank_new(const Kernels *kernels, int octave, int images, int side, int stride, int voices,
                          GError **error)
{
    real weight[VOICES_MOST * 2 * ORIENTATIONS * TAPS];
    fill_bank(octave, voices, weight);
    ConvSpec spec = {.n = images,
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

/* Mean and harmonic of LANES groups of responses ({re, im}, orientations); each step is a loop that compilers turn into vector
 * code.  theta has steps of 22.5 degrees, so e^(2 i theta) is 1, r + ir, i, -r + ir with r = sqrt(1/2), and then the negatives. */
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
    /* Orientations t and t + 4 are perpendicular: they add in the mean and subtract in the harmonic. */
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

VECTOR_CLONES
void scattering_bank_pool(const real *response, size_t pixels, int voices, int stride, real *out)
{
    real mean[LANES], harmonic[LANES];
    for (size_t i = 0; i < pixels * voices; i += LANES) {
        pool_lanes(response + i * 2 * ORIENTATIONS, mean, harmonic);
        for (size_t k = 0; k < LANES && i + k < pixels * voices; k++) {
            real *at = out + (i + k) / voices * stride + 2 * ((i + k) % voices);
            at[0] = mean[k];
            at[1] = harmonic[k];
        }
    }
}

/* The filter bank of the scattering: complex Morlet wavelets at 8 orientations.  Only scattering.c uses this. */
#pragma once
#include "flows/kernels/kernels.h"

#define BANK_RESPONSES 16 /* channels of a voice: real parts of 8 orientations, then the imaginary parts */
#define BANK_SPARE \
    16 /* groups of BANK_RESPONSES numbers that scattering_bank_pool reads beyond the last pixel */

/* A convolution with the filters of an octave: `voices` wavelengths (1 or 2), half an octave apart.
 * x (images, side, side, 1) -> (images, side / stride, side / stride, voices, BANK_RESPONSES).  Free with kernels->conv_free. */
Conv *scattering_bank_new(const Kernels *kernels, int octave, int images, int side, int stride, int voices,
                          GError **error);
/* response (pixels, voices, BANK_RESPONSES) -> two numbers for each voice, at out[pixel * stride + 2 voice]: the mean of the moduli over
 * the orientations, and their second circular harmonic.  response has BANK_SPARE more groups. */
void scattering_bank_pool(const real *response, size_t pixels, int voices, int stride, real *out);

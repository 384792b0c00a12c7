/* Halves images for pyramid levels.  For this folder only. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* Each output pixel represents 2 x 2 input pixels.  With an odd width or height, the last column or row is used
 * twice.  Output: (width + 1) / 2 x (height + 1) / 2.  Strides in samples.  The mean of RGB rounds ties to even, so that a
 * pyramid of many levels does not become brighter. */
void halve_mean_rgb(const uint8_t *in, size_t in_stride, int width, int height, uint8_t *out,
                    size_t out_stride);
/* Maximum: a lesion of one pixel is still there in the coarsest level.  1 channel. */
void halve_max8(const uint8_t *in, size_t in_stride, int width, int height, uint8_t *out, size_t out_stride);
/* Mean of the pixels that are not NaN, weighted; NaN when all are.  weights: of the pixels, with their stride, 0 for NaN; NULL: each
 * pixel counts once.  out_weights: the sums.  1 channel. */
void halve_mean_float(const float *in, const float *weights, size_t in_stride, int width, int height,
                      float *out, float *out_weights, size_t out_stride);
/* Maximum of the pixels that are not NaN; NaN when all are.  1 channel. */
void halve_max_float(const float *in, size_t in_stride, int width, int height, float *out, size_t out_stride);

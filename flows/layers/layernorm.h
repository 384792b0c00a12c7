/* LayerNorm over the channels of each pixel (Ba, Kiros, Hinton 2016; affine, biased variance, eps 1e-5), then ReLU.  A map may be
 * added to the input first: what the positional code contributes to the convolution before it. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

#define LAYERNORM_EPSILON 1e-5

/* y (rows, c) = max(0, weight * xh + bias), xh = (t - mean t) / sqrt(var t + eps), t = x + map[row % period].
 * map (period, c) may be NULL.  For backward, normalised (rows, c) gets xh and rstd (rows) gets 1 / sqrt(var + eps); both may be
 * NULL.  Either y or normalised may be x. */
void layernorm_forward(int64_t rows, int c, const real *weight, const real *bias, const real *map,
                       int64_t period, const real *x, real *normalised, real *rstd, real *y);
/* dx (rows, c) from dy (rows, c), which may be the same.  dmap (period, c; may be NULL) +=, dweight (c) +=, dbias (c) +=. */
void layernorm_backward(int64_t rows, int c, const real *weight, const real *bias, const real *normalised,
                        const real *rstd, const real *dy, real *dx, real *dmap, int64_t period,
                        double *dweight, double *dbias);

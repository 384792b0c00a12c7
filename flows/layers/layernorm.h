/* LayerNorm over the channels of each pixel (affine, biased variance, eps 1e-5), then ReLU; optionally a map is added
 * to the input first (the fraction of the positional code in the convolution before it). */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

#define LAYERNORM_EPSILON 1e-5

/* y (rows, c) = max(0, weight * xh + bias), xh = (t - mean t) / sqrt(var t + eps), t = x + map[row % period].
 * map (period, c) may be NULL.  normalised (rows, c) receives xh and rstd (rows) 1 / sqrt(var + eps), for backward; both may be
 * NULL.  y or normalised (not both) may be x. */
void layernorm_forward(int64_t rows, int c, const real *weight, const real *bias, const real *map,
                       int64_t period, const real *x, real *normalised, real *rstd, real *y);
/* dx (rows, c) from dy; may be the same.  dmap (period, c) +=, may be NULL.  dweight (c) +=, dbias (c) +=: doubles. */
void layernorm_backward(int64_t rows, int c, const real *weight, const real *bias, const real *normalised,
                        const real *rstd, const real *dy, real *dx, real *dmap, int64_t period,
                        double *dweight, double *dbias);

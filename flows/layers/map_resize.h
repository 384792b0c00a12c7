/* Changing the size of maps inside of the fusion flow (models.md A.6), each with its transpose.  NHWC; the small map may
 * be a slice of wider pixels: `stride` is numbers from one of its pixels to the next.  Everything adds nothing: outputs are set,
 * except where it says +=. */
#pragma once
#include "flows/kernels/real.h"

/* Adaptive average: output i covers inputs floor(i h / oh) .. ceil((i + 1) h / oh) - 1. */
void adaptive_average_forward(int n, int h, int w, int c, const real *x, int oh, int ow, real *y, int stride);
/* dx += transpose. */
void adaptive_average_backward(int n, int h, int w, int c, real *dx, int oh, int ow, const real *dy,
                               int stride);

/* Bilinear with half-pixel centres: source coordinate = (i + 1/2) h / oh - 1/2, at least 0 and at most h - 1.  MSFlow aligns the corners
 * instead, which moves a coarse map outwards against a fine one.  y = base + upsampled x. */
void bilinear_add_forward(int n, int h, int w, int c, const real *x, int stride, int oh, int ow,
                          const real *base, real *y);
/* dx = transpose. */
void bilinear_backward(int n, int h, int w, int c, real *dx, int stride, int oh, int ow, const real *dy);

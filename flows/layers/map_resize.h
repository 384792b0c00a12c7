/* The changes of map size inside the fusion flow, each with its transpose.  Maps are NHWC: the large map is (n, h, w, c) and the
 * small one (n, oh, ow, c) when averaging, the reverse when upsampling.  The small map may be a slice of wider pixels: `stride` is
 * the number of values from one of its pixels to the next.  Outputs are set, except where the comment says +=. */
#pragma once
#include "flows/kernels/real.h"

/* Adaptive average, as torch's AdaptiveAvgPool2d: output row i covers input rows floor(i h / oh) .. ceil((i + 1) h / oh) - 1. */
void adaptive_average_forward(int n, int h, int w, int c, const real *x, int oh, int ow, real *y, int stride);
/* dx += the transpose applied to dy. */
void adaptive_average_backward(int n, int h, int w, int c, real *dx, int oh, int ow, const real *dy,
                               int stride);

/* y = base + x upsampled bilinearly with half-pixel centres: source coordinate (i + 1/2) h / oh - 1/2, limited to 0 .. h - 1.
 * MSFlow aligns the corners instead, which shifts a coarse map outwards relative to a fine one. */
void bilinear_add_forward(int n, int h, int w, int c, const real *x, int stride, int oh, int ow,
                          const real *base, real *y);
/* dx = the transpose applied to dy. */
void bilinear_backward(int n, int h, int w, int c, real *dx, int stride, int oh, int ow, const real *dy);

/* The elementwise affine map of all couplings: y = x exp(e(s)) + t with a bounded log-scale e.
 *
 * (s, t) = gain * r, where r (rows, 2n) holds [raw s | raw t] of each pixel.  e(s) = a f(b s) with f = tanh or atan:
 *   AIO, old FrEIA    a = alpha         b = 1        tanh   gain 0.1
 *   AIO, new FrEIA    a = alpha         b = 1/alpha  tanh   gain 0.1
 *   fusion flow       a = 0.636 alpha   b = 1/alpha  atan   gain 1
 * Sources: FrEIA's AllInOneBlock and the fusion flow of MSFlow.
 * x and y are (rows, n) and may be parts of longer pixels: strides are in numbers, from one pixel to the next.  y may be x. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <stdint.h>

typedef struct {
    gboolean arctangent;
    real a, b, gain;
} SoftClamp;

SoftClamp softclamp_aio(double alpha, gboolean new_form);
SoftClamp softclamp_fusion(double alpha);

/* Returns the log-determinant, the sum of e over rows and channels.  local (rows; may be NULL) += each row's part. */
double softclamp_forward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                         int x_stride, real *y, int y_stride, real *local);
/* sum[i] += the sum of |e| of channel i over the rows. */
void softclamp_magnitude(const SoftClamp *clamp, int64_t rows, int n, const real *r, double *sum);
/* x = (y - t) exp(-e). */
void softclamp_inverse(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *y,
                       int y_stride, real *x, int x_stride);
/* dlogdet: dL/d(log-determinant of this image).  dx may be dy; dr (rows, 2n) is set. */
void softclamp_backward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                        int x_stride, const real *dy, int dy_stride, double dlogdet, real *dx, int dx_stride,
                        real *dr);

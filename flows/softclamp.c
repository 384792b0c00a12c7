/* Backward: dx = dy exp(e);  de = dy x exp(e) + dlogdet;  ds = de a b f'(b s);  dt = dy;  both times gain.
 * f' comes from the value: tanh' = 1 - tanh^2; atan'(v) = 1 / (1 + v^2).
 * Work goes in pieces of a row that fit in registers and the first cache, so that the sum has a fixed order. */
#include "flows/softclamp.h"
#include "flows/vecmath.h"

#define PIECE 64
#define ATAN_RANGE 0.636 /* FrEIA's 2 / pi */

SoftClamp softclamp_aio(double alpha, gboolean new_form)
{
    return (SoftClamp){FALSE, (real)alpha, (real)(new_form ? 1 / alpha : 1), REAL(0.1)};
}

SoftClamp softclamp_fusion(double alpha)
{
    return (SoftClamp){TRUE, (real)(ATAN_RANGE * alpha), (real)(1 / alpha), 1};
}

static inline int piece_of(int n, int from)
{
    return n - from < PIECE ? n - from : PIECE;
}

static inline void log_scale(const SoftClamp *clamp, int m, const real *s, real *e)
{
    real inner = clamp->b * clamp->gain, a = clamp->a;
    if (clamp->arctangent) {
        for (int i = 0; i < m; i++) {
            e[i] = a * vec_atan(s[i] * inner);
        }
        return;
    }
    for (int i = 0; i < m; i++) {
        e[i] = a * vec_tanh(s[i] * inner);
    }
}

VECTOR_CLONES
double softclamp_forward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                         int x_stride, real *y, int y_stride)
{
    real e[PIECE], gain = clamp->gain;
    double total = 0;
    for (int64_t row = 0; row < rows; row++, r += 2 * n, x += x_stride, y += y_stride) {
        for (int from = 0; from < n; from += PIECE) {
            int m = piece_of(n, from);
            log_scale(clamp, m, r + from, e);
            total += (double)row_sum(e, m);
            VECTOR_LOOP
            for (int i = 0; i < m; i++) {
                y[from + i] = x[from + i] * vec_exp(e[i]) + gain * r[n + from + i];
            }
        }
    }
    return total;
}

VECTOR_CLONES
void softclamp_inverse(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *y,
                       int y_stride, real *x, int x_stride)
{
    real e[PIECE], gain = clamp->gain;
    for (int64_t row = 0; row < rows; row++, r += 2 * n, x += x_stride, y += y_stride) {
        for (int from = 0; from < n; from += PIECE) {
            int m = piece_of(n, from);
            log_scale(clamp, m, r + from, e);
            VECTOR_LOOP
            for (int i = 0; i < m; i++) {
                x[from + i] = (y[from + i] - gain * r[n + from + i]) * vec_exp(-e[i]);
            }
        }
    }
}

static inline void slope(const SoftClamp *clamp, int m, const real *s, const real *e, real *out)
{
    real inner = clamp->b * clamp->gain, outer = clamp->a * inner, to_f = 1 / clamp->a;
    if (clamp->arctangent) {
        for (int i = 0; i < m; i++) {
            real v = s[i] * inner;
            out[i] = outer / (1 + v * v);
        }
        return;
    }
    for (int i = 0; i < m; i++) {
        real f = e[i] * to_f;
        out[i] = outer * (1 - f * f);
    }
}

VECTOR_CLONES
void softclamp_backward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                        int x_stride, const real *dy, int dy_stride, double dlogdet, real *dx, int dx_stride,
                        real *dr)
{
    real e[PIECE], d[PIECE], gain = clamp->gain, to_log = (real)dlogdet;
    for (int64_t row = 0; row < rows; row++) {
        for (int from = 0; from < n; from += PIECE) {
            int m = piece_of(n, from);
            log_scale(clamp, m, r + from, e);
            slope(clamp, m, r + from, e, d);
            VECTOR_LOOP
            for (int i = 0; i < m; i++) {
                real dv = dy[from + i], through = dv * vec_exp(e[i]);
                dr[from + i] = (through * x[from + i] + to_log) * d[i];
                dr[n + from + i] = dv * gain;
                dx[from + i] = through;
            }
        }
        r += 2 * n;
        dr += 2 * n;
        x += x_stride;
        dy += dy_stride;
        dx += dx_stride;
    }
}

/* Backward: dx = dy exp(e);  de = dy x exp(e) + dlogdet;  ds = de a b f'(b s);  dt = dy;  the raw s and t get both times gain.
 * f' follows from the value: tanh' = 1 - tanh^2;  atan'(v) = 1 / (1 + v^2).
 *
 * Rows may be as short as 32 numbers, so they are processed in groups of LANES: with a constant count the compiler keeps a
 * group in registers and needs no code for odd lengths.  The rest of a row uses the same code with a smaller count.
 * |e| stays below 10, because alpha does, so exp needs no clamping.
 * The log-determinant is summed in LANES doubles, which are joined at the end in a fixed order. */
#include "flows/layers/softclamp.h"
#include "flows/kernels/vecmath.h"

#define ATAN_RANGE 0.636 /* FrEIA's 2 / pi */

SoftClamp softclamp_aio(double alpha, gboolean new_form)
{
    /* e = alpha tanh(b 0.1 s), with b = 1 for stock MSFlow and 1 / alpha for the new clamp. */
    return (SoftClamp){FALSE, (real)alpha, (real)(new_form ? 1 / alpha : 1), REAL(0.1)};
}

SoftClamp softclamp_fusion(double alpha)
{
    /* e = 0.636 alpha atan(s / alpha). */
    return (SoftClamp){TRUE, (real)(ATAN_RANGE * alpha), (real)(1 / alpha), 1};
}

/* e = a f(b gain s) of m raw numbers. */
VECTOR_INLINE void log_scale(const SoftClamp *clamp, gboolean arctangent, int m, const real *s, real *e)
{
    real inner = clamp->b * clamp->gain, a = clamp->a;
    for (int i = 0; i < m; i++) {
        e[i] = a * (arctangent ? vec_atan(s[i] * inner) : vec_tanh(s[i] * inner));
    }
}

/* y = x exp(e) + t of m numbers; sum[i] += e. */
VECTOR_INLINE void forward_group(const SoftClamp *clamp, gboolean arctangent, int m, const real *s,
                                 const real *t, const real *x, real *y, double *sum)
{
    real e[LANES], gain = clamp->gain;
    log_scale(clamp, arctangent, m, s, e);
    for (int i = 0; i < m; i++) {
        sum[i] += (double)e[i];
    }
    VECTOR_LOOP
    for (int i = 0; i < m; i++) {
        y[i] = x[i] * vec_exp_bounded(e[i]) + gain * t[i];
    }
}

/* total (LANES) += e in each lane.  `arctangent` is a constant in each call, so each has loops without branches. */
VECTOR_INLINE void forward_rows(const SoftClamp *clamp, gboolean arctangent, int64_t rows, int n,
                                const real *r, const real *x, int x_stride, real *y, int y_stride,
                                real *local, double *total)
{
    int whole = n - n % LANES;
    for (int64_t row = 0; row < rows; row++, r += 2 * n, x += x_stride, y += y_stride) {
        double sum[LANES] = {0}, all = 0;
        for (int i = 0; i < whole; i += LANES) {
            forward_group(clamp, arctangent, LANES, r + i, r + n + i, x + i, y + i, sum);
        }
        if (whole < n) {
            forward_group(clamp, arctangent, n - whole, r + whole, r + n + whole, x + whole, y + whole, sum);
        }
        /* Of this pixel: into the sum of the image, and into local. */
        for (int i = 0; i < LANES; i++) {
            total[i] += sum[i];
            all += sum[i];
        }
        if (local) {
            local[row] += (real)all;
        }
    }
}

VECTOR_CLONES
double softclamp_forward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                         int x_stride, real *y, int y_stride, real *local)
{
    double sum[LANES] = {0}, total = 0;
    /* Two calls, so that the compiler makes one loop for each function. */
    if (clamp->arctangent) {
        forward_rows(clamp, TRUE, rows, n, r, x, x_stride, y, y_stride, local, sum);
    } else {
        forward_rows(clamp, FALSE, rows, n, r, x, x_stride, y, y_stride, local, sum);
    }
    for (int i = 0; i < LANES; i++) {
        total += sum[i];
    }
    return total;
}

void softclamp_magnitude(const SoftClamp *clamp, int64_t rows, int n, const real *r, double *sum)
{
    for (int64_t row = 0; row < rows; row++, r += 2 * n) {
        for (int i = 0; i < n; i++) {
            real e;
            /* One number at a time: this is a report and not a hot loop. */
            log_scale(clamp, clamp->arctangent, 1, r + i, &e);
            sum[i] += fabs((double)e);
        }
    }
}

/* x = (y - t) exp(-e) of m numbers. */
VECTOR_INLINE void inverse_group(const SoftClamp *clamp, int m, const real *s, const real *t, const real *y,
                                 real *x)
{
    real e[LANES], gain = clamp->gain;
    log_scale(clamp, clamp->arctangent, m, s, e);
    VECTOR_LOOP
    for (int i = 0; i < m; i++) {
        x[i] = (y[i] - gain * t[i]) * vec_exp_bounded(-e[i]);
    }
}

VECTOR_CLONES
void softclamp_inverse(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *y,
                       int y_stride, real *x, int x_stride)
{
    int whole = n - n % LANES;
    for (int64_t row = 0; row < rows; row++, r += 2 * n, x += x_stride, y += y_stride) {
        for (int i = 0; i < whole; i += LANES) {
            inverse_group(clamp, LANES, r + i, r + n + i, y + i, x + i);
        }
        if (whole < n) {
            inverse_group(clamp, n - whole, r + whole, r + n + whole, y + whole, x + whole);
        }
    }
}

/* Where r, x, dy, dx and dr of a group begin. */
typedef struct {
    const real *s, *x, *dy;
    real *dx, *ds, *dt;
} Group;

/* to_log: dL/d(log-determinant), which adds to de of every number. */
VECTOR_INLINE void backward_group(const SoftClamp *clamp, gboolean arctangent, int m, real to_log, Group g)
{
    real e[LANES], inner = clamp->b * clamp->gain, outer = clamp->a * inner, to_f = 1 / clamp->a,
                   gain = clamp->gain;
    log_scale(clamp, arctangent, m, g.s, e);
    VECTOR_LOOP
    for (int i = 0; i < m; i++) {
        real f = e[i] * to_f, v = g.s[i] * inner;
        /* slope = de/d(raw s) = a b gain f'. */
        real slope = arctangent ? outer / (1 + v * v) : outer * (1 - f * f);
        /* ds = (dy x exp(e) + dL/dld) slope;  dt = gain dy;  dx = dy exp(e). */
        real dv = g.dy[i], through = dv * vec_exp_bounded(e[i]);
        g.ds[i] = (through * g.x[i] + to_log) * slope;
        g.dt[i] = dv * gain;
        g.dx[i] = through;
    }
}

VECTOR_INLINE void backward_rows(const SoftClamp *clamp, gboolean arctangent, int64_t rows, int n,
                                 real to_log, const int stride[3], Group row)
{
    int whole = n - n % LANES;
    for (int64_t p = 0; p < rows; p++) {
        for (int i = 0; i < n; i += LANES) {
            /* ds and dt are the halves of dr, as s and t are of r. */
            Group g = {row.s + i, row.x + i, row.dy + i, row.dx + i, row.ds + i, row.dt + i};
            if (i < whole) {
                backward_group(clamp, arctangent, LANES, to_log, g);
            } else {
                backward_group(clamp, arctangent, n - whole, to_log, g);
            }
        }
        row = (Group){row.s + 2 * n,      row.x + stride[0], row.dy + stride[1],
                      row.dx + stride[2], row.ds + 2 * n,    row.dt + 2 * n};
    }
}

VECTOR_CLONES
void softclamp_backward(const SoftClamp *clamp, int64_t rows, int n, const real *r, const real *x,
                        int x_stride, const real *dy, int dy_stride, double dlogdet, real *dx, int dx_stride,
                        real *dr)
{
    const int stride[3] = {x_stride, dy_stride, dx_stride};
    Group first = {r, x, dy, dx, dr, dr + n};
    if (clamp->arctangent) {
        backward_rows(clamp, TRUE, rows, n, (real)dlogdet, stride, first);
    } else {
        backward_rows(clamp, FALSE, rows, n, (real)dlogdet, stride, first);
    }
}

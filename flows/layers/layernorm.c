/* One pass over memory: a row (96 to 600 channels) stays in the L1 cache while mean, variance and output are computed.
 * The variance is computed from the differences to the mean, because a sum of squares would cancel.
 *
 * Backward, with g = dy where the ReLU was open and 0 elsewhere, k = weight * g:
 *   dx = rstd * (k - mean k - xh * mean(k xh)),  dweight = sum g xh,  dbias = sum g. */
#include "flows/layers/layernorm.h"
#include "flows/kernels/vecmath.h"
#include <stddef.h>

VECTOR_CLONES
void layernorm_forward(int64_t rows, int c, const real *weight, const real *bias, const real *map,
                       int64_t period, const real *x, real *normalised, real *rstd, real *y)
{
    for (int64_t row = 0; row < rows; row++, x += c, y += c) {
        /* Row r of the map (period, c) belongs to pixel r of every image. */
        const real *add = map ? map + row % period * c : NULL;
        real mean, scale;
        /* y holds t, then t - mean, then the result. */
        VECTOR_LOOP
        for (int i = 0; i < c; i++) {
            y[i] = add ? x[i] + add[i] : x[i];
        }
        mean = row_sum(y, c) / c;
        VECTOR_LOOP
        for (int i = 0; i < c; i++) {
            y[i] -= mean;
        }
        /* rstd = 1 / sqrt(mean (t - mean)^2 + epsilon). */
        scale = 1 / (real)sqrt(row_dot(y, y, c) / c + LAYERNORM_EPSILON);
        VECTOR_LOOP
        for (int i = 0; i < c; i++) {
            real xh = y[i] * scale, v = xh * weight[i] + bias[i];
            if (normalised) {
                normalised[row * c + i] = xh;
            }
            y[i] = v > 0 ? v : 0;
        }
        if (rstd) {
            rstd[row] = scale;
        }
    }
}

VECTOR_CLONES
void layernorm_backward(int64_t rows, int c, const real *weight, const real *bias, const real *normalised,
                        const real *rstd, const real *dy, real *dx, real *dmap, int64_t period,
                        double *dweight, double *dbias)
{
    for (int64_t row = 0; row < rows; row++, dy += c, dx += c, normalised += c) {
        real *sum = dmap ? dmap + row % period * c : NULL;
        real mean, along;
        /* dx holds k, then the result. */
        VECTOR_LOOP
        for (int i = 0; i < c; i++) {
            /* g: dy where weight xh + bias > 0, which is where the ReLU was open. */
            real g = normalised[i] * weight[i] + bias[i] > 0 ? dy[i] : 0;
            dweight[i] += (double)(g * normalised[i]);
            dbias[i] += (double)g;
            dx[i] = g * weight[i];
        }
        mean = row_sum(dx, c) / c;
        /* mean (k xh): a change of t along xh does not change the output, so this part of k is removed. */
        along = row_dot(dx, normalised, c) / c;
        VECTOR_LOOP
        for (int i = 0; i < c; i++) {
            dx[i] = (dx[i] - mean - normalised[i] * along) * rstd[row];
            if (sum) {
                sum[i] += dx[i];
            }
        }
    }
}

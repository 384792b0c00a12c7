/* Derivatives and determinants by brute force, in double, to compare analytic ones with. */
#pragma once
#include "flows/kernels/real.h"
#include <glib.h>
#include <math.h>

typedef double (*Scalar)(void *data);

static inline double value_at(Scalar loss, void *data, real *at, double v)
{
    real keep = *at;
    *at = (real)v;
    double value = loss(data);
    *at = keep;
    return value;
}

/* dL/d(*at) by the five-point central difference.  A ReLU may switch within the step, so smaller steps are tried until one agrees with
 * `expected`.  Returns the smallest difference. */
static inline double slope_error(Scalar loss, void *data, real *at, double expected)
{
    static const double steps[] = {1e-4, 1e-5, 1e-6};
    double best = INFINITY, x = (double)*at;
    for (size_t i = 0; i < G_N_ELEMENTS(steps) && best > 1e-8; i++) {
        double h = steps[i];
        double near = value_at(loss, data, at, x + h) - value_at(loss, data, at, x - h);
        double far = value_at(loss, data, at, x + 2 * h) - value_at(loss, data, at, x - 2 * h);
        best = fmin(best, fabs((8 * near - far) / (12 * h) - expected));
    }
    return best;
}

/* ln |det| of a square matrix, which is overwritten (Gaussian elimination with row exchange). */
static inline double log_determinant(double *m, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++) {
            pivot = fabs(m[i * n + k]) > fabs(m[pivot * n + k]) ? i : pivot;
        }
        for (int j = 0; j < n && pivot != k; j++) {
            double keep = m[k * n + j];
            m[k * n + j] = m[pivot * n + j];
            m[pivot * n + j] = keep;
        }
        sum += log(fabs(m[k * n + k]));
        for (int i = k + 1; i < n; i++) {
            double factor = m[i * n + k] / m[k * n + k];
            for (int j = k; j < n; j++) {
                m[i * n + j] -= factor * m[k * n + j];
            }
        }
    }
    return sum;
}

/* The Newton-Schulz iteration W <- 1.5 W - 0.5 (W W') W (Bjorck and Bowie, SIAM J. Numer. Anal. 1971) multiplies each singular value s by
 * (3 - s^2) / 2.  All values in (0, sqrt 3) converge to 1, in the end quadratically, and singular vectors do not change.  After a step
 * of the optimiser W is nearly orthonormal, and two or three rounds are enough.  A matrix that is far from it is first divided by its
 * Frobenius norm.  This brings all singular values to at most 1, so the iteration cannot diverge.
 *
 * It runs in double, so only the rounding of the float matrix is left as error. */
#include "flows/layers/orthonormal.h"
#include <cblas.h>
#include <glib.h>
#include <lapacke.h>
#include <math.h>

#define CLOSE 1e-12 /* Frobenius norm of W W' - 1 */
#define ROUNDS 60   /* enough for a smallest singular value of 1e-9 */

int64_t orthonormal_work(int rows, int columns)
{
    return 2 * (int64_t)rows * columns + (int64_t)rows * rows;
}

/* gram = w w'; returns the Frobenius norm of gram - 1. */
static double gram_matrix(int rows, int columns, const double *w, double *gram)
{
    double sum = 0;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, rows, columns, 1, w, columns, w, columns, 0,
                gram, rows);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < rows; j++) {
            double d = gram[(int64_t)i * rows + j] - (i == j);
            sum += d * d;
        }
    }
    return sqrt(sum);
}

/* w / its Frobenius norm. */
static void scale_down(int rows, int columns, double *w)
{
    double norm = cblas_dnrm2(rows * columns, w, 1);
    if (norm > 0) {
        cblas_dscal(rows * columns, 1 / norm, w, 1);
    }
}

void orthonormal_rows(int rows, int columns, real *w, double *work)
{
    int64_t count = (int64_t)rows * columns;
    /* now, next (rows, columns); gram (rows, rows). */
    double *now = work, *next = work + count, *gram = work + 2 * count;
    for (int64_t i = 0; i < count; i++) {
        now[i] = (double)w[i];
    }
    double error = gram_matrix(rows, columns, now, gram);
    /* Training reports NaN; here it would only spread. */
    if (!isfinite(error)) {
        return;
    }
    if (error > 0.5) { /* singular values may be beyond sqrt 3 */
        scale_down(rows, columns, now);
        error = gram_matrix(rows, columns, now, gram);
    }
    for (int round = 0; round < ROUNDS && error > CLOSE; round++) {
        double *done = now;
        /* next = 1.5 now - 0.5 gram now. */
        cblas_dcopy((int)count, now, 1, next, 1);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, rows, -0.5, gram, rows, now,
                    columns, 1.5, next, columns);
        now = next;
        next = done;
        error = gram_matrix(rows, columns, now, gram);
    }
    for (int64_t i = 0; i < count; i++) {
        w[i] = (real)now[i];
    }
}

double orthonormal_smallest(int rows, int columns, const real *w)
{
    int64_t count = (int64_t)rows * columns;
    g_autofree double *wide = g_new(double, count), *gram = g_new(double, (int64_t)rows *rows);
    g_autofree double *values = g_new(double, rows);
    for (int64_t i = 0; i < count; i++) {
        wide[i] = (double)w[i];
    }
    if (!isfinite(gram_matrix(rows, columns, wide, gram)) ||
        /* Eigenvalues of w w' are squares of singular values, in ascending order. */
        LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'U', rows, gram, rows, values) != 0) {
        return NAN;
    }
    return sqrt(fmax(values[0], 0));
}

/* By the singular value decomposition X - mean = U S V': the projections are U S, the variances S^2 / (n - 1).  The covariance is not formed,
 * which would square the condition number. */
#include "flows/embedding/pca.h"
#include "base/error.h"
#include "flows/kernels/kernels.h"
#include <lapacke.h>
#include <math.h>

static void centre(const double *x, int n, int d, double *out)
{
    for (int j = 0; j < d; j++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += x[(size_t)i * d + j];
        }
        for (int i = 0; i < n; i++) {
            out[(size_t)i * d + j] = x[(size_t)i * d + j] - sum / n;
        }
    }
}

/* 1 or -1: that makes the largest component positive, the first of equals. */
static double sign_of(const double *direction, int d)
{
    int largest = 0;
    for (int j = 1; j < d; j++) {
        largest = fabs(direction[j]) > fabs(direction[largest]) ? j : largest;
    }
    return direction[largest] < 0 ? -1 : 1;
}

gboolean pca_project(const double *x, int n, int d, int k, double *score, double *fraction, GError **error)
{
    int m = MIN(n, d);
    kernels_get(NULL); /* holds BLAS to one thread */
    g_autofree double *centred = wsi_try_alloc((size_t)n * d, sizeof(double), "a PCA", error);
    g_autofree double *left = centred ? wsi_try_alloc((size_t)n * m, sizeof(double), "a PCA", error) : NULL;
    g_autofree double *right = left ? wsi_try_alloc((size_t)m * d, sizeof(double), "a PCA", error) : NULL;
    g_autofree double *value = g_new(double, m);
    if (!right) {
        return FALSE;
    }
    centre(x, n, d, centred);
    /* U (n, m), V' (m, d), both by rows. */
    if (LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'S', n, d, centred, d, value, left, m, right, d) != 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a PCA of %d points has no decomposition", n);
        return FALSE;
    }
    double total = 0;
    for (int c = 0; c < m; c++) {
        total += value[c] * value[c];
    }
    for (int c = 0; c < k; c++) {
        double scale = value[c] * sign_of(right + (size_t)c * d, d);
        fraction[c] = total > 0 ? value[c] * value[c] / total : 0;
        for (int i = 0; i < n; i++) {
            score[(size_t)i * k + c] = left[(size_t)i * m + c] * scale;
        }
    }
    return TRUE;
}

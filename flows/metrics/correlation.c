/* Spearman's correlation (1904) and Cohen's weighted kappa (1968). */
#include "flows/metrics/correlation.h"
#include "flows/metrics/ranking.h"
#include <math.h>

gboolean correlation_spearman(const double *x, const double *y, int n, double *rho, GError **error)
{
    g_autofree double *a = ranking_mid_ranks(x, n, error);
    g_autofree double *b = a ? ranking_mid_ranks(y, n, error) : NULL;
    if (!b) {
        return FALSE;
    }
    double middle = (n + 1) / 2.0, ab = 0, aa = 0, bb = 0; /* the mean of all ranks */
    for (int i = 0; i < n; i++) {
        ab += (a[i] - middle) * (b[i] - middle);
        aa += (a[i] - middle) * (a[i] - middle);
        bb += (b[i] - middle) * (b[i] - middle);
    }
    *rho = aa > 0 && bb > 0 ? fmax(-1, fmin(1, ab / sqrt(aa * bb))) : NAN;
    return TRUE;
}

double correlation_kappa(const int *counts, int classes)
{
    double observed = 0, expected = 0, n = 0;
    for (int i = 0; i < classes; i++) {
        for (int j = 0; j < classes; j++) {
            double row = 0, column = 0, square = (double)(i - j) * (i - j);
            for (int k = 0; k < classes; k++) {
                row += counts[i * classes + k];
                column += counts[k * classes + j];
            }
            observed += square * counts[i * classes + j];
            expected += square * row * column; /* n times E */
            n += counts[i * classes + j];
        }
    }
    if (n == 0) {
        return NAN;
    }
    return expected > 0 ? 1 - observed * n / expected : 1;
}

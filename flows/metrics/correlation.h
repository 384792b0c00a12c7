/* Agreement of two lists.  Pure; any thread. */
#pragma once
#include <glib.h>

/* Spearman's rank correlation of x and y (n): Pearson's correlation of their ranks, with the mean rank for ties.  NaN when n < 2 or a list
 * is constant.  FALSE with WSI_ERROR_MEMORY. */
gboolean correlation_spearman(const double *x, const double *y, int n, double *rho, GError **error);
/* Cohen's kappa with quadratic weights: 1 - sum (i - j)^2 O_ij / sum (i - j)^2 E_ij.  counts (classes, classes): O, rows truth, columns
 * prediction; E_ij = row sum * column sum / n.  1 when truth and prediction are one and the same class; NaN without items. */
double correlation_kappa(const int *counts, int classes);

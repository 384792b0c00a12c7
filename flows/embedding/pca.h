/* Principal component analysis. */
#pragma once
#include <glib.h>

/* x: (n, d).  score: (n, k), the projections on the first k directions, k <= min(n, d).  fraction: (k), the fraction of the total variance in each direction; 0 when
 * all points are equal.  The component of largest magnitude of a direction is positive.  BLAS runs on one thread, so the bytes do not depend
 * on the threads of the process.  FALSE with error when the decomposition fails or memory is short. */
gboolean pca_project(const double *x, int n, int d, int k, double *score, double *fraction, GError **error);

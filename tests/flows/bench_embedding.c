/* PCA and exact t-SNE of as many tiles as the report shows by default, on all processors. */
#include "base/pool.h"
#include "base/rng.h"
#include "flows/embedding/pca.h"
#include "flows/embedding/tsne.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS = 2000, DIMENSIONS = 384 };

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "tsne_2000") != 0) {
        return 0;
    }
    g_autofree double *x = g_new(double, POINTS *DIMENSIONS), *y = g_new(double, 2 * POINTS);
    g_autofree double *p = g_new(double, POINTS *POINTS);
    double fraction[2], squares = 0;
    Rng rng = rng_at(1, 2, 3);
    for (int i = 0; i < POINTS * DIMENSIONS; i++) {
        x[i] = rng_normal(&rng) + (i / DIMENSIONS % 5 == i % 5 ? 1 : 0);
    }
    gint64 start = g_get_monotonic_time();
    pca_project(x, POINTS, DIMENSIONS, 2, y, fraction, NULL);
    for (int i = 0; i < POINTS; i++) {
        squares += y[2 * i] * y[2 * i];
    }
    for (int i = 0; i < 2 * POINTS; i++) {
        y[i] *= 1e-4 / sqrt(squares / POINTS);
    }
    tsne_neighbours(x, POINTS, DIMENSIONS, 30, pool_processors(), p, NULL);
    tsne_descend(p, POINTS, y, pool_processors(), NULL, NULL, NULL);
    printf("bench tsne_2000 %.3f s\n", (double)(g_get_monotonic_time() - start) / 1e6);
    return 0;
}

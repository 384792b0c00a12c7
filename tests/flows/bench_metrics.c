/* Metrics of as many tiles as a cohort has: 10^7 scores, a tenth of them anomalies; intervals of 10^6 scores of 400 slides. */
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/metrics.h"
#include "base/rng.h"
#include <stdio.h>
#include <string.h>

enum { SCORES = 10000000, RESAMPLED = 1000000, SLIDES = 400 };

static void fill(double *score, int *label, int *slide, int n)
{
    Rng rng = rng_at(1, 2, 3);
    for (int i = 0; i < n; i++) {
        slide[i] = (int)rng_below(&rng, SLIDES);
        label[i] = rng_uniform(&rng) < 0.1;
        score[i] = rng_normal(&rng) + label[i];
    }
}

int main(int argc, char **argv)
{
    g_autofree double *score = g_new(double, SCORES);
    g_autofree int *label = g_new(int, SCORES), *slide = g_new(int, SCORES);
    fill(score, label, slide, SCORES);
    if (argc < 2 || strcmp(argv[1], "metrics_10m") == 0) {
        Metrics m;
        gint64 start = g_get_monotonic_time();
        metrics_compute(score, label, SCORES, &m, NULL);
        printf("bench metrics_10m %.3f s\n", (double)(g_get_monotonic_time() - start) / 1e6);
    }
    if (argc < 2 || strcmp(argv[1], "intervals_1m") == 0) {
        MetricIntervals intervals;
        gint64 start = g_get_monotonic_time();
        bootstrap_metrics(score, label, slide, RESAMPLED, SLIDES, 1, &intervals, NULL);
        printf("bench intervals_1m %.3f s\n", (double)(g_get_monotonic_time() - start) / 1e6);
    }
    return 0;
}

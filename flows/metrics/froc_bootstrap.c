/* A draw of units is a weight for each of their slides. */
#include "flows/metrics/froc_bootstrap.h"
#include <math.h>

void froc_bootstrap(const FrocSample *sample, const int *unit, int slides, int units, uint64_t seed,
                    Interval *score, const double *rates, int n, Interval *at)
{
    g_autofree int *drawn = g_new(int, units), *weight = g_new(int, slides);
    g_autofree double *scores = g_new(double, BOOTSTRAP_DRAWS), *one = g_new(double, n + 1),
                      *all = g_new(double, (size_t)n *BOOTSTRAP_DRAWS); /* (rates, draws) */
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        bootstrap_weights(seed, draw, units, drawn);
        for (int s = 0; s < slides; s++) {
            weight[s] = drawn[unit[s]];
        }
        Froc froc;
        g_autoptr(GArray) curve = NULL;
        froc_compute(sample, weight, &froc, &curve);
        scores[draw] = froc.score;
        if (froc.lesions > 0) {
            froc_at_rates(sample, curve, rates, n, one);
        }
        for (int r = 0; r < n; r++) {
            all[(size_t)r * BOOTSTRAP_DRAWS + draw] = froc.lesions > 0 ? one[r] : NAN;
        }
    }
    *score = bootstrap_interval(scores, BOOTSTRAP_DRAWS);
    for (int r = 0; r < n; r++) {
        at[r] = bootstrap_interval(all + (size_t)r * BOOTSTRAP_DRAWS, BOOTSTRAP_DRAWS);
    }
}

/* Bootstrap intervals.
 *
 * A sample of units with replacement is a weight for each unit: how often it was drawn.  The scores are sorted once (bootstrap_items.c).  A
 * draw is then one sweep over them that sums weights instead of counting items.  LANES draws share a sweep, so each item is read once for all of them.  All sums
 * are of whole numbers in double, which are exact below 2^53. */
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/bootstrap_items.h"
#include "flows/metrics/bootstrap_private.h"
#include "base/error.h"
#include "base/order.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>

_Static_assert(BOOTSTRAP_DRAWS % LANES == 0, "a sweep fills all lanes");

char *bootstrap_refusal(int units, const char *unit_names)
{
    if (units < BOOTSTRAP_LEAST) {
        return g_strdup_printf("an interval needs at least %d %s (here: %d)", BOOTSTRAP_LEAST, unit_names,
                               units);
    }
    return units > BOOTSTRAP_MOST ? g_strdup_printf("more than %d %s are not resampled (here: %d)",
                                                    BOOTSTRAP_MOST, unit_names, units)
                                  : NULL;
}

void bootstrap_weights(uint64_t seed, int draw, int units, int *weight)
{
    Rng rng = rng_at(seed, rng_name("bootstrap"), (uint32_t)draw);
    for (int u = 0; u < units; u++) {
        weight[u] = 0;
    }
    for (int u = 0; u < units; u++) {
        weight[rng_below(&rng, (uint32_t)units)]++;
    }
}

/* Between the order statistics around position p (n - 1), as numpy.percentile does by default. */
static double percentile(const double *sorted, int n, double p)
{
    double at = p * (n - 1);
    int below = (int)floor(at), above = MIN(below + 1, n - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

Interval bootstrap_interval(double *values, int n)
{
    int defined = 0;
    for (int i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            values[defined++] = values[i];
        }
    }
    if (defined == 0) {
        return (Interval){NAN, NAN, 0};
    }
    qsort(values, (size_t)defined, sizeof(double), order_doubles);
    double tail = (1 - BOOTSTRAP_LEVEL) / 2;
    return (Interval){percentile(values, defined, tail), percentile(values, defined, 1 - tail), defined};
}

Interval bootstrap_any(BootstrapMetric metric, void *data, int units, uint64_t seed)
{
    g_autofree int *weight = g_new(int, units);
    double values[BOOTSTRAP_DRAWS];
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        bootstrap_weights(seed, draw, units, weight);
        values[draw] = metric(weight, data);
    }
    return bootstrap_interval(values, BOOTSTRAP_DRAWS);
}

/* ---- AUROC, average precision, best F1 ---- */

typedef struct {
    double tp[LANES], fp[LANES];               /* at or above the current score */
    double positives[LANES], negatives[LANES]; /* all */
    double pairs[LANES];                       /* twice the pairs in the right order; a tie counts one half */
    double precision_sum[LANES];               /* of all positives: the precision at their score */
    double f1[LANES];
} Sweep;

void bootstrap_lanes(uint64_t seed, int first, int units, int *one, double *weight)
{
    for (int l = 0; l < LANES; l++) {
        bootstrap_weights(seed, first + l, units, one);
        for (int u = 0; u < units; u++) {
            weight[(size_t)u * LANES + (size_t)l] = one[u];
        }
    }
}

/* Ends a run of equal scores with `up` positives and `flat` negatives in each lane. */
static void add_step(Sweep *s, const double *up, const double *flat)
{
    for (int l = 0; l < LANES; l++) {
        s->tp[l] += up[l];
        s->fp[l] += flat[l];
        s->pairs[l] += up[l] * (2 * (s->negatives[l] - s->fp[l]) + flat[l]);
        s->precision_sum[l] += up[l] * s->tp[l] / fmax(s->tp[l] + s->fp[l], 1);
        s->f1[l] = fmax(s->f1[l], 2 * s->tp[l] / fmax(s->tp[l] + s->fp[l] + s->positives[l], 1));
    }
}

/* sum (LANES) += count * weight of the unit */
static inline void add_weights(double *sum, int count, const double *weight, int unit)
{
    for (int l = 0; l < LANES; l++) {
        sum[l] += count * weight[(size_t)unit * LANES + (size_t)l];
    }
}

static void sweep(const Items *all, const double *weight, Sweep *s)
{
    *s = (Sweep){0};
    for (int i = 0; i < all->n; i++) {
        add_weights(s->positives, all->items[i].positives, weight, all->items[i].unit);
        add_weights(s->negatives, all->items[i].negatives, weight, all->items[i].unit);
    }
    double up[LANES] = {0}, flat[LANES] = {0};
    gboolean positive = FALSE;
    for (int i = 0; i < all->n; i++) {
        const Item *item = &all->items[i];
        if (item->positives > 0) {
            add_weights(up, item->positives, weight, item->unit);
            positive = TRUE;
        }
        if (item->negatives > 0) {
            add_weights(flat, item->negatives, weight, item->unit);
        }
        if (!item->last) {
            continue;
        }
        /* A step of negatives alone changes neither sum and cannot raise F1, so it needs no division. */
        if (positive) {
            add_step(s, up, flat);
        } else {
            for (int l = 0; l < LANES; l++) {
                s->fp[l] += flat[l];
            }
        }
        for (int l = 0; l < LANES; l++) {
            up[l] = flat[l] = 0;
        }
        positive = FALSE;
    }
}

gboolean bootstrap_metrics(const double *score, const int *label, const int *unit, int n, int units,
                           uint64_t seed, MetricIntervals *out, GError **error)
{
    Items all;
    gboolean sorted = bootstrap_items(score, label, unit, NULL, n, units, &all, error);
    g_autofree Item *items = all.items;
    g_autofree double *weight =
        sorted ? wsi_try_alloc((size_t)units, LANES * sizeof(double), "bootstrap weights", error) : NULL;
    g_autofree int *one =
        weight ? wsi_try_alloc((size_t)units, sizeof(int), "bootstrap weights", error) : NULL;
    if (!one) {
        return FALSE;
    }
    double auroc[BOOTSTRAP_DRAWS], precision[BOOTSTRAP_DRAWS], f1[BOOTSTRAP_DRAWS];
    for (int first = 0; first < BOOTSTRAP_DRAWS; first += LANES) {
        Sweep s;
        bootstrap_lanes(seed, first, units, one, weight);
        sweep(&all, weight, &s);
        for (int l = 0; l < LANES; l++) { /* a draw without one of the classes has no metric */
            double p = s.positives[l], q = s.negatives[l];
            gboolean both = p > 0 && q > 0;
            auroc[first + l] = both ? s.pairs[l] / (2 * p * q) : NAN;
            precision[first + l] = both ? s.precision_sum[l] / p : NAN;
            f1[first + l] = both ? s.f1[l] : NAN;
        }
    }
    *out = (MetricIntervals){bootstrap_interval(auroc, BOOTSTRAP_DRAWS),
                             bootstrap_interval(precision, BOOTSTRAP_DRAWS),
                             bootstrap_interval(f1, BOOTSTRAP_DRAWS)};
    return TRUE;
}

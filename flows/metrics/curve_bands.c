/* Each lane walks down its own two curves while the sweep passes the scores, and notes the points of the grid that it passes. */
#include "flows/metrics/curve_bands.h"
#include "base/error.h"
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/bootstrap_items.h"
#include "flows/metrics/bootstrap_private.h"
#include <math.h>

enum { POINTS = CURVE_BAND_POINTS };
#define ROUNDING 1e-9 /* of grid points times whole numbers */

/* One draw. */
typedef struct {
    double positives, negatives; /* all */
    double tp, fp;               /* at or above the current score */
    double before_tp, before_fp; /* above it */
    int roc, pr;                 /* the next point of each grid */
} Walk;

typedef struct {
    double *roc, *pr; /* (POINTS, BOOTSTRAP_DRAWS) */
} Values;

static double roc_at(int k)
{
    return (double)k / (POINTS - 1) * k / (POINTS - 1);
}

static double pr_at(int k)
{
    return (double)k / (POINTS - 1);
}

/* Notes what lies between the last threshold and this one.  end: there is no further threshold. */
static void pass(Walk *w, int draw, gboolean end, Values *out)
{
    while (w->roc < POINTS && (roc_at(w->roc) * w->negatives < w->fp - ROUNDING || end)) {
        double share = w->fp > w->before_fp
                           ? (roc_at(w->roc) * w->negatives - w->before_fp) / (w->fp - w->before_fp)
                           : 1;
        out->roc[(size_t)w->roc++ * BOOTSTRAP_DRAWS + (size_t)draw] =
            (w->before_tp + fmin(share, 1) * (w->tp - w->before_tp)) / w->positives;
    }
    while (w->pr < POINTS && w->tp > 0 && pr_at(w->pr) * w->positives <= w->tp + ROUNDING) {
        out->pr[(size_t)w->pr++ * BOOTSTRAP_DRAWS + (size_t)draw] = w->tp / (w->tp + w->fp);
    }
    w->before_tp = w->tp;
    w->before_fp = w->fp;
}

/* All draws of one sweep. */
static void walk(const Items *all, const double *weight, int first, Values *out)
{
    Walk walks[LANES] = {{0}};
    for (int i = 0; i < all->n; i++) {
        const double *w = weight + (size_t)all->items[i].unit * LANES;
        for (int l = 0; l < LANES; l++) {
            walks[l].positives += all->items[i].positives * w[l];
            walks[l].negatives += all->items[i].negatives * w[l];
        }
    }
    for (int i = 0; i < all->n; i++) {
        const Item *item = &all->items[i];
        for (int l = 0; l < LANES; l++) {
            double w = weight[(size_t)item->unit * LANES + (size_t)l];
            walks[l].tp += item->positives * w;
            walks[l].fp += item->negatives * w;
            if (item->last && walks[l].positives > 0 && walks[l].negatives > 0) {
                pass(&walks[l], first + l, i + 1 == all->n, out);
            }
        }
    }
}

static void band_of(double *values, double (*at)(int), CurveBand *band)
{
    for (int k = 0; k < POINTS; k++) {
        Interval one = bootstrap_interval(values + (size_t)k * BOOTSTRAP_DRAWS, BOOTSTRAP_DRAWS);
        band->at[k] = at(k);
        band->low[k] = one.low;
        band->high[k] = one.high;
    }
}

gboolean curve_bands(const double *score, const int *label, const int *unit, int n, int units, uint64_t seed,
                     CurveBand *roc, CurveBand *pr, GError **error)
{
    enum { VALUES = POINTS * BOOTSTRAP_DRAWS };
    Items all;
    gboolean sorted = bootstrap_items(score, label, unit, NULL, n, units, &all, error);
    g_autofree Item *items = all.items;
    g_autofree double *weight =
        sorted ? wsi_try_alloc((size_t)units, LANES * sizeof(double), "bootstrap weights", error) : NULL;
    g_autofree int *one =
        weight ? wsi_try_alloc((size_t)units, sizeof(int), "bootstrap weights", error) : NULL;
    g_autofree double *values =
        one ? wsi_try_alloc(2 * (size_t)VALUES, sizeof(double), "bootstrap curves", error) : NULL;
    if (!values) {
        return FALSE;
    }
    for (int i = 0; i < 2 * VALUES; i++) {
        values[i] = NAN;
    }
    Values out = {values, values + VALUES};
    for (int first = 0; first < BOOTSTRAP_DRAWS; first += LANES) {
        bootstrap_lanes(seed, first, units, one, weight);
        walk(&all, weight, first, &out);
    }
    band_of(out.roc, roc_at, roc);
    band_of(out.pr, pr_at, pr);
    return TRUE;
}

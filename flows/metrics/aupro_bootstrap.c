/* A pixel of a region weighs 1 / the size of its region, so that a sum of pixels is a sum of overlaps. */
#include "flows/metrics/aupro_bootstrap.h"
#include "base/error.h"
#include "flows/metrics/bootstrap_items.h"
#include "flows/metrics/bootstrap_private.h"
#include <math.h>

/* LANES draws. */
typedef struct {
    double normal[LANES], regions[LANES]; /* all */
    double x[LANES], y[LANES];            /* at or above the current score: normal pixels, overlaps */
    double px[LANES], py[LANES];          /* the last point of the curve */
    double area[LANES];
} Sweep;

/* Adds the trapezoid to the point of the current score, cut at the limit. */
static void add_step(Sweep *s, double limit)
{
    for (int l = 0; l < LANES; l++) {
        double x = s->x[l] / s->normal[l], y = fmin(s->y[l] / s->regions[l], 1);
        if (s->px[l] < limit) {
            double end = fmin(x, limit),
                   at_end = x > limit ? s->py[l] + (y - s->py[l]) * (limit - s->px[l]) / (x - s->px[l]) : y;
            s->area[l] += (end - s->px[l]) * (s->py[l] + at_end) / 2;
        }
        s->px[l] = x;
        s->py[l] = y;
    }
}

static void sweep(const Items *all, const double *weight, double limit, Sweep *s)
{
    for (int i = 0; i < all->n; i++) {
        const Item *item = &all->items[i];
        for (int l = 0; l < LANES; l++) {
            double w = weight[(size_t)item->unit * LANES + (size_t)l];
            s->x[l] += item->negatives * w;
            s->y[l] += item->value * w;
        }
        if (item->last) {
            add_step(s, limit);
        }
    }
}

/* Normal pixels and regions of each unit: (units). */
static void count(const int *region, const int *unit, int n, const int *size, double *normal, double *regions)
{
    for (int i = 0; i < n; i++) {
        normal[unit[i]] += region[i] == 0;
        regions[unit[i]] += region[i] ? 1.0 / size[region[i]] : 0;
    }
}

/* The values of all draws; normal, regions (units). */
static void run_draws(const Items *all, int units, const double *normal, const double *regions, double limit,
                      uint64_t seed, double *values)
{
    g_autofree double *weight = g_new(double, (size_t)units *LANES);
    g_autofree int *one = g_new(int, units);
    for (int first = 0; first < BOOTSTRAP_DRAWS; first += LANES) {
        Sweep s = {0};
        bootstrap_lanes(seed, first, units, one, weight);
        for (int u = 0; u < units; u++) {
            for (int l = 0; l < LANES; l++) {
                s.normal[l] += normal[u] * weight[(size_t)u * LANES + (size_t)l];
                s.regions[l] += round(regions[u]) * weight[(size_t)u * LANES + (size_t)l];
            }
        }
        sweep(all, weight, limit, &s);
        for (int l = 0; l < LANES; l++) { /* a draw without a region or a normal pixel has none */
            values[first + l] = s.normal[l] > 0 && s.regions[l] > 0 ? s.area[l] / limit : NAN;
        }
    }
}

gboolean aupro_bootstrap(const double *score, const int *region, const int *unit, int n, int regions,
                         int units, double limit, uint64_t seed, Interval *out, GError **error)
{
    g_autofree int *size = wsi_try_alloc((size_t)regions + 1, sizeof(int), "sizes of regions", error);
    g_autofree int *label = size ? wsi_try_alloc((size_t)n, sizeof(int), "labels of pixels", error) : NULL;
    g_autofree double *value =
        label ? wsi_try_alloc((size_t)n, sizeof(double), "overlaps of pixels", error) : NULL;
    Items all;
    if (!value) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        size[region[i]]++;
        label[i] = region[i] > 0;
    }
    for (int i = 0; i < n; i++) {
        value[i] = region[i] ? 1.0 / size[region[i]] : 0;
    }
    if (!bootstrap_items(score, label, unit, value, n, units, &all, error)) {
        return FALSE;
    }
    g_autofree Item *items = all.items;
    g_autofree double *normal = g_new0(double, units), *of_unit = g_new0(double, units);
    double values[BOOTSTRAP_DRAWS];
    count(region, unit, n, size, normal, of_unit);
    run_draws(&all, units, normal, of_unit, limit, seed, values);
    *out = bootstrap_interval(values, BOOTSTRAP_DRAWS);
    return TRUE;
}

/* Confidence intervals by the bootstrap (Efron and Tibshirani: An introduction to the bootstrap, 1993, chapters 6 and 13).
 *
 * Tiles of one slide resemble each other, and so do the slides of one patient.  The unit that is drawn with replacement is therefore the
 * largest one that is known: a patient, otherwise a slide, otherwise a row.  The interval holds the middle 95 % of the metric over the draws
 * (percentile method).  The draws depend only on the seed and the number of units.  Any thread may call these functions. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define BOOTSTRAP_DRAWS 1000
#define BOOTSTRAP_LEVEL 0.95
#define BOOTSTRAP_LEAST 10     /* with fewer units the percentiles mean little: no interval */
#define BOOTSTRAP_MOST 1000000 /* with more units the interval is too narrow to be worth the time */

typedef struct {
    double low, high; /* NaN when `draws` is 0 */
    int draws;        /* the draws in which the metric was defined */
} Interval;

/* Why there is no interval for so many units ("patients", ...); NULL when there is one.  Caller frees. */
char *bootstrap_refusal(int units, const char *unit_names);
/* How often each unit is drawn in draw 0..BOOTSTRAP_DRAWS-1: weight (units). */
void bootstrap_weights(uint64_t seed, int draw, int units, int *weight);
/* The interval of values (n; sorted in place), of which those that are NaN do not count.  Percentiles are interpolated linearly. */
Interval bootstrap_interval(double *values, int n);

/* A metric of a sample in which unit u occurs weight[u] times; NaN when it is not defined. */
typedef double (*BootstrapMetric)(const int *weight, void *data);
Interval bootstrap_any(BootstrapMetric metric, void *data, int units, uint64_t seed);

typedef struct {
    Interval auroc, average_precision, best_f1;
} MetricIntervals;
/* Of n scores with labels (as in metrics.h); unit (n): 0..units-1.  Of very many scores, thresholds are classes of scores (bootstrap_items.h).
 * FALSE with WSI_ERROR_MEMORY. */
gboolean bootstrap_metrics(const double *score, const int *label, const int *unit, int n, int units,
                           uint64_t seed, MetricIntervals *out, GError **error);

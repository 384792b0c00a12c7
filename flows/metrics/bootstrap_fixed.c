/* Sums of a unit are counted once; a draw adds them up by their weights.  Counts are exact in double; the sums of scores are added in the order of the
 * units. */
#include "flows/metrics/bootstrap_fixed.h"
#include "flows/metrics/reliability.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* value (units, columns) summed by the weights of a draw: sum (columns). */
typedef struct {
    double *value;
    int columns;
} Sums;

static void add_up(const Sums *sums, const int *weight, int units, double *sum)
{
    memset(sum, 0, (size_t)sums->columns * sizeof *sum);
    for (int u = 0; u < units; u++) {
        const double *value = sums->value + (size_t)u * (size_t)sums->columns;
        for (int c = 0; weight[u] > 0 && c < sums->columns; c++) {
            sum[c] += weight[u] * value[c];
        }
    }
}

/* ---- at a threshold ---- */

enum { TN, FP, FN, TP, CELLS };
enum { F1, PRECISION, RECALL, SPECIFICITY, ACCURACY, BALANCED, FIGURES };

static void figures_of(const double *cell, double figure[FIGURES])
{
    double positives = cell[TP] + cell[FN], negatives = cell[TN] + cell[FP], predicted = cell[TP] + cell[FP];
    gboolean both = positives > 0 && negatives > 0;
    figure[F1] = both ? 2 * cell[TP] / (positives + predicted) : NAN;
    figure[PRECISION] = both && predicted > 0 ? cell[TP] / predicted : NAN;
    figure[RECALL] = positives > 0 ? cell[TP] / positives : NAN;
    figure[SPECIFICITY] = negatives > 0 ? cell[TN] / negatives : NAN;
    figure[ACCURACY] = (cell[TP] + cell[TN]) / (positives + negatives);
    figure[BALANCED] = both ? (figure[RECALL] + figure[SPECIFICITY]) / 2 : NAN;
}

gboolean bootstrap_threshold(const double *score, const int *label, const int *unit, int n, int units,
                             double threshold, uint64_t seed, ThresholdIntervals *out, GError **error)
{
    g_autofree double *value = wsi_try_alloc((size_t)units, CELLS * sizeof(double), "bootstrap sums", error);
    g_autofree int *weight =
        value ? wsi_try_alloc((size_t)units, sizeof(int), "bootstrap weights", error) : NULL;
    if (!weight) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        int cell = (label[i] > 0 ? FN : TN) + (score[i] >= threshold);
        value[(size_t)unit[i] * CELLS + (size_t)cell]++;
    }
    double drawn[FIGURES][BOOTSTRAP_DRAWS], cell[CELLS], figure[FIGURES];
    const Sums sums = {value, CELLS};
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        bootstrap_weights(seed, draw, units, weight);
        add_up(&sums, weight, units, cell);
        figures_of(cell, figure);
        for (int f = 0; f < FIGURES; f++) {
            drawn[f][draw] = figure[f];
        }
    }
    Interval *const intervals[FIGURES] = {&out->f1,          &out->precision, &out->recall,
                                          &out->specificity, &out->accuracy,  &out->balanced_accuracy};
    for (int f = 0; f < FIGURES; f++) {
        *intervals[f] = bootstrap_interval(drawn[f], BOOTSTRAP_DRAWS);
    }
    return TRUE;
}

/* ---- calibration error ---- */

/* Of each bin the scores minus the anomalies, then the rows. */
enum { ROWS = RELIABILITY_BINS, COLUMNS };

gboolean bootstrap_calibration_error(const double *score, const int *label, const int *unit, int n, int units,
                                     uint64_t seed, Interval *out, GError **error)
{
    g_autofree double *value =
        wsi_try_alloc((size_t)units, COLUMNS * sizeof(double), "bootstrap sums", error);
    g_autofree int *weight =
        value ? wsi_try_alloc((size_t)units, sizeof(int), "bootstrap weights", error) : NULL;
    if (!weight) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        double *of = value + (size_t)unit[i] * COLUMNS;
        of[reliability_bin(score[i])] += score[i] - (label[i] > 0);
        of[ROWS]++;
    }
    double drawn[BOOTSTRAP_DRAWS], sum[COLUMNS];
    const Sums sums = {value, COLUMNS};
    for (int draw = 0; draw < BOOTSTRAP_DRAWS; draw++) {
        bootstrap_weights(seed, draw, units, weight);
        add_up(&sums, weight, units, sum);
        drawn[draw] = 0;
        for (int b = 0; b < RELIABILITY_BINS; b++) {
            drawn[draw] += fabs(sum[b]) / sum[ROWS]; /* n_b / n |mean - fraction| */
        }
    }
    *out = bootstrap_interval(drawn, BOOTSTRAP_DRAWS);
    return TRUE;
}

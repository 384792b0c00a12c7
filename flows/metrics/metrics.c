/* Metrics.
 *
 * Everything follows from one table: the scores in descending order, cut into steps of equal scores, each with the true and false
 * positives of "score >= its threshold".  Tied items enter together, so the order of the input does not matter.  Counts stay
 * integers up to the last division, so the results are exact to rounding.
 *
 * AUROC by mid-ranks: Mann and Whitney (1947), Hanley and McNeil (1982).  Average precision: the sum of
 * (R_k - R_{k-1}) P_k without interpolation. */
#include "flows/metrics/metrics.h"
#include "flows/metrics/ranking.h"
#include "base/error.h"
#include <math.h>
#include <stdint.h>

typedef struct {
    double threshold;
    int tp, fp; /* predicted with score >= threshold */
} Step;

/* NaN cannot be ordered, so no metric would be defined. */
static gboolean check(const double *score, const int *label, int n, GError **error)
{
    if (n < 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "there are no scores to evaluate");
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        if (isnan(score[i])) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "score %d of %d is not a number", i, n);
            return FALSE;
        }
        if (label[i] != 0 && label[i] != 1) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "label %d of %d is %d: 0 or 1 was expected", i, n,
                        label[i]);
            return FALSE;
        }
    }
    return TRUE;
}

/* Array of Step, by descending threshold; the last one has all items.  NULL with error. */
static GArray *steps_new(const double *score, const int *label, int n, GError **error)
{
    if (!check(score, label, n, error)) {
        return NULL;
    }
    g_autofree Ranked *ranked = ranking_descending(score, n, error);
    if (!ranked) {
        return NULL;
    }
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(Step));
    int tp = 0;
    for (int start = 0, end; start < n; start = end) { /* a step has all items of equal score */
        end = ranking_run_end(ranked, start, n);
        for (int i = start; i < end; i++) {
            tp += label[ranked[i].item];
        }
        Step step = {ranked[start].score, tp, end - tp};
        g_array_append_val(steps, step);
    }
    return steps;
}

#define STEP(steps, i) g_array_index(steps, Step, i)

/* P(score of a positive > score of a negative) + P(equal) / 2. */
static double auroc(const GArray *steps, int64_t positives, int64_t negatives)
{
    /* Twice the number of pairs (positive, negative) in the right order; a tie counts one half. */
    int64_t twice = 0;
    Step before = {0};
    for (guint k = 0; k < steps->len; k++) {
        Step at = STEP(steps, k);
        /* The step's positives beat all negatives below it, and tie with its own. */
        twice += (int64_t)(at.tp - before.tp) * (2 * (negatives - at.fp) + (at.fp - before.fp));
        before = at;
    }
    return positives && negatives ? (double)twice / (2.0 * (double)positives * (double)negatives) : NAN;
}

/* sum over the steps of (R_k - R_{k-1}) P_k. */
static double average_precision(const GArray *steps, int positives)
{
    double sum = 0;
    int tp_before = 0;
    for (guint k = 0; k < steps->len; k++) {
        Step at = STEP(steps, k);
        sum += (double)(at.tp - tp_before) / positives * ((double)at.tp / (at.tp + at.fp));
        tp_before = at.tp;
    }
    return positives ? sum : NAN;
}

/* 2 TP / (2 TP + FP + FN); 0/0 is 0. */
static double f1(Step at, int positives)
{
    double below = (double)at.tp + at.fp + positives;
    return below > 0 ? 2.0 * at.tp / below : 0;
}

/* All metrics for the threshold of a step. */
static void fill(Metrics *out, const GArray *steps, Step at, double threshold)
{
    Step all = STEP(steps, steps->len - 1);
    int positives = all.tp, negatives = all.fp, n = all.tp + all.fp;
    *out = (Metrics){.n = n, .positives = positives, .prevalence = (double)positives / n};
    out->auroc = auroc(steps, positives, negatives);
    out->average_precision = average_precision(steps, positives);
    out->best_f1 = f1(at, positives);
    out->best_f1_threshold = threshold;
    out->tp = at.tp;
    out->fp = at.fp;
    out->fn = positives - at.tp;
    out->tn = negatives - at.fp;
    /* Ratios without a denominator are NAN, never 0. */
    out->precision = at.tp + at.fp ? (double)at.tp / (at.tp + at.fp) : NAN;
    out->recall = positives ? (double)at.tp / positives : NAN;
    out->specificity = negatives ? (double)out->tn / negatives : NAN;
    out->accuracy = ((double)out->tp + out->tn) / n;
    /* NAN without positives or without negatives. */
    out->balanced_accuracy = (out->recall + out->specificity) / 2;
}

gboolean metrics_compute(const double *score, const int *label, int n, Metrics *out, GError **error)
{
    g_autoptr(GArray) steps = steps_new(score, label, n, error);
    if (!steps) {
        return FALSE;
    }
    int positives = STEP(steps, steps->len - 1).tp;
    Step best = STEP(steps, 0);
    for (guint k = 1; k < steps->len; k++) {
        if (f1(STEP(steps, k), positives) >= f1(best, positives)) {
            best = STEP(steps, k); /* >=: thresholds descend, and the smallest wins */
        }
    }
    fill(out, steps, best, best.threshold);
    return TRUE;
}

gboolean metrics_at(const double *score, const int *label, int n, double threshold, Metrics *out,
                    GError **error)
{
    if (isnan(threshold)) { /* no score would be above it */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the threshold is not a number");
        return FALSE;
    }
    g_autoptr(GArray) steps = steps_new(score, label, n, error);
    if (!steps) {
        return FALSE;
    }
    Step at = {0}; /* above all scores nothing is predicted positive */
    for (guint k = 0; k < steps->len && STEP(steps, k).threshold >= threshold; k++) {
        at = STEP(steps, k);
    }
    fill(out, steps, at, threshold);
    return TRUE;
}

double metrics_best_f(const double *score, const int *label, int n, double beta)
{
    g_autoptr(GArray) steps = steps_new(score, label, n, NULL);
    int positives = steps ? STEP(steps, steps->len - 1).tp : 0;
    double square = beta * beta, best = positives ? 0 : NAN;
    for (guint k = 0; positives && k < steps->len; k++) {
        Step at = STEP(steps, k);
        double hits = (1 + square) * at.tp; /* F_beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP) */
        best = fmax(best, hits / (hits + square * (positives - at.tp) + at.fp));
    }
    return best;
}

static void add_point(GArray *points, double threshold, double x, double y)
{
    MetricPoint point = {threshold, x, y};
    g_array_append_val(points, point);
}

static GArray *points_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(MetricPoint));
}

GArray *metrics_roc(const double *score, const int *label, int n)
{
    g_autoptr(GArray) steps = steps_new(score, label, n, NULL);
    GArray *points = points_new();
    Step all = steps ? STEP(steps, steps->len - 1) : (Step){0};
    if (all.tp == 0 || all.fp == 0) { /* a rate has no denominator */
        return points;
    }
    add_point(points, INFINITY, 0, 0);
    for (guint k = 0; k < steps->len; k++) {
        Step at = STEP(steps, k);
        /* x: false positive rate; y: true positive rate. */
        add_point(points, at.threshold, (double)at.fp / all.fp, (double)at.tp / all.tp);
    }
    return points;
}

GArray *metrics_pr(const double *score, const int *label, int n)
{
    g_autoptr(GArray) steps = steps_new(score, label, n, NULL);
    GArray *points = points_new();
    Step all = steps ? STEP(steps, steps->len - 1) : (Step){0};
    for (guint k = 0; all.tp && k < steps->len; k++) {
        Step at = STEP(steps, k);
        /* x: recall; y: precision. */
        add_point(points, at.threshold, (double)at.tp / all.tp, (double)at.tp / (at.tp + at.fp));
    }
    return points;
}

GArray *metrics_pr_line(const GArray *points)
{
    GArray *line = points_new();
    double recall = 0;
    for (guint k = 0; k < points->len; k++) { /* up or down to the precision, then right to the recall */
        MetricPoint at = g_array_index(points, MetricPoint, k);
        add_point(line, at.threshold, recall, at.y);
        add_point(line, at.threshold, at.x, at.y);
        recall = at.x;
    }
    return line;
}

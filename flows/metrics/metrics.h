/* Metrics of scores with labels.  label: 0 normal, 1 anomaly; a higher score is more anomalous.
 * Pure functions; any thread may call them. */
#pragma once
#include <glib.h>

typedef struct {
    int n, positives;
    double prevalence;
    double auroc;                      /* NaN when a class is missing */
    double average_precision;          /* NaN without positives */
    double best_f1, best_f1_threshold; /* for score >= threshold; the smallest threshold among equal maxima */
    /* At that threshold.  Precision is NaN when nothing is predicted positive, recall and specificity when their class is missing. */
    double precision, recall, specificity, accuracy, balanced_accuracy;
    int tn, fp, fn, tp;
} Metrics;
/* Of n >= 1 scores.  FALSE with WSI_ERROR_INPUT for a NaN score, a label other than 0 and 1, or n < 1. */
gboolean metrics_compute(const double *score, const int *label, int n, Metrics *out, GError **error);
/* The same at a given threshold: best_f1 is then the F1 there. */
gboolean metrics_at(const double *score, const int *label, int n, double threshold, Metrics *out,
                    GError **error);
/* The largest F_beta = (1 + beta^2) P R / (beta^2 P + R) over all thresholds.  NaN without positives or with a NaN score. */
double metrics_best_f(const double *score, const int *label, int n, double beta);
/* A point of a curve: at this threshold, x = false positive rate or recall, y = true positive rate or precision. */
typedef struct {
    double threshold, x, y;
} MetricPoint;
/* Points of the ROC and of the precision-recall curve, one per distinct threshold, descending: arrays of MetricPoint, which the
 * caller unrefs.  The ROC begins with (infinity, 0, 0); the precision-recall curve has no invented point.
 * Empty when the curve is undefined (ROC: a class is missing; precision-recall: no positives; both: a NaN score). */
GArray *metrics_roc(const double *score, const int *label, int n);
GArray *metrics_pr(const double *score, const int *label, int n);
/* The line to draw for points of metrics_pr; the area below it is the average precision.  Between two recalls the precision is that
 * of the higher one, without interpolation, so the line goes in steps from recall 0.  Array of MetricPoint. */
GArray *metrics_pr_line(const GArray *points);

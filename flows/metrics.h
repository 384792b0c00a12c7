/* Evaluation figures (models.md H).  label: 0 normal, 1 anomaly; higher score = more anomalous. NaN scores are an error. */
#pragma once
#include <glib.h>

typedef struct {
    int n, positives;
    double prevalence;
    double auroc;             /* NaN when a class is missing */
    double average_precision; /* NaN without positives */
    double best_f1, best_f1_threshold; /* predict score >= threshold; smallest threshold among equal maxima */
    double precision, recall, specificity, accuracy, balanced_accuracy; /* at that threshold */
    int tn, fp, fn, tp;
} Metrics;
gboolean metrics_compute(const double *score, const int *label, int n, Metrics *out, GError **error);
/* The same with a given threshold instead of the best. */
gboolean metrics_at(const double *score, const int *label, int n, double threshold, Metrics *out, GError **error);
/* ROC and precision-recall points over distinct thresholds, descending: arrays of double triples (threshold, x, y); x = FPR or
 * recall, y = TPR or precision. */
GArray *metrics_roc(const double *score, const int *label, int n);
GArray *metrics_pr(const double *score, const int *label, int n);

/* Bootstrap intervals of metrics that need no order of the scores: at a fixed threshold, and the calibration error.  As bootstrap.h; a draw is
 * summed over units instead of rows, so the time does not depend on their number. */
#pragma once
#include "flows/metrics/bootstrap.h"

/* The threshold is not chosen again in a draw.  As in metrics.h, a metric but the accuracy is not defined in a draw that lacks its class, and the precision is not
 * where nothing is predicted positive. */
typedef struct {
    Interval f1, precision, recall, specificity, accuracy, balanced_accuracy;
} ThresholdIntervals;
/* FALSE with WSI_ERROR_MEMORY. */
gboolean bootstrap_threshold(const double *score, const int *label, const int *unit, int n, int units,
                             double threshold, uint64_t seed, ThresholdIntervals *out, GError **error);
/* The expected calibration error (reliability.h); scores: 0..1.  FALSE with WSI_ERROR_MEMORY. */
gboolean bootstrap_calibration_error(const double *score, const int *label, const int *unit, int n, int units,
                                     uint64_t seed, Interval *out, GError **error);

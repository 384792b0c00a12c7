/* Bands around the ROC and the precision-recall curve by the bootstrap (bootstrap.h).  Any thread. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define CURVE_BAND_POINTS 101

/* At each point of the axis below the curve, the middle 95 % of the curves of all draws (pointwise, not of the curve as a whole). */
typedef struct {
    double at[CURVE_BAND_POINTS], low[CURVE_BAND_POINTS], high[CURVE_BAND_POINTS];
} CurveBand;

/* Of n scores with labels (as in metrics.h); unit (n): 0..units-1.
 * roc: true positive rate at false positive rates (k / 100)^2, closer where the curve rises; between thresholds it is linear, and the highest where it is
 * vertical.  pr: precision at recalls k / 100: that of the highest threshold with at least this recall, as for average precision (of at least one
 * positive, at 0).  Draws without one of the classes do not count.  FALSE with WSI_ERROR_MEMORY. */
gboolean curve_bands(const double *score, const int *label, const int *unit, int n, int units, uint64_t seed,
                     CurveBand *roc, CurveBand *pr, GError **error);

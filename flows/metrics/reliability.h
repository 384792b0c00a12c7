/* Whether scores that claim to be probabilities are.  Pure; any thread. */
#pragma once
#include <glib.h>

#define RELIABILITY_BINS 10

typedef struct {
    int n[RELIABILITY_BINS];             /* rows in bin b: b/10 < score <= (b+1)/10; 0 is in bin 0 */
    double mean_score[RELIABILITY_BINS]; /* NaN in an empty bin */
    double fraction[RELIABILITY_BINS];   /* of anomalies; NaN in an empty bin */
    double ece; /* expected calibration error: the mean of |mean_score - fraction| over the rows */
} Reliability;

/* The bin of a score within 0..1. */
int reliability_bin(double score);
/* Of n >= 1 scores.  FALSE when a score is outside of 0..1 or NaN, so that it is no probability.
 * Source: Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning (AAAI 2015); bins of equal width as in
 * scikit-learn's calibration_curve. */
gboolean reliability_compute(const double *score, const int *label, int n, Reliability *out);

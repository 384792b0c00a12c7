/* Reliability curve and expected calibration error. */
#include "flows/metrics/reliability.h"
#include <math.h>

/* The edges are b / 10 in double; an edge belongs to the bin below it. */
int reliability_bin(double score)
{
    int bin = 0;
    while (bin + 1 < RELIABILITY_BINS && score > (double)(bin + 1) / RELIABILITY_BINS) {
        bin++;
    }
    return bin;
}

gboolean reliability_compute(const double *score, const int *label, int n, Reliability *out)
{
    double sum[RELIABILITY_BINS] = {0};
    int positives[RELIABILITY_BINS] = {0};
    *out = (Reliability){0};
    for (int i = 0; i < n; i++) {
        if (!(score[i] >= 0 && score[i] <= 1)) {
            return FALSE;
        }
        int bin = reliability_bin(score[i]);
        out->n[bin]++;
        sum[bin] += score[i];
        positives[bin] += label[i] > 0;
    }
    for (int b = 0; b < RELIABILITY_BINS; b++) {
        out->mean_score[b] = out->n[b] ? sum[b] / out->n[b] : NAN;
        out->fraction[b] = out->n[b] ? (double)positives[b] / out->n[b] : NAN;
        out->ece += fabs(sum[b] - positives[b]) / n; /* n_b / n |mean - fraction| */
    }
    return TRUE;
}

/* Confidence intervals of FROC (bootstrap.h), by patient where patients are known.  Any thread. */
#pragma once
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/froc.h"

/* unit (slides of the sample): 0..units-1.  *score: of the mean sensitivity; at (n; may be NULL): of the sensitivity at each of these rates (n), ascending.
 * Draws without a lesion do not count. */
void froc_bootstrap(const FrocSample *sample, const int *unit, int slides, int units, uint64_t seed,
                    Interval *score, const double *rates, int n, Interval *at);

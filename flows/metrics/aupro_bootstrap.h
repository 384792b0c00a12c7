/* The confidence interval of AUPRO (aupro.h) by the bootstrap (bootstrap.h).  Any thread. */
#pragma once
#include "flows/metrics/bootstrap.h"

/* score, region (n) as in aupro_compute; unit (n): 0..units-1, the image of each pixel; a region is in one unit.  A unit that is drawn twice counts
 * twice, with its regions and normal pixels.  FALSE with WSI_ERROR_MEMORY. */
gboolean aupro_bootstrap(const double *score, const int *region, const int *unit, int n, int regions,
                         int units, double limit, uint64_t seed, Interval *out, GError **error);

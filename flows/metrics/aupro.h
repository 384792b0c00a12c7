/* Area under the per-region overlap curve.  Pure; any thread.
 *
 * Source: Bergmann et al.: The MVTec Anomaly Detection dataset (International Journal of Computer Vision 129, 2021), and its evaluation code:
 * at each distinct score as a threshold, x = the fraction of normal pixels at or above it, y = the mean over all regions of the fraction of
 * their pixels at or above it. */
#pragma once
#include <glib.h>

#define AUPRO_LIMIT 0.3

/* score, region (n): all pixels of all images; region: 0 = normal, 1..regions = the region that the pixel belongs to.  The area from
 * x = 0 to `limit`, by trapezoids over every distinct score, divided by limit; at the limit the curve is interpolated.  NaN without a region or
 * without a normal pixel.  FALSE with WSI_ERROR_MEMORY. */
gboolean aupro_compute(const double *score, const int *region, int n, int regions, double limit, double *out,
                       GError **error);

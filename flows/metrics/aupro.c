/* AUPRO, exact: the curve has a point for each distinct score, so nothing depends on a grid of thresholds. */
#include "flows/metrics/aupro.h"
#include "flows/metrics/ranking.h"
#include "base/error.h"
#include <math.h>

/* The area below the segment from (x0, y0) to (x1, y1), of which only what is left of the limit counts. */
static double area_below(double x0, double y0, double x1, double y1, double limit)
{
    if (x1 <= limit) {
        return (x1 - x0) * (y0 + y1) / 2;
    }
    double y = y0 + (y1 - y0) * (limit - x0) / (x1 - x0);
    return (limit - x0) * (y0 + y) / 2;
}

gboolean aupro_compute(const double *score, const int *region, int n, int regions, double limit, double *out,
                       GError **error)
{
    g_autofree Ranked *ranked = ranking_descending(score, n, error);
    g_autofree int *size =
        ranked ? wsi_try_alloc((size_t)regions + 1, sizeof(int), "sizes of regions", error) : NULL;
    if (!size) {
        return FALSE;
    }
    int present = 0, normal = 0;
    for (int i = 0; i < n; i++) {
        present += size[region[i]]++ == 0 && region[i] > 0;
    }
    double x = 0, y = 0, area = 0;
    long double overlap = 0; /* the sum over regions of the fraction found so far */
    for (int start = 0, end; start < n && x < limit; start = end) {
        end = ranking_run_end(ranked, start, n);
        for (int i = start; i < end; i++) {
            int k = region[ranked[i].item];
            normal += k == 0;
            overlap += k ? 1.0L / size[k] : 0;
        }
        double next_x = (double)normal / size[0], next_y = fmin((double)(overlap / present), 1);
        area += size[0] && present ? area_below(x, y, next_x, next_y, limit) : 0;
        x = size[0] ? next_x : 0;
        y = next_y;
    }
    *out = size[0] && present ? area / limit : NAN;
    return TRUE;
}

/* Measuring and checking collapse.
 *
 * The effective rank needs no eigenvalues: their sum is the trace, the sum of their squares is the squared Frobenius norm. */
#include "flows/training/collapse.h"
#include "flows/layers/orthonormal.h"
#include "base/error.h"
#include <cblas.h>
#include <math.h>

#define RANK_KEPT 0.8       /* of the start */
#define DEVIATION_LEAST 0.1 /* the pyramid's output starts with 1 */

Collapse collapse_none(void)
{
    Collapse none;
    for (int l = 0; l < SCALES; l++) {
        none.rank[l] = none.deviation[l] = none.singular[l] = NAN;
    }
    return none;
}

double collapse_effective_rank(int c, const double *covariance)
{
    double trace = 0, squares = 0;
    for (int i = 0; i < c; i++) {
        /* covariance (c, c), of which only the upper triangle is set. */
        double own = covariance[(int64_t)i * c + i];
        trace += own;
        squares += own * own;
        for (int j = i + 1; j < c; j++) {
            double v = covariance[(int64_t)i * c + j];
            squares += 2 * v * v; /* both triangles */
        }
    }
    /* (sum of eigenvalues)^2 / sum of their squares: c when all are equal, 1 when one is left. */
    return squares > 0 ? trace * trace / squares : squares; /* NAN stays NAN */
}

double collapse_smallest_deviation(int c, const double *covariance)
{
    double least = INFINITY;
    for (int i = 0; i < c; i++) {
        double own = covariance[(int64_t)i * c + i];
        /* A comparison with NaN is false, so NaN is passed on by itself. */
        least = own < least || isnan(own) ? own : least;
    }
    return sqrt(isnan(least) ? least : fmax(least, 0));
}

gboolean collapse_check(const Collapse *start, const Collapse *now, GError **error)
{
    for (int l = 0; l < SCALES; l++) {
        if (!(now->rank[l] >= RANK_KEPT * start->rank[l])) { /* also NAN */
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "the feature pyramid collapses: at scale %d the effective rank is %.3g, more than 20 "
                        "%% below the %.3g of the start; a lower fpn_rate or a fixed pyramid may help",
                        l + 1, now->rank[l], start->rank[l]);
            return FALSE;
        }
        if (!(now->deviation[l] >= DEVIATION_LEAST)) { /* also NAN */
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "the feature pyramid collapses: at scale %d the standard deviation of a channel is "
                "%.3g, less than 0.1; a smaller fpn_width, a lower fpn_rate or a fixed pyramid may help",
                l + 1, now->deviation[l]);
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- measuring ---- */

/* Sums of y and of y y^T over tiles and positions, in double. */
struct CollapseSums {
    Arena *arena;
    int channels[SCALES], pixels[SCALES];
    int64_t images;
    double *wide;                          /* one map in double */
    double *sum[SCALES], *product[SCALES]; /* (c), (c, c) */
};

CollapseSums *collapse_sums_new(const Msflow *flow, GError **error)
{
    CollapseSums *sums = g_new0(CollapseSums, 1);
    int64_t most = 0;
    sums->arena = arena_new();
    for (int l = 0; l < SCALES; l++) {
        int64_t c = sums->channels[l] = msflow_latent_channels(flow, l);
        sums->pixels[l] = msflow_latent_size(flow, l) * msflow_latent_size(flow, l);
        sums->sum[l] = arena_double(sums->arena, c, "moments of the flows' input");
        sums->product[l] = arena_double(sums->arena, c * c, "moments of the flows' input");
        most = MAX(most, c * sums->pixels[l]);
    }
    sums->wide = arena_double(sums->arena, most, "moments of the flows' input");
    if (!arena_check(sums->arena, error)) {
        g_clear_pointer(&sums, collapse_sums_free);
    }
    return sums;
}

void collapse_sums_free(CollapseSums *sums)
{
    if (sums) {
        arena_free(sums->arena);
        g_free(sums);
    }
}

void collapse_sums_add(CollapseSums *sums, int count, const real *const y[SCALES])
{
    for (int b = 0; b < count; b++) {
        for (int l = 0; l < SCALES; l++) {
            int c = sums->channels[l], rows = sums->pixels[l];
            const real *map = y[l] + (int64_t)b * rows * c;
            for (int64_t i = 0; i < (int64_t)rows * c; i++) {
                sums->wide[i] = (double)map[i];
                sums->sum[l][i % c] += sums->wide[i];
            }
            /* product += map^T map, upper triangle */
            cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, c, rows, 1, sums->wide, c, 1, sums->product[l],
                        c);
        }
    }
    sums->images += count;
}

Collapse collapse_sums_end(CollapseSums *sums, Msflow *flow)
{
    Collapse now = collapse_none();
    for (int l = 0; l < SCALES; l++) {
        int c = sums->channels[l];
        /* Every position of every tile is an observation. */
        double n = (double)sums->images * sums->pixels[l], *covariance = sums->product[l];
        const real *laterals = msflow_laterals(flow, l);
        for (int i = 0; i < c; i++) {
            for (int j = i; j < c; j++) {
                int64_t at = (int64_t)i * c + j;
                covariance[at] =
                    covariance[at] / n - sums->sum[l][i] / n * (sums->sum[l][j] / n); /* E xy - E x E y */
            }
        }
        now.rank[l] = collapse_effective_rank(c, covariance);
        now.deviation[l] = collapse_smallest_deviation(c, covariance);
        if (laterals) { /* 1 for rows that are orthonormal */
            now.singular[l] = orthonormal_smallest(c, msflow_spec(flow)->channels[l], laterals);
        }
    }
    return now;
}

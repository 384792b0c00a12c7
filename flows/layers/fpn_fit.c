/* Fitting the feature pyramid: statistics of the training normals and their principal directions.  Sums are in double and go
 * image by image in the given order, so the result does not depend on how the images were batched.
 *   Pass 0: means and second moments of the pooled features -> deviations, and eigenvectors of the correlation matrix.
 *   Pass 1: means and deviations of the levels after the top-down path.
 * An eigenvector has no sign of its own; the component of largest magnitude (the first of equals) is made positive. */
#include "flows/layers/fpn.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#define DEVIATION_FLOOR 1e-3

struct FpnFit {
    Fpn *fpn;
    int pass;
    int64_t images;
    Arena *arena;
    FpnRun run;
    real *pooled[SCALES];
    double *wide;                          /* pooled features or level, in double */
    double *sum[SCALES], *product[SCALES]; /* (c), (c, c); pass 1 uses the first row of product */
};

FpnFit *fpn_fit_new(Fpn *fpn, int pass, GError **error)
{
    FpnFit *fit = g_new0(FpnFit, 1);
    int64_t largest = 0;
    fit->fpn = fpn;
    fit->pass = pass;
    fit->arena = arena_new();
    /* A run of one image, for pass 1. */
    fpn_run_init(&fit->run, fpn, kernels_get(NULL), 1, FALSE, fit->arena);
    for (int l = 0; l < SCALES; l++) {
        int64_t c = fpn->channels[l], count = (int64_t)fpn->size[l] * fpn->size[l] * c;
        /* (size, size, c), (c), (c, c). */
        fit->pooled[l] = arena_real(fit->arena, count, "pooled features");
        fit->sum[l] = arena_double(fit->arena, c, "means of features");
        fit->product[l] = arena_double(fit->arena, c * c, "correlations of features");
        largest = MAX(largest, count);
    }
    fit->wide = arena_double(fit->arena, largest, "pooled features");
    if (!arena_check(fit->arena, error)) {
        g_clear_pointer(&fit, fpn_fit_free);
    }
    return fit;
}

void fpn_fit_free(FpnFit *fit)
{
    if (fit) {
        arena_free(fit->arena);
        g_free(fit);
    }
}

/* sum += x, product += x' x (pass 0, upper triangle) or x^2 (pass 1), over the pixels of one image x (size, size, c). */
static void add_moments(FpnFit *fit, int l, int c, const real *x)
{
    int rows = fit->fpn->size[l] * fit->fpn->size[l];
    double *sum = fit->sum[l], *square = fit->product[l];
    for (int64_t row = 0; row < rows; row++) {
        for (int j = 0; j < c; j++) {
            double v = (double)x[row * c + j];
            /* A sum of squares over many tiles needs more digits than float has. */
            fit->wide[row * c + j] = v;
            sum[j] += v;
        }
    }
    if (fit->pass == 0) {
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, c, rows, 1, fit->wide, c, 1, fit->product[l], c);
        return;
    }
    /* Pass 1 needs only the diagonal. */
    for (int64_t row = 0; row < rows; row++) {
        for (int j = 0; j < c; j++) {
            square[j] += fit->wide[row * c + j] * fit->wide[row * c + j];
        }
    }
}

real *const *fpn_fit_pooled(FpnFit *fit)
{
    return fit->pooled;
}

void fpn_fit_add(FpnFit *fit, const real *parameters, const real *const pooled[SCALES])
{
    Fpn *fpn = fit->fpn;
    gboolean first = fit->pass == 0;
    if (!first) { /* the levels with the laterals of pass 0 */
        fpn_forward(&fit->run, parameters, pooled);
    }
    for (int l = 0; l < SCALES; l++) {
        add_moments(fit, l, first ? fpn->channels[l] : fpn->width, first ? pooled[l] : fit->run.level[l]);
    }
    fit->images++;
}

/* sqrt(E x^2 - (E x)^2), at least DEVIATION_FLOOR. */
static double deviation_of(double mean_square, double mean)
{
    /* Rounding can make the variance of a constant slightly negative. */
    return fmax(sqrt(fmax(mean_square - mean * mean, 0)), DEVIATION_FLOOR);
}

/* matrix (c, c): from second moments to the correlation matrix (upper triangle) to its eigenvectors, as rows in the order of ascending
 * eigenvalues. */
static void principal_directions(int c, const double *mean, const double *deviation, double count,
                                 double *matrix)
{
    g_autofree double *values = g_new(double, c);
    for (int i = 0; i < c; i++) {
        for (int j = i; j < c; j++) {
            /* r_ij = (E x_i x_j - m_i m_j) / (d_i d_j). */
            size_t at = (size_t)i * c + j;
            matrix[at] = (matrix[at] / count - mean[i] * mean[j]) / (deviation[i] * deviation[j]);
        }
    }
    /* Our upper triangle by rows is LAPACK's lower one by columns, and its eigenvectors as columns are our rows. */
    if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', c, matrix, c, values) != 0) {
        memset(matrix, 0, (size_t)c * c * sizeof *matrix); /* training reports a model that gives NaN */
        matrix[0] = NAN;
    }
}

/* Writes an eigenvector (c) with its sign fixed. */
static void store_direction(int c, const double *direction, real *out)
{
    /* The component of largest magnitude, the first of equals. */
    int largest = 0;
    for (int j = 1; j < c; j++) {
        largest = fabs(direction[j]) > fabs(direction[largest]) ? j : largest;
    }
    for (int j = 0; j < c; j++) {
        out[j] = (real)(direction[largest] < 0 ? -direction[j] : direction[j]);
    }
}

/* End of pass 0 for one level: means, deviations, laterals. */
static void fit_level(FpnFit *fit, int l, real *parameters)
{
    Fpn *fpn = fit->fpn;
    int c = fpn->channels[l];
    double count = (double)fit->images * fpn->size[l] * fpn->size[l];
    g_autofree double *deviation = g_new(double, c);
    for (int j = 0; j < c; j++) {
        fit->sum[l][j] /= count;
        deviation[j] = deviation_of(fit->product[l][(size_t)j * c + j] / count, fit->sum[l][j]);
        parameters[fpn->mean[l] + j] = (real)fit->sum[l][j];
        parameters[fpn->deviation[l] + j] = (real)deviation[j];
    }
    principal_directions(c, fit->sum[l], deviation, count, fit->product[l]);
    /* The largest eigenvalues come last. */
    for (int i = 0; i < fpn->width; i++) {
        store_direction(c, fit->product[l] + (size_t)(c - 1 - i) * c,
                        parameters + fpn->lateral[l] + (int64_t)i * c);
    }
}

/* End of pass 1 for one level: means and deviations of its output. */
static void fit_output(FpnFit *fit, int l, real *parameters)
{
    Fpn *fpn = fit->fpn;
    double count = (double)fit->images * fpn->size[l] * fpn->size[l];
    for (int j = 0; j < fpn->width; j++) {
        double mean = fit->sum[l][j] / count;
        parameters[fpn->out_mean[l] + j] = (real)mean;
        parameters[fpn->out_deviation[l] + j] = (real)deviation_of(fit->product[l][j] / count, mean);
    }
}

gboolean fpn_fit_pass_end(FpnFit *fit, real *parameters)
{
    for (int l = 0; l < SCALES && fit->images; l++) {
        size_t c = (size_t)fit->fpn->channels[l];
        (fit->pass == 0 ? fit_level : fit_output)(fit, l, parameters);
        /* Ready for the next pass. */
        memset(fit->sum[l], 0, c * sizeof(double));
        memset(fit->product[l], 0, c * c * sizeof(double));
    }
    fit->images = 0;
    fpn_refresh(fit->fpn, parameters);
    return fit->pass++ == 0;
}

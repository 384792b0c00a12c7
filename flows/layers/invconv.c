/* ActNorm and the 1x1 convolution are one matrix, so forward is one pass over the pixels.  The gradients of all parameters follow
 * from dM = sum dy x^T (c, c) and dc = sum dy (c), without another pass:
 *   G = sum dy n^T = (dM + dc b^T) diag(exp a)
 *   da_j = sum_k W_kj G_kj + H W sum dL/dld,    db = exp(a) (W^T dc)
 *   A = P^T G,  dL = strictly lower (A Us^T),  dUs = L^T A,  dU = strictly upper (dUs),
 *   dq_i = (dUs)_ii sign_i exp q_i + H W sum dL/dld,    with Us = U + diag(sign exp q);   dx = M^T dy.
 * L and U share one (c, c) array, as LAPACK's getrf packs them, so every number in it is a parameter. */
#include "flows/layers/invconv.h"
#include "base/rng.h"
#include "flows/kernels/vecmath.h"
#include <cblas.h>
#include <lapacke.h>
#include <string.h>

#define LOG_SCALE_LIMIT 9
#define DIAGONAL_LIMIT 6
#define DEVIATION_FLOOR 1e-3

#ifdef REAL_IS_DOUBLE
#define blas_trmm cblas_dtrmm
#define blas_trsm cblas_dtrsm
#else
#define blas_trmm cblas_strmm
#define blas_trsm cblas_strsm
#endif

void invconv_init(Invconv *layer, int channels, int h, int w, Arena *arena)
{
    int64_t square = (int64_t)channels * channels;
    *layer = (Invconv){.c = channels, .h = h, .w = w};
    layer->source = arena_int(arena, channels, "permutation");
    layer->scale = arena_double(arena, channels, "1x1 convolution");
    layer->triangles = arena_real(arena, square, "1x1 convolution");
    layer->mix = arena_real(arena, square, "1x1 convolution");
    layer->map = arena_real(arena, square, "1x1 convolution");
    layer->shift = arena_real(arena, channels, "1x1 convolution");
}

void invconv_layout(Invconv *layer, ParameterLayout *layout, const char *prefix)
{
    int64_t shape[4] = {layer->c};
    layer->bias = parameter_layout_add(layout, TRUE, prefix, "actnorm.bias", shape, 0, 0);
    layer->log_scale = parameter_layout_add(layout, TRUE, prefix, "actnorm.log_scale", shape, 0, 0);
    layer->lu =
        parameter_layout_add(layout, TRUE, prefix, "invconv.lu", (int64_t[4]){layer->c, layer->c}, 0, 0);
    layer->permutation = parameter_layout_add(layout, FALSE, prefix, "invconv.permutation", shape, 0, 0);
    layer->sign = parameter_layout_add(layout, FALSE, prefix, "invconv.sign", shape, 1, 1);
}

/* An orthogonal matrix (c, c): Q of the QR factors of a matrix of normal random numbers.  Multiplied by the signs of R's diagonal it
 * would be uniform (Haar measure), but the signs of columns do not matter here. */
static double *random_orthogonal(int c, uint64_t seed, const char *prefix)
{
    g_autofree char *name = g_strdup_printf("%s.invconv", prefix);
    g_autofree double *tau = g_new(double, c);
    double *q = g_new(double, (size_t)c *c);
    Rng rng = rng_at(seed, rng_name(name), 0);
    /* Drawn in row-major order, so the matrix is the same for the same name and seed. */
    for (size_t i = 0; i < (size_t)c * c; i++) {
        q[i] = rng_normal(&rng);
    }
    /* Householder vectors and tau, then Q from them. */
    LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, c, c, q, c, tau);
    LAPACKE_dorgqr(LAPACK_ROW_MAJOR, c, c, c, q, c, tau);
    return q;
}

void invconv_initialise(Invconv *layer, uint64_t seed, const char *prefix, real *parameters)
{
    int c = layer->c;
    g_autofree double *q = random_orthogonal(c, seed, prefix);
    g_autofree lapack_int *pivot = g_new(lapack_int, c);
    g_autofree int *row_of = g_new(int, c);
    /* W = P L U; L has ones on its diagonal, which are not stored. */
    LAPACKE_dgetrf(LAPACK_ROW_MAJOR, c, c, q, c, pivot);
    for (int i = 0; i < c; i++) {
        row_of[i] = i;
    }
    /* getrf's exchanges of rows as a permutation: row i of L U is row row_of[i] of W. */
    for (int i = 0; i < c; i++) {
        int other = pivot[i] - 1, keep = row_of[i];
        row_of[i] = row_of[other];
        row_of[other] = keep;
    }
    for (int i = 0; i < c; i++) {
        double diagonal = q[(size_t)i * c + i];
        parameters[layer->permutation + row_of[i]] = (real)i;
        parameters[layer->sign + i] = diagonal < 0 ? -1 : 1;
        for (int j = 0; j < c; j++) {
            /* The diagonal is stored as log magnitude q, and its sign apart. */
            double v = i == j ? log(fmax(fabs(diagonal), exp(-DIAGONAL_LIMIT))) : q[(size_t)i * c + j];
            parameters[layer->lu + (int64_t)i * c + j] = (real)v;
        }
    }
}

void invconv_fit(Invconv *layer, int64_t rows, const real *x, real *parameters)
{
    int c = layer->c;
    g_autofree double *mean = g_new0(double, c), *variance = g_new0(double, c);
    /* Two passes in double: mean, then E (x - mean)^2. */
    for (int64_t row = 0; row < rows; row++) {
        for (int j = 0; j < c; j++) {
            mean[j] += (double)x[row * c + j];
        }
    }
    for (int j = 0; j < c; j++) {
        mean[j] /= (double)rows;
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int j = 0; j < c; j++) {
            double d = (double)x[row * c + j] - mean[j];
            variance[j] += d * d;
        }
    }
    /* (x + b) exp(a) with b = -mean, a = -ln deviation. */
    for (int j = 0; j < c; j++) {
        double deviation = sqrt(variance[j] / (double)rows);
        parameters[layer->bias + j] = (real)-mean[j];
        parameters[layer->log_scale + j] = (real)-log(fmax(deviation, DEVIATION_FLOOR));
    }
}

/* Limits `count` numbers, `stride` apart, to +-limit. */
static void clamp_row(real *x, int stride, int count, real limit)
{
    for (int i = 0; i < count; i++, x += stride) {
        *x = *x < -limit ? -limit : *x > limit ? limit : *x;
    }
}

/* layer->mix: W = P (L Us), from the triangles.  product (c, c): scratch. */
static void rebuild_mix(Invconv *layer, real *product)
{
    int c = layer->c;
    /* product = Us, then L Us; W takes its rows in the order of the permutation. */
    for (int i = 0; i < c; i++) {
        memset(product + (size_t)i * c, 0, i * sizeof *product);
        memcpy(product + (size_t)i * c + i, layer->triangles + (size_t)i * c + i, (c - i) * sizeof *product);
    }
    blas_trmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasUnit, c, c, 1, layer->triangles, c,
              product, c);
    for (int i = 0; i < c; i++) {
        memcpy(layer->mix + (size_t)i * c, product + (size_t)layer->source[i] * c, c * sizeof *product);
    }
}

void invconv_refresh(Invconv *layer, real *parameters)
{
    int c = layer->c;
    real *lu = parameters + layer->lu, *a = parameters + layer->log_scale, *b = parameters + layer->bias;
    /* The diagonal of lu is q: every c + 1 numbers. */
    clamp_row(a, 1, c, LOG_SCALE_LIMIT);
    clamp_row(lu, c + 1, c, DIAGONAL_LIMIT);
    memcpy(layer->triangles, lu, (size_t)c * c * sizeof *lu);
    layer->logdet = 0;
    for (int i = 0; i < c; i++) {
        real q = lu[(size_t)i * c + i];
        layer->triangles[(size_t)i * c + i] = parameters[layer->sign + i] * (real)exp((double)q);
        /* ln |det M| = sum q + sum a: L and P have determinant +-1. */
        layer->logdet += (double)q + (double)a[i];
        layer->scale[i] = exp((double)a[i]);
        layer->source[i] = (int)parameters[layer->permutation + i];
    }
    rebuild_mix(layer, layer->map); /* map is scratch here */
    /* M = W diag(exp a), c = M b. */
    for (int i = 0; i < c; i++) {
        double shift = 0;
        for (int j = 0; j < c; j++) {
            size_t at = (size_t)i * c + j;
            double m = (double)layer->mix[at] * layer->scale[j];
            layer->map[at] = (real)m;
            shift += m * (double)b[j];
        }
        layer->shift[i] = (real)shift;
    }
}

void invconv_run_init(InvconvRun *run, const Invconv *layer, const Kernels *kernels, int n, gboolean training,
                      const InvconvRun *share, Arena *arena)
{
    ConvSpec spec = {.n = n,
                     .h = layer->h,
                     .w = layer->w,
                     .c_in = layer->c,
                     .c_out = layer->c,
                     .kernel = 1,
                     .stride = 1,
                     .training = training};
    int64_t square = (int64_t)layer->c * layer->c;
    *run = (InvconvRun){.layer = layer, .kernels = kernels, .training = training, .n = n};
    /* The 1x1 convolution with weight M and bias c. */
    run->conv = arena_conv(arena, kernels, &spec, layer->map, layer->shift);
    run->row = share ? share->row : arena_real(arena, layer->c, "a pixel");
    if (training) {
        /* dM (c, c), scratch (c, c), da and db (2, c), dc (c): used up within a step, so all steps share them. */
        run->dmap = share ? share->dmap : arena_real(arena, square, "gradient of a 1x1 convolution");
        run->work = share ? share->work : arena_real(arena, square, "gradient of a 1x1 convolution");
        run->dnorm = share ? share->dnorm
                           : arena_double(arena, 2 * (int64_t)layer->c, "gradient of a 1x1 convolution");
        run->dshift = share ? share->dshift : arena_real(arena, layer->c, "gradient of a 1x1 convolution");
    }
}

void invconv_forward(InvconvRun *run, const real *x, real *y, double *logdet)
{
    const Invconv *layer = run->layer;
    run->kernels->conv_forward(run->conv, x, run->training ? layer->map : NULL,
                               run->training ? layer->shift : NULL, NULL, y);
    /* Every pixel has the same Jacobian M, so ld += H W ln |det M|. */
    for (int b = 0; b < run->n; b++) {
        logdet[b] += layer->logdet * layer->h * layer->w;
    }
}

/* dmap (c, c): from dM to G.  Adds the gradients of a and b.  to_log: H W sum dL/dld. */
static void actnorm_backward(InvconvRun *run, const real *parameters, double to_log, real *gradient)
{
    const Invconv *layer = run->layer;
    int c = layer->c;
    const real *b = parameters + layer->bias;
    double *da = run->dnorm, *db = run->dnorm + c;
    memset(run->dnorm, 0, 2 * c * sizeof *run->dnorm);
    /* G_kj = (dM_kj + dc_k b_j) exp(a_j);  da_j = sum_k W_kj G_kj;  (W^T dc)_j = sum_k W_kj dc_k. */
    for (int k = 0; k < c; k++) {
        double dshift = (double)run->dshift[k];
        for (int j = 0; j < c; j++) {
            size_t at = (size_t)k * c + j;
            double w = (double)layer->mix[at],
                   g = ((double)run->dmap[at] + dshift * (double)b[j]) * layer->scale[j];
            run->dmap[at] = (real)g;
            da[j] += w * g;
            db[j] += w * dshift;
        }
    }
    for (int j = 0; j < c; j++) {
        gradient[layer->log_scale + j] += (real)(da[j] + to_log);
        gradient[layer->bias + j] += (real)(db[j] * layer->scale[j]);
    }
}

/* Adds the gradients of L, U and q, from G in dmap, which is overwritten. */
static void triangles_backward(InvconvRun *run, double to_log, real *gradient)
{
    const Invconv *layer = run->layer;
    int c = layer->c;
    real *A = run->work, *lower = run->dmap, *d = gradient + layer->lu;
    /* A = P^T G; lower = A Us^T; then A becomes L^T A. */
    for (int i = 0; i < c; i++) {
        memcpy(A + (size_t)layer->source[i] * c, run->dmap + (size_t)i * c, c * sizeof *A);
    }
    memcpy(lower, A, (size_t)c * c * sizeof *A);
    blas_trmm(CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, c, c, 1, layer->triangles, c,
              lower, c);
    blas_trmm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasUnit, c, c, 1, layer->triangles, c, A,
              c);
    /* dL below the diagonal, dq on it, dU above it. */
    for (int i = 0; i < c; i++) {
        size_t row = (size_t)i * c;
        for (int j = 0; j < i; j++) {
            d[row + j] += lower[row + j];
        }
        d[row + i] += A[row + i] * layer->triangles[row + i] + (real)to_log;
        for (int j = i + 1; j < c; j++) {
            d[row + j] += A[row + j];
        }
    }
}

void invconv_backward(InvconvRun *run, const real *parameters, const real *x, const double *dlogdet,
                      const real *dy, real *dx, real *gradient)
{
    const Invconv *layer = run->layer;
    /* db_j = exp(a_j) (W^T dc)_j needs no log-determinant; da and dq do. */
    double to_log = 0; /* the log-determinant of an image is H W (sum a + sum q) */
    for (int b = 0; b < run->n; b++) {
        to_log += dlogdet[b] * layer->h * layer->w;
    }
    memset(run->dmap, 0, (size_t)layer->c * layer->c * sizeof *run->dmap);
    memset(run->dshift, 0, layer->c * sizeof *run->dshift);
    /* dM (c, c) = sum dy x^T, dc (c) = sum dy, dx = M^T dy. */
    run->kernels->conv_backward_weights(run->conv, x, dy, run->dmap, run->dshift);
    run->kernels->conv_backward_data(run->conv, dy, layer->map, dx);
    actnorm_backward(run, parameters, to_log, gradient);
    triangles_backward(run, to_log, gradient);
}

void invconv_inverse(InvconvRun *run, const real *parameters, real *y)
{
    const Invconv *layer = run->layer;
    int c = layer->c;
    int64_t rows = (int64_t)run->n * layer->h * layer->w;
    const real *a = parameters + layer->log_scale, *b = parameters + layer->bias;
    /* Pixels are row vectors: y = n Us^T L^T P^T.  Undo P, then L, then Us, then ActNorm. */
    for (int64_t p = 0; p < rows; p++) {
        memcpy(run->row, y + p * c, c * sizeof *y);
        for (int i = 0; i < c; i++) {
            y[p * c + layer->source[i]] = run->row[i];
        }
    }
    blas_trsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasUnit, (int)rows, c, 1, layer->triangles,
              c, y, c);
    blas_trsm(CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, (int)rows, c, 1,
              layer->triangles, c, y, c);
    /* x = n exp(-a) - b. */
    for (int64_t p = 0; p < rows; p++) {
        for (int i = 0; i < c; i++) {
            y[p * c + i] = y[p * c + i] * (real)exp(-(double)a[i]) - b[i];
        }
    }
}

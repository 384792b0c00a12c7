/* ActNorm followed by an invertible 1x1 convolution in LU form (Kingma & Dhariwal, "Glow", NeurIPS 2018).  Together they are one
 * affine map of the channels of each pixel:
 *   n = (x + b) exp(a),  y = W n,  W = P L (U + diag(sign exp q))   =>   y = M x + c,  M = W diag(exp a),  c = W (b exp a)
 *   ld = H W (sum a + sum q)
 * P (a permutation) and the signs are fixed; L is unit lower triangular, U strictly upper triangular. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/layers/parameter_layout.h"

typedef struct {
    int c, h, w;
    /* offsets.  lu (c, c): L below the diagonal, q on it, U above it. */
    int64_t bias, log_scale, lu, permutation, sign;
    /* derived */
    int *source;       /* (c): row i of W is row source[i] of L (U + ..) */
    double *scale;     /* (c): exp a */
    real *triangles;   /* (c, c): as lu, with sign exp q on the diagonal */
    real *mix;         /* (c, c): W */
    real *map, *shift; /* (c, c), (c): M, c */
    double logdet;     /* of one pixel */
} Invconv;

typedef struct {
    const Invconv *layer;
    const Kernels *kernels;
    gboolean training;
    int n;
    Conv *conv;
    real *row; /* (c) */
    /* training */
    real *dmap, *dshift, *work; /* (c, c), (c), (c, c) */
    double *dnorm;              /* (2, c): of a and of b */
} InvconvRun;

void invconv_init(Invconv *layer, int channels, int h, int w, Arena *arena);
void invconv_layout(Invconv *layer, ParameterLayout *layout, const char *prefix);
/* Initial values of P, L, U, q and signs: the LU factors of a random orthogonal matrix. */
void invconv_initialise(Invconv *layer, uint64_t seed, const char *prefix, real *parameters);
/* Sets ActNorm from data x (rows, c), so that n has mean 0 and population deviation 1.  Deviations below 1e-3 count as 1e-3. */
void invconv_fit(Invconv *layer, int64_t rows, const real *x, real *parameters);
/* Clamps a to [-9, 9] and q to [-6, 6], then rebuilds M and c. */
void invconv_refresh(Invconv *layer, real *parameters);

void invconv_run_init(InvconvRun *run, const Invconv *layer, const Kernels *kernels, int n, gboolean training,
                      const InvconvRun *share, Arena *arena);
/* x (n, h, w, c) -> y, another buffer.  logdet[b] +=. */
void invconv_forward(InvconvRun *run, const real *x, real *y, double *logdet);
/* dy (n, h, w, c) -> dx, another buffer.  dlogdet[b]: dL/d(logdet of image b).  Adds to the gradient. */
void invconv_backward(InvconvRun *run, const real *parameters, const real *x, const double *dlogdet,
                      const real *dy, real *dx, real *gradient);
/* y (n, h, w, c) becomes x in place, by two triangular solves. */
void invconv_inverse(InvconvRun *run, const real *parameters, real *y);

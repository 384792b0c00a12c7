/* The structs of the fusion flow, which fusion.h and its subnets in fusion_net.h share: what it is, and the memory of a run. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/layers/parameter_layout.h"
#include "flows/layers/scales.h"
#include "flows/layers/softclamp.h"

typedef struct {
    int in[SCALES], out[SCALES], total, mid; /* channels; total: T, mid: T/4 */
    int64_t conv1_weight, conv1_bias, norm_weight, norm_bias, conv2_weight, conv2_bias;
    int64_t head_weight[SCALES], head_bias[SCALES]; /* S_l, then T_l: one convolution */
} FusionNet;

typedef struct {
    int channels[SCALES], h[SCALES], w[SCALES];
    FusionNet net[2]; /* Net1 (in: a, out: b) and Net2 (in: b, out: a) */
    SoftClamp clamp;
    int64_t permutation[SCALES];
    int *source[SCALES]; /* derived: channel k of [a | b] is input channel source[k] */
} Fusion;

typedef struct {
    Conv *conv1, *conv2, *head[SCALES];
    /* At the smallest size: (n, h, w, total), (n, h, w, mid), (n h w), (n, h, w, mid), (n, h, w, total). */
    real *pooled, *hidden, *rstd, *act, *merged;
    real *sum[SCALES], *st[SCALES]; /* (n, h, w, in): x_l + its upsampled slice; (n, h, w, 2 out): [S | T] */
} FusionNetRun;

typedef struct {
    const Fusion *fusion;
    const Kernels *kernels;
    gboolean training;
    int n;
    FusionNetRun net[2];
    real *a[SCALES], *b[SCALES], *a2[SCALES], *b2[SCALES]; /* the halves before and after the coupling */
    real *z[SCALES];                                       /* (n, h, w, channels) */
    real *local
        [SCALES]; /* (n, h, w), borrowed, or NULL: forward adds each pixel's part of the log-determinant */
    /* training: gradients of the above */
    real *da[SCALES], *db[SCALES], *dst[SCALES], *dsum[SCALES], *dmerged, *dact, *dpooled;
    double *dnorm;
} FusionRun;

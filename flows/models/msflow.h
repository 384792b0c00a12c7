/* MSFlow over the three feature maps of an extractor (Zhou et al., "MSFlow: Multi-Scale Flow-based Framework for Unsupervised
 * Anomaly Detection", 2024):
 *   average pool -> standardise -> fixed feature pyramid (or none) -> a flow for each scale -> fusion flow.
 * Steps are "glow" (ActNorm, invertible 1x1 convolution in LU form, affine coupling with squeeze-and-excitation in its network)
 * or "aio" (FrEIA's AllInOneBlock, as in stock MSFlow).
 *
 * Maps are (batch, side, side, channels), l counts scales from the finest.  Parameters, gradients and Adam's moments are flat
 * arrays of one layout (msflow_layout); each layer knows its offsets.
 * Threading: many threads may read the parameters of an Msflow; each has its own MsflowRun, which owns its buffers. */
#pragma once
#include "flows/extractors/extractor.h"
#include "flows/layers/parameter_layout.h"
#include "flows/layers/step_spec.h"

/* The feature pyramid before the flows. */
typedef enum {
    FPN_NONE,
    FPN_FIXED,      /* from statistics of training normals */
    FPN_ORTHOGONAL, /* the laterals start as those of FIXED and are trained by the likelihood, as isometries */
    FPN_TWO_PHASE /* the laterals are trained before the flows, by a classifier (flows/training/fit_pyramid.c) */
} FpnKind;

/* NORMALISE_TILE: the standardised features of each tile and scale are divided by their root mean square (without those that were
 * constant among the training normals) before the FPN, so that
 * the flow sees which texture there is and not how much of it: normal tissue differs more in contrast and cell density than in
 * kind. */
typedef enum { NORMALISE_NONE, NORMALISE_TILE } NormaliseKind;

typedef struct {
    int channels[SCALES]; /* of the extractor */
    int size[SCALES];     /* height = width of the extractor's maps: tile / 4, / 8, / 16 */
    int blocks[SCALES];   /* flow steps of each scale: 2, 5, 8 */
    StepKind step;
    FpnKind fpn;
    NormaliseKind normalise; /* no effect with FPN_NONE: it needs the pyramid's statistics */
    int fpn_width; /* channels of each level of the pyramid, <= the smallest of channels[]; 0 = a multiple of 32, at most 128 */
    gboolean se;        /* squeeze-and-excitation in the coupling networks */
    int condition;      /* channels of the positional code: 64 */
    gboolean clamp_new; /* AIO: alpha tanh(r/alpha) instead of alpha tanh(r) */
    double alpha;       /* 1.9 */
    uint64_t seed;      /* initial weights, permutations, 1x1 matrices */
} MsflowSpec;

typedef struct Msflow Msflow;
typedef struct MsflowRun MsflowRun;

/* A flow with initial parameters that follow from the seed.  NULL with WSI_ERROR_INPUT for a specification out of its limits. */
Msflow *msflow_new(const MsflowSpec *spec, GError **error);
void msflow_free(Msflow *flow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Msflow, msflow_free)
const MsflowSpec *msflow_spec(const Msflow *flow);

/* ---- flat parameters ---- */
const Parameter *msflow_layout(const Msflow *flow, int *count);
/* All of them, trainable ones first: [0, trainable) are touched by the optimiser. */
real *msflow_parameters(Msflow *flow, int64_t *trainable, int64_t *all);
/* The offset from which on the trainable parameters belong to what is before the flows (FPN_ORTHOGONAL: the laterals); the number
 * of trainable parameters when nothing is. */
int64_t msflow_before_flows(const Msflow *flow);
/* Makes the rows of the laterals orthonormal again: after a step of the optimiser, before msflow_refresh.  It is not part of
 * msflow_refresh, which must not change parameters that come from a file. */
void msflow_constrain(Msflow *flow);
/* Clamps what must stay bounded (ActNorm logs, LU diagonals) and rebuilds what is derived from the parameters (1x1 matrices, maps
 * of the positional code).  Must be called after any change of the parameters, while no run computes.  Runs without training have
 * packed the earlier weights: replace them. */
void msflow_refresh(Msflow *flow);
/* The same in parts 0 .. msflow_refresh_parts - 1, which different threads may do. */
int msflow_refresh_parts(const Msflow *flow);
void msflow_refresh_part(Msflow *flow, int part);
/* Checks parameters that come from a file, before msflow_refresh.  FALSE with WSI_ERROR_INPUT naming a tensor whose values are not
 * a permutation, signs of 1 and -1, or deviations above 0. */
gboolean msflow_check(const Msflow *flow, GError **error);

/* Releases the memory of the convolutions' weights, when all runs exist: these have packed theirs.  From then on the flow can only
 * run: msflow_run_new is an error, msflow_refresh and msflow_parameters must not be called. */
void msflow_release(Msflow *flow);
gboolean msflow_released(const Msflow *flow);

/* ---- fitting what is not trained by gradient ---- */
/* Statistics of the pooled features of the training normals, and the fixed pyramid from them (laterals by PCA).
 * Between begin and each msflow_fit_pass_end, add all batches.  maps: as extractor_run gives them.  Training keeps
 * pooled maps only; tests add maps as well. */
gboolean msflow_fit_begin(Msflow *flow, GError **error);
void msflow_fit_add(Msflow *flow, int batch, const real *const maps[SCALES]);
/* The same for pooled maps, (batch, latent size, latent size, channels of the extractor). */
void msflow_fit_add_pooled(Msflow *flow, int batch, const real *const pooled[SCALES]);
/* Ends a pass over the batches: pass 0 gives means, deviations and laterals, pass 1 the standardisation of the pyramid's output.
 * Returns TRUE while another pass is needed. */
gboolean msflow_fit_pass_end(Msflow *flow);
/* As msflow_fit_begin, for one pass that keeps the laterals and standardises the pyramid's output again. */
gboolean msflow_restandardise_begin(Msflow *flow, GError **error);
/* Data-dependent initialisation of ActNorm, layer by layer, by one batch of pooled maps (use 16 tiles or more). */
gboolean msflow_init_actnorm(Msflow *flow, const Kernels *kernels, int batch, const real *const maps[SCALES],
                             GError **error);

/* Features of a scale that hardly vary over the training normals (deviation at the floor of 1e-3): ascending indices, borrowed.
 * Known after the fit of a pyramid; otherwise none. */
const int *msflow_constant_channels(const Msflow *flow, int scale, int *count);
/* How many channels of the pyramid hardly vary over the training normals at this scale: noise in them changes the likelihood.
 * 0 with FPN_NONE. */
int msflow_flat_channels(const Msflow *flow, int scale);

/* ---- running ---- */

/* Buffers for batches of `batch` tiles.  training: the run can also go backward, and follows changes of the parameters.  NULL with
 * error. */
MsflowRun *msflow_run_new(const Msflow *flow, const Kernels *kernels, int batch, gboolean training,
                          GError **error);
void msflow_run_free(MsflowRun *run);
/* Side of the latent maps of a scale (pooled) and their channels. */
int msflow_latent_size(const Msflow *flow, int scale);
int msflow_latent_channels(const Msflow *flow, int scale);
int64_t msflow_dimensions(const Msflow *flow); /* D of one tile, all scales */
/* maps (extractor's, NHWC) -> z[scale] (borrowed, batch x side x side x channels), logdet[batch]. */
void msflow_forward(MsflowRun *run, const real *const maps[SCALES], const real *z[SCALES], double *logdet);
/* The same for pooled maps (avgpool_forward), which must stay unchanged until msflow_backward. */
void msflow_forward_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *z[SCALES],
                           double *logdet);
/* The first part of msflow_forward_pooled: from pooled maps to the input of the flows, y[scale] borrowed. */
void msflow_input_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *y[SCALES]);
/* Its derivative, after it or msflow_forward, of a run with training.  dy[scale]: dL/dy; adds dL/d(lateral) to dlateral[scale],
 * (fpn_width, channels of the extractor).  Not for FPN_NONE. */
void msflow_input_backward(MsflowRun *run, const real *const dy[SCALES], real *const dlateral[SCALES]);
/* The last part: from the input of the flows to z.  y[scale] must not be a buffer of this run. */
void msflow_forward_input(MsflowRun *run, const real *const y[SCALES], const real *z[SCALES], double *logdet);
/* The laterals of a scale (fpn_width, channels of the extractor), row by row; NULL with FPN_NONE. */
real *msflow_laterals(Msflow *flow, int scale);
/* Deviations of the pooled features of a scale over the training normals (1 until it is fitted); not for FPN_NONE. */
const real *msflow_feature_deviation(const Msflow *flow, int scale);
/* After a forward pass of a run with training: how strongly the steps of the scale's own flow scaled each channel of z[scale]
 * depending on other channels, as the sum over the steps of mean |log-scale|.  0 = never.  The fusion flow, which scales all
 * channels, does not count.  activity: (channels of the scale). */
void msflow_activity(const MsflowRun *run, int scale, double *activity);
/* The part of the last forward pass's log-determinant that each position contributes, (batch, side, side), without the parts that
 * are equal for all positions (channel scales, 1x1 matrices).  A coupling scales each position by itself, so the parts add up. */
void msflow_local_logdet(const MsflowRun *run, const real *local[SCALES]);
/* dz: dL/dz; dlogdet[b]: dL/d(logdet of tile b).  Adds dL/d(parameters) to gradient (trainable).  After msflow_forward of the same
 * run, with training. */
void msflow_backward(MsflowRun *run, const real *const dz[SCALES], const double *dlogdet, real *gradient);
/* The exact inverse, from z to the input of the flows: y[scale] borrowed. */
void msflow_inverse(MsflowRun *run, const real *const z[SCALES], const real *y[SCALES]);
/* The input of the flows in the last forward pass, to compare with the inverse. */
void msflow_flow_input(const MsflowRun *run, const real *y[SCALES]);

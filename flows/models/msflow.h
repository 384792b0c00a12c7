/* MSFlow over three pooled feature maps (models.md A-C): average pool -> standardise -> fixed FPN (or none) ->
 * parallel flows -> fusion flow.  Steps are "glow" (ActNorm, invertible 1x1 in LU form, affine coupling with SE in the
 * subnet) or "aio" (FrEIA's AllInOneBlock, stock MSFlow).
 *
 * Parameters, gradients and Adam moments are flat arrays of one layout (msflow_layout); a layer knows its offset.
 * Threading: an Msflow's parameters may be read by many threads; each thread has its own MsflowRun (buffers). */
#pragma once
#include "flows/extractors/extractor.h"
#include "flows/layers/parameter_layout.h"
#include "flows/layers/step_spec.h"

/* models.md C.5.  ORTHOGONAL: the laterals start at those of FIXED and are trained by the likelihood, as isometries.  TWO_PHASE: they
 * are trained before the flows, by a classifier (flows/training/fit_pyramid.c), and fixed from then on. */
typedef enum { FPN_NONE, FPN_FIXED, FPN_ORTHOGONAL, FPN_TWO_PHASE } FpnKind;

/* NORMALISE_TILE: the standardised features of each tile and scale are divided by their root mean square (without those that were
 * constant among the training normals) before the FPN, so that
 * the flow sees which texture there is and not how much of it: normal tissue differs more in contrast and cell density than in
 * kind. */
typedef enum { NORMALISE_NONE, NORMALISE_TILE } NormaliseKind;

typedef struct {
    int channels[SCALES]; /* of the extractor */
    int size[SCALES];     /* height = width of the extractor's maps: tile / 4, / 8, / 16 */
    int blocks[SCALES];   /* 2, 5, 8 */
    StepKind step;
    FpnKind fpn;
    NormaliseKind normalise; /* without effect when there is no FPN, whose statistics it needs */
    int fpn_width; /* channels of each level after a fixed FPN; <= the smallest of channels[]; 0 = a multiple of 32, at most 128 */
    gboolean se;   /* squeeze-excitation in the coupling subnets */
    int condition; /* channels of the positional code: 64 */
    gboolean clamp_new; /* AIO: alpha tanh(r/alpha) instead of alpha tanh(r) */
    double alpha;       /* 1.9 */
    uint64_t seed;      /* initial weights, permutations, 1x1 matrices */
} MsflowSpec;

typedef struct Msflow Msflow;
typedef struct MsflowRun MsflowRun;

Msflow *msflow_new(const MsflowSpec *spec, GError **error);
void msflow_free(Msflow *flow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Msflow, msflow_free)
const MsflowSpec *msflow_spec(const Msflow *flow);

/* ---- flat parameters ---- */
const Parameter *msflow_layout(const Msflow *flow, int *count);
/* All of them, trainable ones first: [0, trainable) are touched by the optimiser. */
real *msflow_parameters(Msflow *flow, int64_t *trainable, int64_t *all);
/* The first trainable parameter of what lies before the flows (FPN_ORTHOGONAL: the laterals, up to the end); the number of
 * trainable ones where there is none. */
int64_t msflow_before_flows(const Msflow *flow);
/* After a step of the optimiser, before msflow_refresh: the laterals' rows are made orthonormal again.  Not part of msflow_refresh, as
 * that would change parameters that were only read from a file. */
void msflow_constrain(Msflow *flow);
/* Clamps what must stay bounded (ActNorm logs, LU diagonals) after an update, and rebuilds what is derived
 * from the parameters (1x1 matrices, maps of the positional code). Must be called after any change of the parameters, while no run
 * computes.  Runs made without training packed their weights when they were made: make them anew. */
void msflow_refresh(Msflow *flow);
/* The same in parts, 0 .. msflow_refresh_parts - 1, each once, by as many threads as there are. */
int msflow_refresh_parts(const Msflow *flow);
void msflow_refresh_part(Msflow *flow, int part);
/* Of parameters that came from a file, before msflow_refresh: FALSE with WSI_ERROR_INPUT naming the tensor when a permutation is none
 * (its numbers are indices), a sign is not 1 or -1, or a deviation not above 0. */
gboolean msflow_check(const Msflow *flow, GError **error);

/* Gives the memory of the convolutions' weights back to the system, once all runs that will ever be needed exist: they have packed
 * theirs.  From then on the flow can run, and nothing else: msflow_run_new is an error, msflow_refresh and msflow_parameters
 * must not be called. */
void msflow_release(Msflow *flow);
gboolean msflow_released(const Msflow *flow);

/* ---- fitting what is not trained by gradient ---- */
/* Statistics of the pooled features of the training normals, and the fixed FPN from them (PCA laterals, models.md C.5);
 * feed all batches, then finish.  maps: as extractor_run gives them. */
gboolean msflow_fit_begin(Msflow *flow, GError **error);
void msflow_fit_add(Msflow *flow, int batch, const real *const maps[SCALES]);
/* The same from maps that are pooled already: (batch, latent size, latent size, channels of the extractor). */
void msflow_fit_add_pooled(Msflow *flow, int batch, const real *const pooled[SCALES]);
/* Call twice around two passes: pass 0 gives means, deviations and laterals; pass 1 the re-standardisation after the FPN.
 * Returns TRUE while another pass is wanted. */
gboolean msflow_fit_pass_end(Msflow *flow);
/* As msflow_fit_begin, for one pass that keeps the laterals and only standardises what the pyramid gives anew. */
gboolean msflow_restandardise_begin(Msflow *flow, GError **error);
/* Data-dependent initialisation of ActNorm, layer by layer, in one pass over one batch of pooled maps (use >= 16 tiles). */
gboolean msflow_init_actnorm(Msflow *flow, const Kernels *kernels, int batch, const real *const maps[SCALES],
                             GError **error);

/* Features of a scale that hardly varied over the training normals (deviation at the floor of 1e-3): indices, ascending,
 * borrowed.  With a pyramid, after fitting; otherwise none. */
const int *msflow_constant_channels(const Msflow *flow, int scale, int *count);
/* How many channels of a scale's pyramid hardly varied over the training normals: noise in them becomes likelihood.  0 with FPN_NONE. */
int msflow_flat_channels(const Msflow *flow, int scale);

/* ---- running ---- */
MsflowRun *msflow_run_new(const Msflow *flow, const Kernels *kernels, int batch, gboolean training,
                          GError **error);
void msflow_run_free(MsflowRun *run);
/* Side of the latent maps of a scale (pooled) and their channels. */
int msflow_latent_size(const Msflow *flow, int scale);
int msflow_latent_channels(const Msflow *flow, int scale);
int64_t msflow_dimensions(const Msflow *flow); /* D of one tile, all scales */
/* maps (extractor's, NHWC) -> z[scale] (borrowed, batch x side x side x channels), logdet[batch]. */
void msflow_forward(MsflowRun *run, const real *const maps[SCALES], const real *z[SCALES], double *logdet);
/* The same from maps that are pooled already (avgpool_forward), which must stay as they are until msflow_backward. */
void msflow_forward_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *z[SCALES],
                           double *logdet);
/* The first part of msflow_forward_pooled alone: the input of the flows, y[scale] borrowed. */
void msflow_input_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *y[SCALES]);
/* Its derivative, after it or msflow_forward of a run with training: dy[scale] = dL/dy; adds dL/d(lateral) to dlateral[scale]
 * (fpn_width, channels of the extractor).  Not for FPN_NONE. */
void msflow_input_backward(MsflowRun *run, const real *const dy[SCALES], real *const dlateral[SCALES]);
/* The last part alone: y[scale] is the input of the flows, which must not be a buffer of this run. */
void msflow_forward_input(MsflowRun *run, const real *const y[SCALES], const real *z[SCALES], double *logdet);
/* The laterals of a scale (fpn_width, channels of the extractor), row by row; NULL with FPN_NONE. */
real *msflow_laterals(Msflow *flow, int scale);
/* Deviations of the pooled features of a scale over the training normals (1 until it is fitted); not for FPN_NONE. */
const real *msflow_feature_deviation(const Msflow *flow, int scale);
/* After a forward of a run with training: for each channel of z[scale] how strongly the steps of the scale's own flow scaled it depending
 * on other channels: the sum over the steps of mean |log-scale|.  0 = it went through unconditionally.  The fusion flow, which
 * scales all channels, is left out.  activity: one number a channel of the scale. */
void msflow_activity(const MsflowRun *run, int scale, double *activity);
/* Of the last forward: (batch, side, side), the part of the log-determinant that each position contributes,
 * without what is the same for all (channel scales, 1x1 matrices).  Couplings act on each position by itself, so the parts add up. */
void msflow_local_logdet(const MsflowRun *run, const real *local[SCALES]);
/* dz: dL/dz, dlogdet[b]: dL/d(logdet of image b).  Adds dL/dparameters to gradient (length: trainable). After msflow_forward
 * of the same run with training. */
void msflow_backward(MsflowRun *run, const real *const dz[SCALES], const double *dlogdet, real *gradient);
/* Exact inverse from z to the input of the flows (the standardised, FPN'd maps): y[scale] borrowed. */
void msflow_inverse(MsflowRun *run, const real *const z[SCALES], const real *y[SCALES]);
/* The input of the flows for the last forward (to compare with the inverse). */
void msflow_flow_input(const MsflowRun *run, const real *y[SCALES]);

/* The feature pyramid before the flows (Lin et al., CVPR 2017, reduced to linear maps).  By default the likelihood trains nothing in
 * it, so it cannot collapse.
 *   1. Standardise each level's pooled features with the mean and deviation of training normals (deviation >= 1e-3).  With
 *      `divide_rms`, divide each tile's level by its root mean square over positions and channels.  Channels that were constant
 *      in training do not count: one that is no longer constant would outweigh all others.
 *   2. Lateral: project on the `width` leading principal directions (orthonormal rows, no whitening).
 *   3. Top-down: P3 = L3, P_l = (L_l + P_{l+1} upsampled to the nearest pixel) / sqrt 2.
 *   4. Standardise again, with statistics of training normals.
 * With `trained`, the laterals alone are trained, and the caller keeps their rows orthonormal (fpn_constrain): an isometry can
 * rotate, but it cannot shrink a direction to raise the likelihood. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/layers/parameter_layout.h"
#include "flows/layers/scales.h"

typedef struct {
    int channels[SCALES], size[SCALES], width;
    gboolean divide_rms; /* each tile's level by its root mean square */
    gboolean trained;    /* the laterals are trainable parameters */
    /* Offsets of each level's tensors: (channels), (channels), (width, channels), (width), (width). */
    int64_t mean[SCALES], deviation[SCALES], lateral[SCALES], out_mean[SCALES], out_deviation[SCALES];
    /* Derived: 1. and 2. and the factor of 3. as one affine map (width, channels), (width); deviations (channels), INFINITY for
     * constant channels; the indices of those, and their number. */
    real *map[SCALES], *shift[SCALES], *spread[SCALES];
    int *constant[SCALES], constants[SCALES];
    double *work; /* scratch of fpn_constrain */
} Fpn;

/* size: of the pooled maps. */
void fpn_init(Fpn *fpn, const int channels[SCALES], const int size[SCALES], int width, gboolean divide_rms,
              gboolean trained, Arena *arena);
void fpn_layout(Fpn *fpn, ParameterLayout *layout);
/* Initial values, until the pyramid is fitted: no standardisation, the first `width` channels. */
void fpn_initialise(const Fpn *fpn, real *parameters);
void fpn_refresh(Fpn *fpn, const real *parameters);
/* Number of output channels of a level that hardly vary over the images it was fitted to (deviation at its lower limit). */
int fpn_flat(const Fpn *fpn, const real *parameters, int level);
/* Makes the rows of the laterals orthonormal again after a change.  fpn_refresh must follow. */
void fpn_constrain(Fpn *fpn, real *parameters);

typedef struct {
    const Fpn *fpn;
    const Kernels *kernels;
    int n;
    real *level[SCALES]; /* (n, size, size, width): P_l */
    real *out[SCALES];   /* (n, size, size, width): standardised again */
    real *gain[SCALES];  /* (n): 1 / root mean square, or 1 */
    /* training */
    const real *pooled[SCALES]; /* input of the last forward, borrowed */
    real *dlevel[SCALES], *dmap;
} FpnRun;

void fpn_run_init(FpnRun *run, const Fpn *fpn, const Kernels *kernels, int n, gboolean training,
                  Arena *arena);
/* pooled[l] (n, size, size, channels) -> run->level, run->out.  pooled must not change before fpn_backward. */
void fpn_forward(FpnRun *run, const real *parameters, const real *const pooled[SCALES]);

/* dout[l]: dL/d(run->out[l]).  Adds dL/d(lateral) to dlateral[l] (width, channels).  Nothing else in the pyramid has a
 * gradient. */
void fpn_backward(FpnRun *run, const real *parameters, const real *const dout[SCALES],
                  real *const dlateral[SCALES]);

/* Fitting to images, one at a time, in two passes over the same images (fpn_fit.c). */
typedef struct FpnFit FpnFit;
/* pass: 0 for both passes; 1 for the second one only, which keeps the laterals and standardises the output. */
FpnFit *fpn_fit_new(Fpn *fpn, int pass, GError **error);
void fpn_fit_free(FpnFit *fit);
/* Buffers for one image's pooled maps, for callers that have none; borrowed. */
real *const *fpn_fit_pooled(FpnFit *fit);
/* Adds one image: pooled[l] (size, size, channels). */
void fpn_fit_add(FpnFit *fit, const real *parameters, const real *const pooled[SCALES]);
/* Ends a pass: writes its results to the parameters and calls fpn_refresh.  TRUE while another pass is needed. */
gboolean fpn_fit_pass_end(FpnFit *fit, real *parameters);

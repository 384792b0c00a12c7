/* Fixed feature pyramid (models.md C.5): nothing in it is trained by the likelihood, so it cannot collapse.
 *   1. standardise each level's pooled features with the mean and deviation of training normals (deviation >= 1e-3);
 *      with `divide_rms` divide a tile's level by its root mean square over positions and channels, without
 *      those that were constant: of one that lights up little is known but that it would drown the others;
 *   2. lateral: the `width` leading principal directions (orthonormal rows, no whitening);
 *   3. top-down: P3 = L3, P_l = (L_l + nearest upsampled P_{l+1}) / sqrt 2;
 *   4. standardise again, with statistics of training normals.
 * Where `trained`, the laterals alone are trained; the caller keeps their rows orthonormal (fpn_constrain): an isometry can turn,
 * but it cannot shrink a direction to please the likelihood. */
#pragma once
#include "flows/layers/arena.h"
#include "flows/layers/parameter_layout.h"
#include "flows/layers/scales.h"

typedef struct {
    int channels[SCALES], size[SCALES], width;
    gboolean divide_rms; /* each tile's level by its root mean square */
    gboolean trained;    /* the laterals are trainable parameters */
    int64_t mean[SCALES], deviation[SCALES], lateral[SCALES], out_mean[SCALES], out_deviation[SCALES];
    /* derived: 1. and 2. and the factor of 3. as one affine map; constant channels; deviations, of those INFINITY */
    real *map[SCALES], *shift[SCALES], *spread[SCALES];
    int *constant[SCALES], constants[SCALES];
    double *work; /* of fpn_constrain */
} Fpn;

/* size: of the pooled maps. */
void fpn_init(Fpn *fpn, const int channels[SCALES], const int size[SCALES], int width, gboolean divide_rms,
              gboolean trained, Arena *arena);
void fpn_layout(Fpn *fpn, ParameterLayout *layout);
/* Until it is fitted: no standardisation, the first `width` channels. */
void fpn_initialise(const Fpn *fpn, real *parameters);
void fpn_refresh(Fpn *fpn, const real *parameters);
/* Channels of a level that hardly vary over the images it was fitted to (output deviation at the floor). */
int fpn_flat(const Fpn *fpn, const real *parameters, int level);
/* Laterals back to orthonormal rows, after they were changed.  fpn_refresh must follow. */
void fpn_constrain(Fpn *fpn, real *parameters);

typedef struct {
    const Fpn *fpn;
    const Kernels *kernels;
    int n;
    real *level[SCALES]; /* P_l (n, size, size, width) */
    real *out[SCALES];   /* standardised again */
    real *gain[SCALES];  /* (n): 1 / root mean square, or 1 */
    /* training */
    const real *pooled[SCALES]; /* of the last forward, borrowed */
    real *dlevel[SCALES], *dmap;
} FpnRun;

void fpn_run_init(FpnRun *run, const Fpn *fpn, const Kernels *kernels, int n, gboolean training,
                  Arena *arena);
/* pooled[l] (n, size, size, channels) -> run->level, run->out.  Where fpn_backward follows, pooled must stay as it is. */
void fpn_forward(FpnRun *run, const real *parameters, const real *const pooled[SCALES]);

/* dout[l]: dL/d(run->out[l]).  Adds dL/d(lateral) to dlateral[l] (width, channels).  Nothing else of the pyramid has a
 * gradient. */
void fpn_backward(FpnRun *run, const real *parameters, const real *const dout[SCALES],
                  real *const dlateral[SCALES]);

/* Fitting in two passes over the same images, fed one at a time. */
typedef struct FpnFit FpnFit;
/* pass: 0, or 1 to keep the laterals and only standardise the output anew. */
FpnFit *fpn_fit_new(Fpn *fpn, int pass, GError **error);
void fpn_fit_free(FpnFit *fit);
/* Buffers for an image's pooled maps, for callers that have none. */
real *const *fpn_fit_pooled(FpnFit *fit);
/* pooled: one image. */
void fpn_fit_add(FpnFit *fit, const real *parameters, const real *const pooled[SCALES]);
/* Writes what the pass gave into the parameters (fpn_refresh included). FALSE after the second pass. */
gboolean fpn_fit_pass_end(FpnFit *fit, real *parameters);

/* One invertible step of a flow: what all kinds of steps offer.  A new kind is one file and one line in the table of
 * flows/layers/chain.c.
 *
 * A Step holds offsets into the flat parameters and what is derived from them; many threads may read it.  A StepRun holds one
 * thread's buffers.  Maps are (n, h, w, channels); `parameters` and `gradient` are the flat arrays. */
#pragma once
#include "flows/layers/coupling.h"
#include "flows/layers/step_spec.h"

typedef struct Step Step;
typedef struct StepRun StepRun;

typedef struct {
    const char *name;
    /* The step belongs to the arena. */
    Step *(*create)(const Poscode *code, int channels, const StepSpec *spec, Arena *arena);
    void (*layout)(Step *step, ParameterLayout *layout, const char *prefix);
    /* Initial values that are not constant or uniform: permutations, orthogonal matrices. */
    void (*initialise)(Step *step, uint64_t seed, const char *prefix, real *parameters);
    /* Sets parameters from data: x (rows, channels) is the input of the step.  NULL where nothing depends on data. */
    void (*fit)(Step *step, int64_t rows, const real *x, real *parameters);
    /* After any change of the parameters: clamps them, rebuilds what is derived. */
    void (*refresh)(Step *step, real *parameters);
    /* share: a run of another step of the same chain, whose buffers may be shared (see SubnetRun), or NULL. */
    StepRun *(*run_new)(const Step *step, const real *parameters, const Kernels *kernels, int n,
                        gboolean training, const StepRun *share, Arena *arena);
    /* y must not be x.  logdet[b] +=. */
    void (*forward)(StepRun *run, const real *parameters, const real *x, real *y, double *logdet);
    /* After forward, with the same x.  dy is overwritten; dx must be another buffer.  dlogdet[b]: dL/d(logdet of image b).  Adds to
     * the gradient. */
    void (*backward)(StepRun *run, const real *parameters, const real *x, const double *dlogdet, real *dy,
                     real *dx, real *gradient);
    /* After a forward with training: how strongly the couplings scaled each channel.  activity[c] of the step's input becomes that of
     * its output.  It moves as the step moves channels (a mix of channels takes the mean weighted by the squared coefficients), and the
     * step's own coupling adds to it. */
    void (*activity)(const StepRun *run, double *activity);
    /* y becomes x, in place.  Overwrites what forward kept for backward. */
    void (*inverse)(StepRun *run, const real *parameters, real *y);
} StepOps;

struct Step {
    const StepOps *ops;
    Coupling coupling;
};

struct StepRun {
    const Step *step;
    SubnetRun subnet;
    real *local; /* (n, h, w) or NULL: forward adds each pixel's part of the coupling's log-determinant */
};

extern const StepOps aio_step;  /* FrEIA's AllInOneBlock */
extern const StepOps glow_step; /* ActNorm, invertible 1x1, coupling */

/* Pixels of all images, n h w. */
static inline int64_t step_rows(const StepRun *run)
{
    return run->subnet.n * (int64_t)run->step->coupling.subnet.code->h * run->step->coupling.subnet.code->w;
}

/* The flow of one scale: its steps, one after the other. */
#pragma once
#include "flows/layers/step.h"

typedef struct {
    Poscode code; /* shared by all steps */
    int channels, size, count;
    Step **steps; /* count */
} Chain;

void chain_init(Chain *chain, const StepSpec *spec, int channels, int size, int count, Arena *arena);
/* prefix: "flow0". */
void chain_layout(Chain *chain, ParameterLayout *layout, const char *prefix);
void chain_initialise(Chain *chain, uint64_t seed, const char *prefix, real *parameters);
/* Refreshes one step after the parameters changed.  Several threads may refresh different steps. */
void chain_refresh_step(Chain *chain, int number, real *parameters);

typedef struct {
    const Chain *chain;
    int n;
    StepRun **steps;
    const real *x; /* input of the last forward */
    real **state;  /* count + 1: state[i] is the output of step i - 1 (state[0] is not used) */
    /* (n, size, size), set by forward: each pixel's part of the log-determinant, without what is the same for all pixels */
    real *local;
    real *work[2]; /* (n, size, size, channels): gradients and inverses */
} ChainRun;

void chain_run_init(ChainRun *run, const Chain *chain, const real *parameters, const Kernels *kernels, int n,
                    gboolean training, Arena *arena);
/* x (n, size, size, channels) -> the output, of the same shape: a buffer of the run, or x itself when there are no steps.
 * logdet[b] +=. */
const real *chain_forward(ChainRun *run, const real *parameters, const real *x, double *logdet);
/* Before the call run->work[0] holds dL/d(output).  Adds to the gradient; returns dL/dx, a buffer of the run. */
const real *chain_backward(ChainRun *run, const real *parameters, const double *dlogdet, real *gradient);
/* Sets activity[c] of each output channel, after a forward with training (StepOps.activity). */
void chain_activity(const ChainRun *run, double *activity);
/* Before the call run->work[0] holds the output; after it, the input. */
void chain_inverse(ChainRun *run, const real *parameters);
/* Initialises each step from the data that reach it.  x (images, size, size, channels) is overwritten.  run: made for one image, with
 * training. */
void chain_fit(Chain *chain, ChainRun *run, real *parameters, int images, real *x);

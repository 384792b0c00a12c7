/* One thread's passes through the flow: forward (pool -> pyramid -> three chains -> fusion), backward, and inverse.  A run owns its
 * buffers from the start: no pass allocates memory. */
#include "flows/models/msflow_private.h"
#include "flows/layers/avgpool.h"
#include "base/error.h"
#include <limits.h>
#include <string.h>

/* Numbers of one tile's pooled map. */
static int64_t pooled_count(const Msflow *flow, int l)
{
    return (int64_t)flow->size[l] * flow->size[l] * flow->spec.channels[l];
}

MsflowRun *msflow_run_new(const Msflow *flow, const Kernels *kernels, int batch, gboolean training,
                          GError **error)
{
    MsflowRun *run;
    int most = INT_MAX / (flow->size[0] * flow->size[0]); /* positions of a batch are counted in ints */
    if (batch < 1 || batch > most) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "flow: a batch of %d tiles, must be 1 .. %d", batch,
                    most);
        return NULL;
    }
    if (flow->released) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "flow: its weights were released");
        return NULL;
    }
    /* A run without training packs its weights here, for the kernels; one with training reads them at each call. */
    run = g_new0(MsflowRun, 1);
    *run = (MsflowRun){
        .flow = flow, .kernels = kernels, .batch = batch, .training = training, .arena = arena_new()};
    for (int l = 0; l < SCALES; l++) {
        /* (batch, side, side, features). */
        run->pooled[l] = arena_real(run->arena, batch * pooled_count(flow, l), "pooled features");
        chain_run_init(&run->chain[l], &flow->chain[l], flow->parameters, kernels, batch, training,
                       run->arena);
    }
    if (flow->spec.fpn != FPN_NONE) { /* a fixed pyramid needs no buffers for gradients */
        fpn_run_init(&run->fpn, &flow->fpn, kernels, batch, training && flow->spec.fpn != FPN_FIXED,
                     run->arena);
    }
    fusion_run_init(&run->fusion, &flow->fusion, flow->parameters, kernels, batch, training, run->arena);
    for (int l = 0; l < SCALES; l++) {
        run->fusion.local[l] = run->chain[l].local; /* the fusion flow adds to the chains' log-determinants */
    }
    if (!arena_check(run->arena, error)) {
        g_clear_pointer(&run, msflow_run_free);
    }
    return run;
}

void msflow_run_free(MsflowRun *run)
{
    if (run) {
        arena_free(run->arena);
        g_free(run);
    }
}

/* From pooled maps to run->input. */
static void enter(MsflowRun *run, const real *const pooled[SCALES])
{
    gboolean pyramid = run->flow->spec.fpn != FPN_NONE;
    if (pyramid) {
        fpn_forward(&run->fpn, run->flow->parameters, pooled);
    }
    for (int l = 0; l < SCALES; l++) {
        run->input[l] = pyramid ? run->fpn.out[l] : pooled[l];
    }
}

void msflow_flow_input(const MsflowRun *run, const real *y[SCALES])
{
    memcpy(y, run->input, sizeof run->input);
}

void msflow_input_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *y[SCALES])
{
    enter(run, pooled);
    msflow_flow_input(run, y);
}

/* From run->input to z and the log-determinants. */
static void through_flows(MsflowRun *run, const real *z[SCALES], double *logdet)
{
    const real *parameters = run->flow->parameters, *y[SCALES];
    /* Each flow adds its part to the log-determinant of every tile. */
    memset(logdet, 0, run->batch * sizeof *logdet);
    for (int l = 0; l < SCALES; l++) {
        y[l] = chain_forward(&run->chain[l], parameters, run->input[l], logdet);
    }
    fusion_forward(&run->fusion, parameters, y, logdet);
    for (int l = 0; l < SCALES; l++) {
        z[l] = run->fusion.z[l]; /* (batch, size, size, channels) */
    }
}

void msflow_forward_pooled(MsflowRun *run, const real *const pooled[SCALES], const real *z[SCALES],
                           double *logdet)
{
    enter(run, pooled);
    through_flows(run, z, logdet);
}

void msflow_forward_input(MsflowRun *run, const real *const y[SCALES], const real *z[SCALES], double *logdet)
{
    /* Only pointers: the maps stay the caller's. */
    memcpy(run->input, y, sizeof run->input);
    through_flows(run, z, logdet);
}

/* The fusion flow added its part to the chains' maps. */
void msflow_local_logdet(const MsflowRun *run, const real *local[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        local[l] = run->chain[l].local;
    }
}

void msflow_forward(MsflowRun *run, const real *const maps[SCALES], const real *z[SCALES], double *logdet)
{
    const MsflowSpec *spec = &run->flow->spec;
    for (int l = 0; l < SCALES; l++) {
        /* (batch, size, size, features) -> half the side. */
        avgpool_forward(run->batch, spec->size[l], spec->size[l], spec->channels[l], maps[l], run->pooled[l]);
    }
    msflow_forward_pooled(run, (const real *const *)run->pooled, z, logdet);
}

void msflow_activity(const MsflowRun *run, int scale, double *activity)
{
    int channels = run->flow->channels[scale];
    const int *source = run->flow->fusion.source[scale]; /* the fusion flow permutes the channels */
    g_autofree double *own = g_new(double, channels);
    chain_activity(&run->chain[scale], own);
    for (int k = 0; k < channels; k++) {
        /* Latent k comes from channel source[k] of the chain. */
        activity[k] = own[source[k]];
    }
}

void msflow_backward(MsflowRun *run, const real *const dz[SCALES], const double *dlogdet, real *gradient)
{
    const real *parameters = run->flow->parameters, *dy[SCALES];
    real *dx[SCALES], *dlateral[SCALES];
    /* dz -> fusion flow -> dL/d(output of the chains) -> chains -> dL/dy -> pyramid. */
    for (int l = 0; l < SCALES; l++) {
        dx[l] = run->chain[l].work[0];
    }
    fusion_backward(&run->fusion, parameters, dz, dlogdet, dx, gradient);
    for (int l = 0; l < SCALES; l++) {
        dy[l] = chain_backward(&run->chain[l], parameters, dlogdet, gradient);
    }
    if (run->flow->spec.fpn == FPN_ORTHOGONAL) { /* the laterals are trainable parameters */
        for (int l = 0; l < SCALES; l++) {
            dlateral[l] = gradient + run->flow->fpn.lateral[l];
        }
        msflow_input_backward(run, dy, dlateral);
    }
}

/* Only the laterals have a gradient: whatever else is before the flows is fixed. */
void msflow_input_backward(MsflowRun *run, const real *const dy[SCALES], real *const dlateral[SCALES])
{
    fpn_backward(&run->fpn, run->flow->parameters, dy, dlateral);
}

void msflow_inverse(MsflowRun *run, const real *const z[SCALES], const real *y[SCALES])
{
    const real *parameters = run->flow->parameters;
    real *x[SCALES];
    /* z -> fusion flow -> output of the chains, in their first buffer -> y, in the same buffer. */
    for (int l = 0; l < SCALES; l++) {
        x[l] = run->chain[l].work[0];
    }
    fusion_inverse(&run->fusion, parameters, z, x);
    for (int l = 0; l < SCALES; l++) {
        chain_inverse(&run->chain[l], parameters);
        y[l] = x[l];
    }
}

/* Chain by chain, with the maps of all tiles in memory.  The run is one for training, which reads the weights at each call: they
 * change from layer to layer. */
gboolean msflow_init_actnorm(Msflow *flow, const Kernels *kernels, int batch,
                             const real *const pooled[SCALES], GError **error)
{
    MsflowRun *run = msflow_run_new(flow, kernels, 1, TRUE, error);
    gboolean done = run != NULL;
    for (int l = 0; l < SCALES && done; l++) {
        int64_t count = (int64_t)flow->size[l] * flow->size[l] * flow->channels[l];
        g_autofree real *all =
            wsi_try_alloc((size_t)(batch * count), sizeof(real), "features to start ActNorm", error);
        done = all != NULL;
        /* The input of chain l for every tile; earlier chains do not matter, as the chains are parallel. */
        for (int b = 0; b < batch && done; b++) {
            const real *image[SCALES];
            for (int k = 0; k < SCALES; k++) {
                image[k] = pooled[k] + b * pooled_count(flow, k);
            }
            /* One tile at a time: the run is made for a batch of 1. */
            enter(run, image);
            memcpy(all + b * count, run->input[l], count * sizeof *all);
        }
        if (done) {
            chain_fit(&flow->chain[l], &run->chain[l], flow->parameters, batch, all);
        }
    }
    msflow_run_free(run);
    return done;
}

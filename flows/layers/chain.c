/* Without training the steps write to two buffers in turn.  With training the input of each step is kept for backward. */
#include "flows/layers/chain.h"
#include <string.h>

static const StepOps *const kinds[] = {[STEP_AIO] = &aio_step, [STEP_GLOW] = &glow_step};

void chain_init(Chain *chain, const StepSpec *spec, int channels, int size, int count, Arena *arena)
{
    *chain = (Chain){.channels = channels, .size = size, .count = count};
    /* One more than needed: an allocation of 0 bytes would be NULL. */
    chain->steps = arena_struct(arena, (count + 1) * sizeof *chain->steps);
    poscode_init(&chain->code, spec->condition, size, size, arena);
    for (int i = 0; i < count; i++) {
        chain->steps[i] = kinds[spec->kind]->create(&chain->code, channels, spec, arena);
    }
}

void chain_layout(Chain *chain, ParameterLayout *layout, const char *prefix)
{
    /* "flow0.step3": the prefix of all tensors of a step. */
    for (int i = 0; i < chain->count; i++) {
        g_autofree char *name = g_strdup_printf("%s.step%d", prefix, i);
        chain->steps[i]->ops->layout(chain->steps[i], layout, name);
    }
}

void chain_initialise(Chain *chain, uint64_t seed, const char *prefix, real *parameters)
{
    for (int i = 0; i < chain->count; i++) {
        g_autofree char *name = g_strdup_printf("%s.step%d", prefix, i);
        chain->steps[i]->ops->initialise(chain->steps[i], seed, name, parameters);
    }
}

void chain_refresh_step(Chain *chain, int number, real *parameters)
{
    chain->steps[number]->ops->refresh(chain->steps[number], parameters);
}

void chain_run_init(ChainRun *run, const Chain *chain, const real *parameters, const Kernels *kernels, int n,
                    gboolean training, Arena *arena)
{
    /* All maps are (n, size, size, channels); local (n, size, size) has the log-determinant of each pixel. */
    int64_t size = (int64_t)n * chain->size * chain->size * chain->channels;
    *run = (ChainRun){.chain = chain, .n = n};
    run->steps = arena_struct(arena, (chain->count + 1) * sizeof *run->steps);
    run->state = arena_struct(arena, (chain->count + 1) * sizeof *run->state);
    run->work[0] = arena_real(arena, size, "map of a flow");
    run->work[1] = arena_real(arena, size, "map of a flow");
    run->local = arena_real(arena, (int64_t)n * chain->size * chain->size, "map of a flow");
    for (int i = 0; i < chain->count; i++) {
        /* All steps have the same shape, so they share the buffers of the first one. */
        const Step *step = chain->steps[i];
        run->steps[i] =
            step->ops->run_new(step, parameters, kernels, n, training, i ? run->steps[0] : NULL, arena);
        run->steps[i]->local = run->local;
        run->state[i + 1] = training ? arena_real(arena, size, "map of a flow") : run->work[i % 2];
    }
}

const real *chain_forward(ChainRun *run, const real *parameters, const real *x, double *logdet)
{
    const real *at = x; /* (n, size, size, channels): input of the next step */
    run->x = x;
    /* Every step adds its log-scales to local. */
    memset(run->local, 0, (size_t)run->n * run->chain->size * run->chain->size * sizeof *x);
    for (int i = 0; i < run->chain->count; i++) {
        run->chain->steps[i]->ops->forward(run->steps[i], parameters, at, run->state[i + 1], logdet);
        at = run->state[i + 1];
    }
    return at;
}

const real *chain_backward(ChainRun *run, const real *parameters, const double *dlogdet, real *gradient)
{
    /* From the last step to the first; the input of step i is the output of step i - 1. */
    real *dy = run->work[0], *dx = run->work[1];
    for (int i = run->chain->count - 1; i >= 0; i--) {
        real *done = dy; /* the next step writes its dx here */
        run->chain->steps[i]->ops->backward(run->steps[i], parameters, i ? run->state[i] : run->x, dlogdet,
                                            dy, dx, gradient);
        dy = dx;
        dx = done;
    }
    return dy;
}

void chain_activity(const ChainRun *run, double *activity)
{
    /* (channels): every step moves and adds to what the steps before it left. */
    memset(activity, 0, (size_t)run->chain->channels * sizeof *activity);
    for (int i = 0; i < run->chain->count; i++) {
        run->chain->steps[i]->ops->activity(run->steps[i], activity);
    }
}

void chain_inverse(ChainRun *run, const real *parameters)
{
    /* From the last step to the first, in place in work[0] (n, size, size, channels). */
    for (int i = run->chain->count - 1; i >= 0; i--) {
        run->chain->steps[i]->ops->inverse(run->steps[i], parameters, run->work[0]);
    }
}

void chain_fit(Chain *chain, ChainRun *run, real *parameters, int images, real *x)
{
    int64_t rows = (int64_t)chain->size * chain->size, size = rows * chain->channels;
    double logdet = 0; /* not used */
    /* Step i is fitted to what the fitted steps before it give. */
    for (int i = 0; i < chain->count; i++) {
        Step *step = chain->steps[i];
        if (step->ops->fit) {
            step->ops->fit(step, images * rows, x, parameters);
        }
        /* x (images, size, size, channels) becomes the input of step i + 1; the run has n = 1. */
        for (int b = 0; b < images; b++) {
            step->ops->forward(run->steps[i], parameters, x + b * size, run->work[0], &logdet);
            memcpy(x + b * size, run->work[0], size * sizeof *x);
        }
    }
}

/* FrEIA's AllInOneBlock, as stock MSFlow uses it: affine coupling to u, then v = s u + o in each channel, then a fixed
 * permutation y_k = v_perm[k].
 *   s = 0.2 ln(1 + exp(g / 2)) > 0;  ld = sum e + H W sum ln s
 * g starts at 2 ln(e^5 - 1), so that s = 1.  The old clamp (alpha tanh r) is that of stock MSFlow; `clamp_new` selects the new one.
 *
 * Backward: dv_perm[k] = dy_k;  do = sum dv;  ds = sum dv u + (sum dL/dld) H W / s;  dg = ds 0.1 sigmoid(g / 2);  du = s dv. */
#include "flows/layers/step.h"
#include "base/rng.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

#define SCALE_START 9.986478501101022 /* 2 ln(e^5 - 1) */
#define TINY_G (-30)                  /* below it ln(1 + exp(g / 2)) is exp(g / 2) in double */

typedef struct {
    Step base;
    int64_t g, offset, permutation; /* offsets of three tensors (channels) */
    /* derived */
    int *source, *target; /* y_k = v_source[k]; target is the inverse */
    real *s;
    double sum_log_s;
} Aio;

typedef struct {
    StepRun base;
    real *u2;     /* (n, h, w, active): active half after the coupling */
    real *row;    /* (channels) */
    double *sums; /* (2, channels): sum dv, sum dv u */
} AioRun;

/* ---- the functions of StepOps ---- */

static Step *create(const Poscode *code, int channels, const StepSpec *spec, Arena *arena)
{
    Aio *aio = arena_struct(arena, sizeof *aio);
    aio->base.ops = &aio_step;
    coupling_init(&aio->base.coupling, code, channels, spec, arena);
    /* What refresh derives: (channels) each. */
    aio->source = arena_int(arena, channels, "permutation");
    aio->target = arena_int(arena, channels, "permutation");
    aio->s = arena_real(arena, channels, "scales");
    return &aio->base;
}

static void lay_out(Step *step, ParameterLayout *layout, const char *prefix)
{
    Aio *aio = (Aio *)step;
    int64_t shape[4] = {step->coupling.channels};
    g_autofree char *name = g_strdup_printf("%s.coupling", prefix);
    aio->g = parameter_layout_add(layout, TRUE, prefix, "scale", shape, SCALE_START, SCALE_START);
    aio->offset = parameter_layout_add(layout, TRUE, prefix, "offset", shape, 0, 0);
    subnet_layout(&step->coupling.subnet, layout, name);
    aio->permutation = parameter_layout_add(layout, FALSE, prefix, "permutation", shape, 0, 0);
}

static void initialise(Step *step, uint64_t seed, const char *prefix, real *parameters)
{
    int channels = step->coupling.channels;
    /* A stream of its own, so that the permutation does not depend on what else is drawn. */
    g_autofree char *name = g_strdup_printf("%s.permutation", prefix);
    g_autofree uint32_t *order = g_new(uint32_t, channels);
    Rng rng = rng_at(seed, rng_name(name), 0);
    rng_permutation(&rng, order, (uint32_t)channels);
    for (int k = 0; k < channels; k++) {
        parameters[((Aio *)step)->permutation + k] = (real)order[k];
    }
}

static void refresh(Step *step, real *parameters)
{
    Aio *aio = (Aio *)step;
    aio->sum_log_s = 0;
    /* s, its logarithm, and both directions of the permutation. */
    for (int k = 0; k < step->coupling.channels; k++) {
        double g = (double)parameters[aio->g + k];
        /* Above g = 80, ln(1 + exp(g / 2)) is g / 2 in double. */
        double log_s = g < TINY_G ? log(0.2) + g / 2 : log(0.2 * (g > 80 ? g / 2 : log1p(exp(g / 2))));
        aio->s[k] = (real)exp(log_s);
        aio->sum_log_s += log_s;
        /* The flat array holds the permutation as floats. */
        aio->source[k] = (int)parameters[aio->permutation + k];
        aio->target[aio->source[k]] = k;
    }
    subnet_refresh(&step->coupling.subnet, parameters);
}

static StepRun *run_new(const Step *step, const real *parameters, const Kernels *kernels, int n,
                        gboolean training, const StepRun *share, Arena *arena)
{
    AioRun *run = arena_struct(arena, sizeof *run);
    const AioRun *other = (const AioRun *)share;
    run->base.step = step;
    subnet_run_init(&run->base.subnet, &step->coupling.subnet, parameters, kernels, n, training,
                    share ? &share->subnet : NULL, arena);
    /* Backward needs the u2 of every step; without training one buffer is enough. */
    run->u2 = share && !training
                  ? other->u2
                  : arena_real(arena, step_rows(&run->base) * step->coupling.active, "coupled channels");
    /* Used up within a call, so all steps share them. */
    run->row = share ? other->row : arena_real(arena, step->coupling.channels, "a pixel");
    run->sums = share ? other->sums : arena_double(arena, 2 * step->coupling.channels, "sums over pixels");
    return &run->base;
}

/* y_k = (s u + o)_source[k] for each pixel; u is x in the passive half and u2 in the active half. */
VECTOR_CLONES
static void scale_and_permute(int64_t rows, int channels, int passive, const real *s, const real *o,
                              const int *source, const real *x, const real *u2, real *restrict row, real *y)
{
    for (int64_t p = 0; p < rows; p++, x += channels, y += channels, u2 += channels - passive) {
        /* row = s u + o, then the permutation. */
        for (int i = 0; i < passive; i++) {
            row[i] = x[i] * s[i] + o[i];
        }
        for (int i = passive; i < channels; i++) {
            row[i] = u2[i - passive] * s[i] + o[i];
        }
        VECTOR_LOOP
        for (int k = 0; k < channels; k++) {
            y[k] = row[source[k]];
        }
    }
}

/* x -> u (coupling) -> v = s u + o -> y (permutation). */
static void forward(StepRun *base, const real *parameters, const real *x, real *y, double *logdet)
{
    AioRun *run = (AioRun *)base;
    const Aio *aio = (const Aio *)base->step;
    const Coupling *coupling = &aio->base.coupling;
    int64_t rows = step_rows(base);
    /* u2 (n, h, w, active): the active half of u; the passive half is that of x. */
    coupling_forward(coupling, &base->subnet, parameters, x, run->u2, coupling->active, logdet, base->local);
    scale_and_permute(rows, coupling->channels, coupling->passive, aio->s, parameters + aio->offset,
                      aio->source, x, run->u2, run->row, y);
    /* Every pixel has the factor prod s. */
    for (int b = 0; b < base->subnet.n; b++) {
        logdet[b] += (double)(rows / base->subnet.n) * aio->sum_log_s;
    }
}

/* dx = du from dy; sums[c] += dv, sums[channels + c] += dv u. */
VECTOR_CLONES
static void unscale_gradient(int64_t rows, int channels, int passive, const real *s, const int *target,
                             const real *x, const real *u2, const real *restrict dy, real *restrict dx,
                             double *restrict sums)
{
    for (int64_t p = 0; p < rows;
         p++, x += channels, u2 += channels - passive, dy += channels, dx += channels) {
        for (int c = 0; c < channels; c++) { /* dv */
            dx[c] = dy[target[c]];
        }
        /* do = sum dv. */
        for (int c = 0; c < channels; c++) {
            sums[c] += (double)dx[c];
        }
        /* ds = sum dv u; in the passive half u is x. */
        for (int c = 0; c < passive; c++) {
            sums[channels + c] += (double)(dx[c] * x[c]);
        }
        for (int c = passive; c < channels; c++) {
            sums[channels + c] += (double)(dx[c] * u2[c - passive]);
        }
        /* du = s dv. */
        for (int c = 0; c < channels; c++) {
            dx[c] *= s[c];
        }
    }
}

/* dy -> du in dx (permutation and scales undone) -> dx (coupling, in place). */
static void backward(StepRun *base, const real *parameters, const real *x, const double *dlogdet, real *dy,
                     real *dx, real *gradient)
{
    AioRun *run = (AioRun *)base;
    const Aio *aio = (const Aio *)base->step;
    const Coupling *coupling = &aio->base.coupling;
    int channels = coupling->channels;
    int64_t rows = step_rows(base);
    double to_log = 0;
    memset(run->sums, 0, 2 * channels * sizeof *run->sums);
    unscale_gradient(rows, channels, coupling->passive, aio->s, aio->target, x, run->u2, dy, dx, run->sums);
    /* ld = .. + H W sum ln s: every image adds dL/dld H W / s to ds. */
    for (int b = 0; b < base->subnet.n; b++) {
        to_log += dlogdet[b] * (double)(rows / base->subnet.n);
    }
    for (int c = 0; c < channels; c++) {
        /* dL/ds, then ds/dg = 0.1 sigmoid(g / 2). */
        double ds = run->sums[channels + c] + to_log / (double)aio->s[c];
        double slope = 0.1 / (1 + exp(-(double)parameters[aio->g + c] / 2));
        gradient[aio->g + c] += (real)(ds * slope);
        gradient[aio->offset + c] += (real)run->sums[c];
    }
    coupling_backward(coupling, &base->subnet, parameters, x, dlogdet, dx, gradient);
}

static void activity(const StepRun *base, double *a)
{
    const Aio *aio = (const Aio *)base->step;
    int channels = base->step->coupling.channels;
    /* The constant scales s are not conditional: only the coupling counts, and then channels move. */
    coupling_activity(&base->step->coupling, &base->subnet, a);
    g_autofree double *before = g_memdup2(a, channels * sizeof *a);
    /* The activity of a channel moves with it: y_k = v_source[k]. */
    for (int k = 0; k < channels; k++) {
        a[k] = before[aio->source[k]];
    }
}

static void inverse(StepRun *base, const real *parameters, real *y)
{
    AioRun *run = (AioRun *)base;
    const Aio *aio = (const Aio *)base->step;
    const Coupling *coupling = &aio->base.coupling;
    int channels = coupling->channels;
    int64_t rows = step_rows(base);
    /* u = (v - o) / s with the permutation undone. */
    for (int64_t p = 0; p < rows; p++) {
        memcpy(run->row, y + p * channels, channels * sizeof *y);
        for (int c = 0; c < channels; c++) {
            y[p * channels + c] = (run->row[aio->target[c]] - parameters[aio->offset + c]) / aio->s[c];
        }
    }
    coupling_inverse(coupling, &base->subnet, parameters, y);
}

const StepOps aio_step = {
    .name = "aio",
    .create = create,
    .layout = lay_out,
    .initialise = initialise,
    .refresh = refresh,
    .run_new = run_new,
    .forward = forward,
    .backward = backward,
    .activity = activity,
    .inverse = inverse,
};

/* A Glow step for feature maps (Kingma & Dhariwal 2018): ActNorm and invertible 1x1 convolution (one affine map,
 * flows/layers/invconv.c), then the affine coupling of an AIO block.  It has no channel scaling and permutation, because the 1x1
 * convolution mixes the channels. */
#include "flows/layers/invconv.h"
#include "flows/layers/step.h"
#include <string.h>

typedef struct {
    Step base;
    Invconv invconv;
} Glow;

typedef struct {
    StepRun base;
    InvconvRun invconv;
    real *mixed; /* training: (n, h, w, channels), input of the coupling */
} GlowRun;

/* ---- the functions of StepOps ---- */

static Step *create(const Poscode *code, int channels, const StepSpec *spec, Arena *arena)
{
    Glow *glow = arena_struct(arena, sizeof *glow);
    glow->base.ops = &glow_step;
    coupling_init(&glow->base.coupling, code, channels, spec, arena);
    invconv_init(&glow->invconv, channels, code->h, code->w, arena);
    return &glow->base;
}

static void lay_out(Step *step, ParameterLayout *layout, const char *prefix)
{
    g_autofree char *name = g_strdup_printf("%s.coupling", prefix);
    invconv_layout(&((Glow *)step)->invconv, layout, prefix);
    subnet_layout(&step->coupling.subnet, layout, name);
}

static void initialise(Step *step, uint64_t seed, const char *prefix, real *parameters)
{
    /* The subnet's tensors are drawn by parameter_layout_initialise(). */
    invconv_initialise(&((Glow *)step)->invconv, seed, prefix, parameters);
}

static void refresh(Step *step, real *parameters)
{
    invconv_refresh(&((Glow *)step)->invconv, parameters);
    subnet_refresh(&step->coupling.subnet, parameters);
}

/* Only ActNorm is fitted to data; the matrix follows from it. */
static void fit(Step *step, int64_t rows, const real *x, real *parameters)
{
    Invconv *invconv = &((Glow *)step)->invconv;
    /* x (rows, channels): one pixel per row. */
    invconv_fit(invconv, rows, x, parameters);
    invconv_refresh(invconv, parameters);
}

static StepRun *run_new(const Step *step, const real *parameters, const Kernels *kernels, int n,
                        gboolean training, const StepRun *share, Arena *arena)
{
    GlowRun *run = arena_struct(arena, sizeof *run);
    const GlowRun *other = (const GlowRun *)share;
    int64_t size;
    run->base.step = step;
    subnet_run_init(&run->base.subnet, &step->coupling.subnet, parameters, kernels, n, training,
                    share ? &share->subnet : NULL, arena);
    invconv_run_init(&run->invconv, &((const Glow *)step)->invconv, kernels, n, training,
                     share ? &other->invconv : NULL, arena);
    /* Backward needs the mixed channels of every step. */
    size = step_rows(&run->base) * step->coupling.channels;
    run->mixed = training ? arena_real(arena, size, "mixed channels") : NULL;
    return &run->base;
}

/* x -> mixed = M x + c -> y (coupling of the mixed channels). */
static void forward(StepRun *base, const real *parameters, const real *x, real *y, double *logdet)
{
    GlowRun *run = (GlowRun *)base;
    const Coupling *coupling = &base->step->coupling;
    int channels = coupling->channels;
    /* Backward needs the input of the coupling, so with training it stays in a buffer of its own. */
    real *mixed = run->mixed ? run->mixed : y;
    invconv_forward(&run->invconv, x, mixed, logdet);
    coupling_forward(coupling, &base->subnet, parameters, mixed, y + coupling->passive, channels, logdet,
                     base->local);
    /* The passive half of the output; without training it is there already. */
    for (int64_t p = 0; p < step_rows(base) && mixed != y; p++) {
        memcpy(y + p * channels, mixed + p * channels, coupling->passive * sizeof *y);
    }
}

static void backward(StepRun *base, const real *parameters, const real *x, const double *dlogdet, real *dy,
                     real *dx, real *gradient)
{
    GlowRun *run = (GlowRun *)base;
    /* dy becomes the gradient of the mixed channels, then dx = M^T of it. */
    coupling_backward(&base->step->coupling, &base->subnet, parameters, run->mixed, dlogdet, dy, gradient);
    invconv_backward(&run->invconv, parameters, x, dlogdet, dy, dx, gradient);
}

/* Channel i of the mix takes the mean of the activities, weighted by the squared coefficients W_ij^2. */
static void activity(const StepRun *base, double *a)
{
    const Invconv *invconv = &((const Glow *)base->step)->invconv;
    int channels = invconv->c;
    g_autofree double *before = g_memdup2(a, channels * sizeof *a);
    /* a_i = sum_j W_ij^2 a_j / sum_j W_ij^2. */
    for (int i = 0; i < channels; i++) {
        double sum = 0, all = 0;
        for (int j = 0; j < channels; j++) {
            double w = (double)invconv->mix[(int64_t)i * channels + j];
            sum += w * w * before[j];
            all += w * w;
        }
        a[i] = sum / all;
    }
    coupling_activity(&base->step->coupling, &base->subnet, a);
}

/* The coupling first, then the matrix, both in place. */
static void inverse(StepRun *base, const real *parameters, real *y)
{
    coupling_inverse(&base->step->coupling, &base->subnet, parameters, y);
    invconv_inverse(&((GlowRun *)base)->invconv, parameters, y);
}

const StepOps glow_step = {
    .name = "glow",
    .create = create,
    .layout = lay_out,
    .initialise = initialise,
    .fit = fit,
    .refresh = refresh,
    .run_new = run_new,
    .forward = forward,
    .backward = backward,
    .activity = activity,
    .inverse = inverse,
};

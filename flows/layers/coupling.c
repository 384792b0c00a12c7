/* The passive half is copied to a buffer of its own, because convolutions need packed inputs.  All else works on whole pixels. */
#include "flows/layers/coupling.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

void coupling_init(Coupling *coupling, const Poscode *code, int channels, const StepSpec *spec, Arena *arena)
{
    coupling->channels = channels;
    /* An odd channel is passive.  The subnet gives a log-scale and a shift for each active channel. */
    coupling->active = channels / 2;
    coupling->passive = channels - channels / 2;
    coupling->clamp = softclamp_aio(spec->alpha, spec->clamp_new);
    subnet_init(&coupling->subnet, code, coupling->passive, 2 * coupling->active, spec->se, arena);
}

static int64_t pixels(const Coupling *coupling)
{
    return (int64_t)coupling->subnet.code->h * coupling->subnet.code->w;
}

/* x (rows, channels) -> x1 (rows, passive). */
static void gather_passive(const Coupling *coupling, int64_t rows, const real *x, real *x1)
{
    for (int64_t row = 0; row < rows; row++) {
        memcpy(x1 + row * coupling->passive, x + row * coupling->channels, coupling->passive * sizeof *x);
    }
}

void coupling_forward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                      real *y2, int y2_stride, double *logdet, real *local)
{
    int64_t hw = pixels(coupling);
    /* The subnet sees the passive half x1 and gives raw log-scales and shifts for the active half x2. */
    gather_passive(coupling, run->n * hw, x, run->x);
    subnet_forward(run, parameters);
    for (int b = 0; b < run->n; b++) {
        /* r (h, w, 2 active): raw log-scale and shift of this image; x2: its active half. */
        const real *r = run->out + b * hw * 2 * coupling->active;
        const real *x2 = x + b * hw * coupling->channels + coupling->passive;
        logdet[b] += softclamp_forward(&coupling->clamp, hw, coupling->active, r, x2, coupling->channels,
                                       y2 + b * hw * y2_stride, y2_stride, local ? local + b * hw : NULL);
    }
}

VECTOR_CLONES
/* dx (rows, channels): its passive half += dx1 (rows, passive). */
static void add_passive(int64_t rows, int passive, int channels, const real *restrict dx1, real *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, dx1 += passive, dx += channels) {
        for (int i = 0; i < passive; i++) {
            dx[i] += dx1[i];
        }
    }
}

void coupling_activity(const Coupling *coupling, const SubnetRun *run, double *activity)
{
    int64_t rows = run->n * pixels(coupling);
    /* Mean over the pixels of |e|, for each active channel. */
    g_autofree double *sum = g_new0(double, coupling->active);
    softclamp_magnitude(&coupling->clamp, rows, coupling->active, run->out, sum);
    /* Passive channels have no log-scale. */
    for (int i = 0; i < coupling->active; i++) {
        activity[coupling->passive + i] += sum[i] / (double)rows;
    }
}

void coupling_backward(const Coupling *coupling, SubnetRun *run, const real *parameters, const real *x,
                       const double *dlogdet, real *dy, real *gradient)
{
    int64_t hw = pixels(coupling);
    int c = coupling->channels;
    for (int b = 0; b < run->n; b++) {
        /* of image b: `at` in r (n, h, w, 2 active), `active` in x (n, h, w, channels). */
        int64_t at = b * hw * 2 * coupling->active, active = b * hw * c + coupling->passive;
        softclamp_backward(&coupling->clamp, hw, coupling->active, run->out + at, x + active, c, dy + active,
                           c, dlogdet[b], dy + active, c, run->dout + at);
    }
    /* The passive half has two ways to the output: directly, in dy already, and through the subnet. */
    subnet_backward(run, parameters, gradient);
    add_passive(run->n * hw, coupling->passive, c, run->dx, dy);
}

void coupling_inverse(const Coupling *coupling, SubnetRun *run, const real *parameters, real *y)
{
    int64_t rows = run->n * pixels(coupling);
    /* The passive half is the same before and after, so the subnet gives the same e and t. */
    gather_passive(coupling, rows, y, run->x);
    subnet_forward(run, parameters);
    softclamp_inverse(&coupling->clamp, rows, coupling->active, run->out, y + coupling->passive,
                      coupling->channels, y + coupling->passive, coupling->channels);
}

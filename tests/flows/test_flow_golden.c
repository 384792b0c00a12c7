/* Whole models in float, as in the program, against torch in double: latents, log-determinants, gradients, parameters after three
 * steps of Adam and the losses of fifty, with every entry of the kernel table.  Tolerances are for sums in float; testd_msflow.c
 * compares models in double, with tolerances of 1e-9 and below. */
#include "flows/training/adam.h"
#include "flows/models/msflow.h"
#include "flows/kernels/squares.h"
#include "tests/flow_golden.h"

#define LATENTS 1e-4
#define LOGDET 1e-5
#define GRADIENT 1e-4
#define STEPPED 1e-4
#define LOSS 1e-3

static const struct {
    const char *name, *after;
    StepKind step;
    FpnKind fpn;
    int batch;
} models[] = {
    {"msflow_aio", "msflow_aio_adam", STEP_AIO, FPN_NONE, 2},
    {"msflow_glow_se_fpn", "msflow_glow_se_fpn_adam", STEP_GLOW, FPN_FIXED, 4},
    {"msflow_glow_se_orthogonal", "msflow_glow_se_orthogonal_adam", STEP_GLOW, FPN_ORTHOGONAL, 4},
};

typedef struct {
    Golden *golden, *after;
    Msflow *flow;
    MsflowRun *run;
    int batch, tensors;
    const Parameter *table;
    real *p, *gradient, *maps[SCALES], *dz[SCALES];
    int64_t trainable, count[SCALES];
    const real *z[SCALES];
    double logdet[4], dlogdet[4];
} Bed;

/* The parameters of the case, overwritten by what torch fitted (statistics, principal directions, ActNorm). */
static void set_parameters(Bed *bed)
{
    golden_parameters(bed->golden, bed->table, bed->tensors, bed->p);
    for (int t = 0; t < bed->tensors; t++) {
        g_autofree char *fitted = g_strdup_printf("fitted.%s", bed->table[t].name);
        if (golden_line(bed->golden, fitted)) {
            g_autofree real *values = golden_real(bed->golden, fitted);
            memcpy(bed->p + bed->table[t].offset, values, (size_t)bed->table[t].count * sizeof *values);
        }
    }
    msflow_refresh(bed->flow);
}

static void bed_open(Bed *bed, int model, const char *kernels)
{
    MsflowSpec spec = {.channels = {8, 12, 16},
                       .size = {16, 8, 4},
                       .blocks = {1, 2, 2},
                       .step = models[model].step,
                       .fpn = models[model].fpn,
                       .se = models[model].step == STEP_GLOW,
                       .condition = 8,
                       .alpha = 1.9};
    g_autoptr(GError) error = NULL;
    *bed = (Bed){.golden = golden_open(models[model].name), .after = golden_open(models[model].after)};
    bed->batch = models[model].batch;
    bed->flow = msflow_new(&spec, &error);
    g_assert_no_error(error);
    bed->table = msflow_layout(bed->flow, &bed->tensors);
    bed->p = msflow_parameters(bed->flow, &bed->trainable, NULL);
    bed->gradient = g_new0(real, bed->trainable);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("h%d", l);
        int side = msflow_latent_size(bed->flow, l);
        bed->maps[l] = golden_real(bed->golden, name);
        bed->count[l] = (int64_t)bed->batch * side * side * msflow_latent_channels(bed->flow, l);
        bed->dz[l] = g_new(real, bed->count[l]);
    }
    set_parameters(bed);
    bed->run = msflow_run_new(bed->flow, kernels_get(kernels), bed->batch, TRUE, &error);
    g_assert_no_error(error);
}

static void bed_close(Bed *bed)
{
    msflow_run_free(bed->run);
    msflow_free(bed->flow);
    golden_free(bed->golden);
    golden_free(bed->after);
    g_free(bed->gradient);
    for (int l = 0; l < SCALES; l++) {
        g_free(bed->maps[l]);
        g_free(bed->dz[l]);
    }
}

/* Mean NLL without its constant, and its gradient. */
static double bed_gradient(Bed *bed)
{
    double sum = 0;
    msflow_refresh(bed->flow);
    msflow_forward(bed->run, (const real *const *)bed->maps, bed->z, bed->logdet);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed->count[l]; i++) {
            double z = (double)bed->z[l][i];
            sum += 0.5 * z * z;
            bed->dz[l][i] = (real)(z / bed->batch);
        }
    }
    for (int b = 0; b < bed->batch; b++) {
        sum -= bed->logdet[b];
        bed->dlogdet[b] = -1.0 / bed->batch;
    }
    memset(bed->gradient, 0, (size_t)bed->trainable * sizeof *bed->gradient);
    msflow_backward(bed->run, (const real *const *)bed->dz, bed->dlogdet, bed->gradient);
    return sum / bed->batch;
}

static void assert_forward_and_gradient(Bed *bed)
{
    real logdet[4];
    bed_gradient(bed);
    for (int b = 0; b < bed->batch; b++) {
        logdet[b] = (real)bed->logdet[b];
    }
    assert_golden(bed->golden, "logdet", logdet, LOGDET);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("z%d", l);
        assert_golden(bed->golden, name, bed->z[l], LATENTS);
    }
    assert_golden_flat(bed->golden, "gradient", bed->golden, bed->table, bed->tensors, bed->gradient,
                       GRADIENT);
}

static void assert_training(Bed *bed)
{
    Adam adam = adam_default(), slow = adam_default();
    int64_t steps, flows = msflow_before_flows(bed->flow), rest = bed->trainable - flows;
    const double *losses = golden_array(bed->after, "losses", &steps);
    g_autofree real *moment1 = g_new0(real, bed->trainable), *moment2 = g_new0(real, bed->trainable);
    double worst = 0;
    adam.learning_rate = 1e-4;
    slow.learning_rate = 1e-6;
    for (int step = 1; step <= steps; step++) {
        double loss = bed_gradient(bed);
        double clip = adam_clip(sqrt(squares_sum(bed->gradient, bed->trainable)), 2.0);
        worst = fmax(worst, fabs(loss - losses[step - 1]) / fabs(losses[step - 1]));
        adam_step(&adam, step, flows, bed->gradient, clip, bed->p, moment1, moment2);
        adam_step(&slow, step, rest, bed->gradient + flows, clip, bed->p + flows, moment1 + flows,
                  moment2 + flows);
        msflow_constrain(bed->flow);
        if (step == 3) {
            assert_golden_flat(bed->after, "stepped", bed->golden, bed->table, bed->tensors, bed->p, STEPPED);
        }
    }
    g_test_message("losses of %d steps: relative difference %.2e", (int)steps, worst);
    g_assert_cmpfloat(worst, <, LOSS);
}

static void test_models_as_torch(void)
{
    static const char *const kernels[] = {"reference", NULL};
    for (guint k = 0; k < G_N_ELEMENTS(kernels); k++) {
        for (guint m = 0; m < G_N_ELEMENTS(models); m++) {
            Bed bed;
            g_test_message("%s, %s", models[m].name, kernels_get(kernels[k])->name);
            bed_open(&bed, (int)m, kernels[k]);
            assert_forward_and_gradient(&bed);
            assert_training(&bed);
            bed_close(&bed);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow-golden/models", test_models_as_torch);
    return g_test_run();
}

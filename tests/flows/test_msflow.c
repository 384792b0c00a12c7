/* The flow as the program runs it: float, the best kernels of the build, real sizes. */
#include "flows/models/msflow.h"
#include "flows/kernels/vecmath.h"
#include "tests/flow_golden.h"

/* ---- elementary functions ---- */

static void check_function(float (*ours)(float), double (*exact)(double), double from, double to)
{
    enum { STEPS = 200000 };
    double worst = 0;
    for (int i = 0; i <= STEPS; i++) {
        float x = (float)(from + (to - from) * i / STEPS);
        double y = exact((double)x), error = fabs((double)ours(x) - y);
        worst = fmax(worst, error / fmax(fabs(y), 1e-30));
    }
    g_test_message("relative error %.2e", worst);
    g_assert_cmpfloat(worst, <, 3e-7);
}

static void test_functions_are_accurate(void)
{
    check_function(vec_exp, exp, -86, 88);
    check_function(vec_exp, exp, -1, 1);
    check_function(vec_tanh, tanh, -12, 12);
    check_function(vec_tanh, tanh, -1e-3, 1e-3);
    check_function(vec_atan, atan, -50, 50);
    check_function(vec_atan, atan, -1e-3, 1e-3);
}

/* No finite argument gives an infinity or a NaN, and a NaN stays a NaN. */
static void test_functions_at_the_ends(void)
{
    g_assert_true(isfinite(vec_exp(1e30f)));
    g_assert_cmpfloat(vec_exp(-1e30f), <, 1e-37);
    g_assert_cmpfloat_with_epsilon((double)vec_tanh(1e30f), 1, 1e-7);
    g_assert_cmpfloat_with_epsilon((double)vec_tanh(-1e30f), -1, 1e-7);
    g_assert_cmpfloat_with_epsilon((double)vec_atan(-1e30f), -G_PI / 2, 1e-6);
    g_assert_true(isnan(vec_exp(NAN)));
    g_assert_true(isnan(vec_tanh(NAN)));
    g_assert_true(isnan(vec_atan(NAN)));
}

static void test_row_sums(void)
{
    float x[100], y[100];
    for (int n = 0; n <= 100; n++) {
        double sum = 0, dot = 0;
        for (int i = 0; i < n; i++) {
            x[i] = (float)(i % 7);
            y[i] = (float)(i % 5);
            sum += (double)x[i];
            dot += (double)(x[i] * y[i]);
        }
        g_assert_cmpfloat((double)row_sum(x, n), ==, sum);
        g_assert_cmpfloat((double)row_dot(x, y, n), ==, dot);
    }
}

/* ---- parity with torch in float ---- */

static void free_maps(real *maps[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        g_free(maps[l]);
    }
}

static void test_float_agrees_with_torch(void)
{
    MsflowSpec spec = {
        .channels = {8, 12, 16}, .size = {16, 8, 4}, .blocks = {1, 2, 2}, .condition = 8, .alpha = 1.9};
    g_autoptr(Golden) golden = golden_open("msflow_aio");
    g_autoptr(Msflow) flow = msflow_new(&spec, NULL);
    MsflowRun *run = msflow_run_new(flow, kernels_get(NULL), 2, TRUE, NULL);
    real *maps[SCALES], *dz[SCALES], logdet[2];
    const real *z[SCALES];
    double ld[2], dlogdet[2] = {-0.5, -0.5};
    int tensors;
    int64_t trainable;
    real *parameters = msflow_parameters(flow, &trainable, NULL);
    g_autofree real *gradient = g_new0(real, trainable);
    const Parameter *table = msflow_layout(flow, &tensors);
    golden_parameters(golden, table, tensors, parameters);
    msflow_refresh(flow);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("h%d", l);
        maps[l] = golden_real(golden, name);
    }
    msflow_forward(run, (const real *const *)maps, z, ld);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("z%d", l);
        int64_t count;
        golden_array(golden, name, &count);
        assert_golden(golden, name, z[l], 1e-5);
        dz[l] = g_new(real, count);
        for (int64_t i = 0; i < count; i++) {
            dz[l][i] = z[l][i] / 2;
        }
    }
    logdet[0] = (real)ld[0];
    logdet[1] = (real)ld[1];
    assert_golden(golden, "logdet", logdet, 1e-5);
    msflow_backward(run, (const real *const *)dz, dlogdet, gradient);
    assert_golden_flat(golden, "gradient", golden, table, tensors, gradient, 1e-4);
    msflow_run_free(run);
    free_maps(maps);
    free_maps(dz);
}

/* ---- real sizes: 256-px tiles through resnet18 ---- */

static const MsflowSpec resnet18 = {.channels = {64, 128, 256},
                                    .size = {64, 32, 16},
                                    .blocks = {2, 5, 8},
                                    .condition = 64,
                                    .alpha = 1.9,
                                    .seed = 1};

static void random_maps(const MsflowSpec *spec, int batch, real *maps[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)batch * spec->size[l] * spec->size[l] * spec->channels[l];
        Rng rng = rng_at(3, (uint64_t)l, 0);
        maps[l] = g_new(real, count);
        for (int64_t i = 0; i < count; i++) {
            maps[l][i] = (real)fabs(rng_normal(&rng));
        }
    }
}

static int64_t numbers_of(const Msflow *flow, const char *prefix)
{
    int tensors;
    int64_t sum = 0;
    const Parameter *table = msflow_layout(flow, &tensors);
    for (int t = 0; t < tensors; t++) {
        sum += table[t].trainable && g_str_has_prefix(table[t].name, prefix) ? table[t].count : 0;
    }
    return sum;
}

/* The parameter counts of stock MSFlow, and those of a quarter of a wide ResNet's channels. */
static void test_counts(void)
{
    g_autoptr(Msflow) flow = msflow_new(&resnet18, NULL);
    int64_t trainable;
    msflow_parameters(flow, &trainable, NULL);
    g_assert_cmpint(numbers_of(flow, "flow0."), ==, 277440);
    g_assert_cmpint(numbers_of(flow, "flow1."), ==, 1478400);
    g_assert_cmpint(numbers_of(flow, "flow2."), ==, 6203904);
    g_assert_cmpint(numbers_of(flow, "fusion."), ==, 1227408);
    g_assert_cmpint(trainable, ==, 9187152);
    g_assert_cmpint(msflow_dimensions(flow), ==, 458752 / 4);
}

static double largest_difference(const real *a, const real *b, int64_t count)
{
    double worst = 0;
    for (int64_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)(a[i] - b[i])));
    }
    return worst;
}

static int64_t latent_count(const Msflow *flow, int l)
{
    int64_t side = msflow_latent_size(flow, l);
    return side * side * msflow_latent_channels(flow, l);
}

#define BATCH 4

typedef struct {
    Msflow *flow;
    MsflowRun *run; /* for scoring */
    real *maps[SCALES];
    const real *z[SCALES];
    double logdet[BATCH];
} Scoring;

/* Stock MSFlow, or (glow) the default model. */
static void scoring_open(Scoring *s, gboolean glow)
{
    MsflowSpec spec = resnet18;
    spec.step = glow ? STEP_GLOW : STEP_AIO;
    spec.fpn = glow ? FPN_FIXED : FPN_NONE;
    spec.se = glow;
    s->flow = msflow_new(&spec, NULL);
    random_maps(&spec, BATCH, s->maps);
    g_assert_true(msflow_fit_begin(s->flow, NULL));
    do {
        msflow_fit_add(s->flow, BATCH, (const real *const *)s->maps);
    } while (msflow_fit_pass_end(s->flow));
    s->run = msflow_run_new(s->flow, kernels_get(NULL), BATCH, FALSE, NULL);
    msflow_forward(s->run, (const real *const *)s->maps, s->z, s->logdet);
}

static void scoring_close(Scoring *s)
{
    msflow_run_free(s->run);
    msflow_free(s->flow);
    free_maps(s->maps);
}

/* A run with packed weights agrees with one that gets its weights at each call. */
static void test_scoring_is_the_forward_of_training(gconstpointer glow)
{
    Scoring s;
    const real *z[SCALES];
    double logdet[BATCH];
    scoring_open(&s, glow != NULL);
    MsflowRun *training = msflow_run_new(s.flow, kernels_get(NULL), BATCH, TRUE, NULL);
    msflow_forward(training, (const real *const *)s.maps, z, logdet);
    for (int l = 0; l < SCALES; l++) {
        g_assert_cmpfloat(largest_difference(s.z[l], z[l], BATCH * latent_count(s.flow, l)), <, 1e-3);
    }
    for (int b = 0; b < BATCH; b++) {
        /* a sum over all dimensions of terms of both signs */
        g_assert_cmpfloat(fabs(s.logdet[b] - logdet[b]), <, 1e-7 * (double)msflow_dimensions(s.flow));
    }
    msflow_run_free(training);
    scoring_close(&s);
}

static void test_inverse(gconstpointer glow)
{
    Scoring s;
    const real *x[SCALES], *y[SCALES];
    scoring_open(&s, glow != NULL);
    msflow_flow_input(s.run, x);
    msflow_inverse(s.run, s.z, y);
    for (int l = 0; l < SCALES; l++) {
        g_assert_cmpfloat(largest_difference(y[l], x[l], BATCH * latent_count(s.flow, l)), <, 1e-3);
    }
    scoring_close(&s);
}

/* A tile gives the same bits at every position in the batch and with any neighbours. */
static void test_position_in_batch_does_not_matter(gconstpointer glow)
{
    Scoring s;
    real *before[SCALES];
    scoring_open(&s, glow != NULL);
    double logdet = s.logdet[BATCH - 1];
    for (int l = 0; l < SCALES; l++) {
        int64_t image = (int64_t)resnet18.size[l] * resnet18.size[l] * resnet18.channels[l];
        int64_t count = latent_count(s.flow, l);
        before[l] = g_memdup2(s.z[l] + (BATCH - 1) * count, count * sizeof(real));
        memcpy(s.maps[l], s.maps[l] + (BATCH - 1) * image, image * sizeof(real));
    }
    msflow_forward(s.run, (const real *const *)s.maps, s.z, s.logdet);
    g_assert_cmpfloat(s.logdet[0], ==, logdet);
    for (int l = 0; l < SCALES; l++) {
        int64_t bytes = latent_count(s.flow, l) * (int64_t)sizeof(real);
        g_assert_cmpmem(s.z[l], bytes, before[l], bytes);
    }
    free_maps(before);
    scoring_close(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/msflow/functions/accuracy", test_functions_are_accurate);
    g_test_add_func("/msflow/functions/ends", test_functions_at_the_ends);
    g_test_add_func("/msflow/functions/sums", test_row_sums);
    g_test_add_func("/msflow/torch", test_float_agrees_with_torch);
    g_test_add_func("/msflow/counts", test_counts);
    for (int glow = 0; glow < 2; glow++) {
        static const char *const kinds[] = {"aio", "glow-se-fpn"};
        g_autofree char *scoring = g_strdup_printf("/msflow/%s/scoring", kinds[glow]);
        g_autofree char *inverse = g_strdup_printf("/msflow/%s/inverse", kinds[glow]);
        g_autofree char *in_batch = g_strdup_printf("/msflow/%s/position", kinds[glow]);
        g_test_add_data_func(scoring, GINT_TO_POINTER(glow), test_scoring_is_the_forward_of_training);
        g_test_add_data_func(inverse, GINT_TO_POINTER(glow), test_inverse);
        g_test_add_data_func(in_batch, GINT_TO_POINTER(glow), test_position_in_batch_does_not_matter);
    }
    return g_test_run();
}

/* The invertible layers in double: AIO and Glow steps and the fusion flow against torch (tests/golden/flows), against their own
 * inverse, against brute-force Jacobians and against finite differences. */
#include "flows/layers/chain.h"
#include "flows/layers/fusion.h"
#include "flows/layers/invconv.h"
#include "tests/flow_golden.h"
#include "tests/flow_numeric.h"

/* ---- a step with its buffers ---- */

typedef struct {
    Poscode code;
    Step *step;
    ParameterLayout layout;
    GArray *table;
    Arena *arena, *run_arena;
    StepRun *run;
    int n, channels;
    int64_t rows;
    real *parameters, *x, *y, *dy, *dx, *gradient;
    double logdet[4], dlogdet[4];
} Bed;

static real *normals(const char *name, int64_t count)
{
    Rng rng = rng_at(5, rng_name(name), 0);
    real *x = g_new(real, count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = rng_normal(&rng);
    }
    return x;
}

static void bed_run(Bed *bed, gboolean training)
{
    g_autoptr(GError) error = NULL;
    g_clear_pointer(&bed->run_arena, arena_free);
    bed->run_arena = arena_new();
    bed->run = bed->step->ops->run_new(bed->step, bed->parameters, kernels_get("reference"), bed->n, training,
                                       NULL, bed->run_arena);
    g_assert_true(arena_check(bed->run_arena, &error));
}

static void bed_open(Bed *bed, const StepOps *ops, int channels, int n, int h, int w, int condition,
                     gboolean new_form, gboolean se)
{
    StepSpec spec = {.condition = condition, .clamp_new = new_form, .se = se, .alpha = 1.9};
    *bed = (Bed){.n = n, .channels = channels, .rows = (int64_t)n * h * w};
    bed->arena = arena_new();
    poscode_init(&bed->code, condition, h, w, bed->arena);
    bed->step = ops->create(&bed->code, channels, &spec, bed->arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&bed->layout);
        ops->layout(bed->step, &bed->layout, "step");
    }
    bed->table = parameter_layout_by_offset(&bed->layout);
    bed->parameters = g_new0(real, bed->layout.trainable + bed->layout.fixed);
    parameter_layout_initialise(&bed->layout, 11, bed->parameters);
    ops->initialise(bed->step, 11, "step", bed->parameters);
    ops->refresh(bed->step, bed->parameters);
    bed->x = normals("x", bed->rows * channels);
    bed->y = g_new(real, bed->rows * channels);
    bed->dx = g_new(real, bed->rows * channels);
    bed->dy = normals("probe", bed->rows * channels);
    bed->gradient = g_new0(real, bed->layout.trainable);
    bed_run(bed, TRUE);
}

static void bed_close(Bed *bed)
{
    arena_free(bed->run_arena);
    arena_free(bed->arena);
    parameter_layout_clear(&bed->layout);
    g_array_unref(bed->table);
    g_free(bed->parameters);
    g_free(bed->x);
    g_free(bed->y);
    g_free(bed->dx);
    g_free(bed->dy);
    g_free(bed->gradient);
}

static const Parameter *bed_table(const Bed *bed)
{
    return (const Parameter *)(const void *)bed->table->data;
}

static void bed_forward(Bed *bed)
{
    memset(bed->logdet, 0, sizeof bed->logdet);
    bed->step->ops->forward(bed->run, bed->parameters, bed->x, bed->y, bed->logdet);
}

/* 0.5 sum z^2 - ld, mean over images; the parameters may have changed. */
static double bed_loss(void *data)
{
    Bed *bed = data;
    double sum = 0;
    bed->step->ops->refresh(bed->step, bed->parameters);
    bed_forward(bed);
    for (int64_t i = 0; i < bed->rows * bed->channels; i++) {
        sum += 0.5 * bed->y[i] * bed->y[i];
    }
    for (int b = 0; b < bed->n; b++) {
        sum -= bed->logdet[b];
        bed->dlogdet[b] = -1.0 / bed->n;
    }
    return sum / bed->n;
}

static double bed_backward(Bed *bed)
{
    double loss = bed_loss(bed);
    for (int64_t i = 0; i < bed->rows * bed->channels; i++) {
        bed->dy[i] = bed->y[i] / bed->n;
    }
    memset(bed->gradient, 0, bed->layout.trainable * sizeof *bed->gradient);
    bed->step->ops->backward(bed->run, bed->parameters, bed->x, bed->dlogdet, bed->dy, bed->dx,
                             bed->gradient);
    return loss;
}

/* ---- against torch ---- */

static void check_step_golden(const char *name, const StepOps *ops, int channels, int n, int h, int w,
                              int condition, gboolean new_form, gboolean se)
{
    g_autoptr(Golden) golden = golden_open(name);
    Bed bed;
    bed_open(&bed, ops, channels, n, h, w, condition, new_form, se);
    golden_parameters(golden, bed_table(&bed), (int)bed.table->len, bed.parameters);
    g_free(bed.x);
    bed.x = golden_real(golden, "x");
    if (ops->fit) { /* torch gives b, then a, in the order of our layout */
        ops->fit(bed.step, bed.rows, bed.x, bed.parameters);
        assert_golden(golden, "actnorm", bed.parameters + bed_table(&bed)[0].offset, 1e-12);
    }
    real loss = bed_backward(&bed), logdet[4] = {bed.logdet[0], bed.logdet[1]};
    assert_golden(golden, "z", bed.y, 1e-12);
    assert_golden(golden, "logdet", logdet, 1e-12);
    assert_golden(golden, "loss", &loss, 1e-12);
    assert_golden(golden, "dx", bed.dx, 1e-9);
    assert_golden_flat(golden, "gradient", golden, bed_table(&bed), (int)bed.table->len, bed.gradient, 1e-9);
    bed_close(&bed);
}

static void test_aio_as_torch(void)
{
    check_step_golden("aio_old", &aio_step, 8, 2, 4, 5, 8, FALSE, FALSE);
    check_step_golden("aio_new", &aio_step, 8, 2, 4, 5, 8, TRUE, FALSE);
    check_step_golden("aio_odd", &aio_step, 7, 2, 3, 3, 4, FALSE, FALSE);
}

static void test_glow_as_torch(void)
{
    check_step_golden("glow_se", &glow_step, 8, 2, 4, 3, 28, FALSE, TRUE);
    check_step_golden("glow_odd", &glow_step, 7, 2, 5, 7, 4, FALSE, FALSE);
}

/* ---- properties of both kinds ---- */

static void shake(Bed *bed)
{
    Rng rng = rng_at(6, 7, 8);
    for (int64_t i = 0; i < bed->layout.trainable; i++) {
        bed->parameters[i] += 0.2 * rng_normal(&rng);
    }
    bed->step->ops->refresh(bed->step, bed->parameters);
}

static void check_inverse(const StepOps *ops, int channels, gboolean se)
{
    Bed bed;
    for (int training = 0; training < 2; training++) {
        bed_open(&bed, ops, channels, 2, 3, 4, 8, training, se);
        shake(&bed);
        bed_run(&bed, training);
        bed_forward(&bed);
        bed.step->ops->inverse(bed.run, bed.parameters, bed.y);
        for (int64_t i = 0; i < bed.rows * channels; i++) {
            g_assert_cmpfloat_with_epsilon(bed.y[i], bed.x[i], 1e-12);
        }
        bed_close(&bed);
    }
}

static void check_gradients(const StepOps *ops, int channels, gboolean new_form, gboolean se)
{
    Bed bed;
    bed_open(&bed, ops, channels, 2, 2, 3, 4, new_form, se);
    shake(&bed);
    bed_backward(&bed);
    for (int64_t i = 0; i < bed.layout.trainable; i += 1 + i / 300) { /* all of the small tensors */
        double error = slope_error(bed_loss, &bed, bed.parameters + i, bed.gradient[i]);
        g_assert_cmpfloat(error, <, 1e-7 * fmax(1, fabs(bed.gradient[i])));
    }
    for (int64_t i = 0; i < bed.rows * channels; i++) {
        double error = slope_error(bed_loss, &bed, bed.x + i, bed.dx[i]);
        g_assert_cmpfloat(error, <, 1e-7 * fmax(1, fabs(bed.dx[i])));
    }
    bed_close(&bed);
}

/* ld = ln |det dz/dx|, one image. */
static void check_logdet(const StepOps *ops, int channels, gboolean se)
{
    Bed bed;
    bed_open(&bed, ops, channels, 1, 2, 2, 4, FALSE, se);
    shake(&bed);
    bed_run(&bed, FALSE);
    int d = (int)bed.rows * channels;
    g_autofree double *jacobian = g_new(double, d *d);
    for (int i = 0; i < d; i++) {
        real keep = bed.x[i];
        bed.x[i] = keep + 1e-5;
        bed_forward(&bed);
        for (int k = 0; k < d; k++) {
            jacobian[k * d + i] = bed.y[k] / 2e-5;
        }
        bed.x[i] = keep - 1e-5;
        bed_forward(&bed);
        for (int k = 0; k < d; k++) {
            jacobian[k * d + i] -= bed.y[k] / 2e-5;
        }
        bed.x[i] = keep;
    }
    bed_forward(&bed);
    g_assert_cmpfloat_with_epsilon(bed.logdet[0], log_determinant(jacobian, d), 1e-7);
    bed_close(&bed);
}

/* Images do not affect each other: another order gives the same results in that order. */
static void check_batch(const StepOps *ops)
{
    enum { C = 6, N = 3 };
    Bed bed;
    bed_open(&bed, ops, C, N, 2, 3, 4, FALSE, TRUE);
    shake(&bed);
    bed_forward(&bed);
    int64_t image = bed.rows / N * C;
    g_autofree real *first = g_memdup2(bed.y, bed.rows * C * sizeof *bed.y),
                    *x = g_memdup2(bed.x, bed.rows * C * sizeof *bed.x);
    double logdet[N] = {bed.logdet[0], bed.logdet[1], bed.logdet[2]};
    for (int b = 0; b < N; b++) {
        memcpy(bed.x + b * image, x + (b + 1) % N * image, image * sizeof *x);
    }
    bed_forward(&bed);
    for (int b = 0; b < N; b++) {
        g_assert_cmpmem(bed.y + b * image, image * sizeof *x, first + (b + 1) % N * image, image * sizeof *x);
        g_assert_cmpfloat(bed.logdet[b], ==, logdet[(b + 1) % N]);
    }
    bed_close(&bed);
}

static void test_step_properties(void)
{
    static const StepOps *const kinds[] = {&aio_step, &glow_step};
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (int variant = 0; variant < 4; variant++) {
            int channels = variant & 1 ? 5 : 6;
            check_inverse(kinds[k], channels, variant & 2);
            check_gradients(kinds[k], channels, variant & 1, variant & 2);
            check_logdet(kinds[k], channels, variant & 2);
        }
        check_batch(kinds[k]);
    }
}

/* An AIO block starts with s = 1 and a channel permutation. */
static void test_aio_start(void)
{
    Bed bed;
    bed_open(&bed, &aio_step, 6, 1, 1, 1, 0, FALSE, FALSE);
    const Parameter *t = bed_table(&bed);
    gboolean seen[6] = {FALSE};
    memset(bed.parameters + t[2].offset, 0,
           (bed.layout.trainable - t[2].offset) * sizeof(real)); /* the subnet */
    bed.step->ops->refresh(bed.step, bed.parameters);
    bed_forward(&bed);
    g_assert_cmpfloat_with_epsilon(bed.logdet[0], 0, 1e-12);
    for (int k = 0; k < 6; k++) {
        int from = (int)bed.parameters[bed.layout.trainable + k];
        g_assert_cmpfloat_with_epsilon(bed.y[k], bed.x[from], 1e-12);
        g_assert_false(seen[from]);
        seen[from] = TRUE;
    }
    bed_close(&bed);
}

/* ---- ActNorm and 1x1 convolution ---- */

static void test_invconv_starts_orthogonal(void)
{
    enum { C = 24 };
    Invconv layer;
    ParameterLayout layout = {0};
    g_autoptr(Arena) arena = arena_new();
    invconv_init(&layer, C, 1, 1, arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&layout);
        invconv_layout(&layer, &layout, "a");
    }
    g_autofree real *parameters = g_new0(real, layout.trainable + layout.fixed);
    parameter_layout_initialise(&layout, 1, parameters);
    invconv_initialise(&layer, 1, "a", parameters);
    invconv_refresh(&layer, parameters);
    g_assert_cmpint(layout.trainable, ==, C * C + 2 * C);
    g_assert_cmpfloat_with_epsilon(layer.logdet, 0, 1e-12);
    for (int i = 0; i < C; i++) {
        for (int j = 0; j < C; j++) {
            double sum = 0;
            for (int k = 0; k < C; k++) {
                sum += layer.map[i * C + k] * layer.map[j * C + k];
            }
            g_assert_cmpfloat_with_epsilon(sum, i == j, 1e-12);
        }
    }
    parameters[layer.log_scale] = 40; /* large values are clamped */
    parameters[layer.lu] = -40;
    invconv_refresh(&layer, parameters);
    g_assert_cmpfloat(parameters[layer.log_scale], ==, 9);
    g_assert_cmpfloat(parameters[layer.lu], ==, -6);
    parameter_layout_clear(&layout);
}

/* After the fit to data each channel has mean 0 and deviation 1, but a channel that hardly varies is not amplified without limit. */
static void test_actnorm_starts_from_data(void)
{
    enum { C = 3, ROWS = 50 };
    real x[ROWS * C], parameters[C * C + 4 * C];
    Invconv layer;
    ParameterLayout layout = {0};
    Rng rng = rng_at(1, 2, 3);
    g_autoptr(Arena) arena = arena_new();
    invconv_init(&layer, C, 1, 1, arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&layout);
        invconv_layout(&layer, &layout, "a");
    }
    for (int i = 0; i < ROWS; i++) {
        x[i * C] = 7 + 3 * rng_normal(&rng);
        x[i * C + 1] = 2;
        x[i * C + 2] = 1e-5 * rng_normal(&rng);
    }
    invconv_fit(&layer, ROWS, x, parameters);
    const real *b = parameters + layer.bias, *a = parameters + layer.log_scale;
    double mean = 0, square = 0;
    for (int i = 0; i < ROWS; i++) {
        double n = (x[i * C] + b[0]) * exp(a[0]);
        mean += n / ROWS;
        square += n * n / ROWS;
    }
    g_assert_cmpfloat_with_epsilon(mean, 0, 1e-12);
    g_assert_cmpfloat_with_epsilon(square, 1, 1e-12);
    g_assert_cmpfloat_with_epsilon(b[1], -2, 1e-12);
    g_assert_cmpfloat_with_epsilon(a[1], log(1e3), 1e-12);
    g_assert_cmpfloat_with_epsilon(a[2], log(1e3), 1e-12);
    parameter_layout_clear(&layout);
}

/* ---- fusion flow ---- */

typedef struct {
    Fusion fusion;
    ParameterLayout layout;
    GArray *table;
    Arena *arena;
    FusionRun run;
    int n;
    int64_t count[SCALES];
    real *parameters, *gradient, *x[SCALES], *dx[SCALES];
    double logdet[2];
} FusionBed;

static void fusion_open(FusionBed *bed, const int channels[SCALES], const int size[SCALES], int n)
{
    *bed = (FusionBed){.n = n};
    bed->arena = arena_new();
    fusion_init(&bed->fusion, channels, size, 1.9, bed->arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&bed->layout);
        fusion_layout(&bed->fusion, &bed->layout, "fusion");
    }
    bed->table = parameter_layout_by_offset(&bed->layout);
    bed->parameters = g_new0(real, bed->layout.trainable + bed->layout.fixed);
    bed->gradient = g_new0(real, bed->layout.trainable);
    parameter_layout_initialise(&bed->layout, 3, bed->parameters);
    fusion_initialise(&bed->fusion, 3, "fusion", bed->parameters);
    fusion_refresh(&bed->fusion, bed->parameters);
    for (int l = 0; l < SCALES; l++) {
        bed->count[l] = (int64_t)n * size[l] * size[l] * channels[l];
        bed->x[l] = normals(l == 0 ? "x0" : l == 1 ? "x1" : "x2", bed->count[l]);
        bed->dx[l] = g_new(real, bed->count[l]);
    }
    fusion_run_init(&bed->run, &bed->fusion, bed->parameters, kernels_get("reference"), n, TRUE, bed->arena);
    g_assert_true(arena_check(bed->arena, NULL));
}

static void fusion_close(FusionBed *bed)
{
    arena_free(bed->arena);
    parameter_layout_clear(&bed->layout);
    g_array_unref(bed->table);
    for (int l = 0; l < SCALES; l++) {
        g_free(bed->x[l]);
        g_free(bed->dx[l]);
    }
    g_free(bed->parameters);
    g_free(bed->gradient);
}

static double fusion_loss(void *data)
{
    FusionBed *bed = data;
    double sum = 0;
    memset(bed->logdet, 0, sizeof bed->logdet);
    fusion_forward(&bed->run, bed->parameters, (const real *const *)bed->x, bed->logdet);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed->count[l]; i++) {
            sum += 0.5 * bed->run.z[l][i] * bed->run.z[l][i];
        }
    }
    for (int b = 0; b < bed->n; b++) {
        sum -= bed->logdet[b];
    }
    return sum / bed->n;
}

static double fusion_gradients(FusionBed *bed)
{
    double loss = fusion_loss(bed), dlogdet[2] = {-1.0 / bed->n, -1.0 / bed->n};
    real *dz[SCALES];
    for (int l = 0; l < SCALES; l++) {
        dz[l] = g_memdup2(bed->run.z[l], bed->count[l] * sizeof(real));
        for (int64_t i = 0; i < bed->count[l]; i++) {
            dz[l][i] /= bed->n;
        }
    }
    fusion_backward(&bed->run, bed->parameters, (const real *const *)dz, dlogdet, bed->dx, bed->gradient);
    for (int l = 0; l < SCALES; l++) {
        g_free(dz[l]);
    }
    return loss;
}

static void test_fusion_as_torch(void)
{
    static const int channels[SCALES] = {8, 12, 16}, size[SCALES] = {8, 4, 2};
    g_autoptr(Golden) golden = golden_open("fusion");
    FusionBed bed;
    fusion_open(&bed, channels, size, 2);
    const Parameter *table = (const Parameter *)(const void *)bed.table->data;
    golden_parameters(golden, table, (int)bed.table->len, bed.parameters);
    fusion_refresh(&bed.fusion, bed.parameters);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("x%d", l);
        g_free(bed.x[l]);
        bed.x[l] = golden_real(golden, name);
    }
    real loss = fusion_gradients(&bed), logdet[2] = {bed.logdet[0], bed.logdet[1]};
    assert_golden(golden, "loss", &loss, 1e-12);
    assert_golden(golden, "logdet", logdet, 1e-12);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *z = g_strdup_printf("z%d", l), *dx = g_strdup_printf("dx%d", l);
        assert_golden(golden, z, bed.run.z[l], 1e-12);
        assert_golden(golden, dx, bed.dx[l], 1e-9);
    }
    assert_golden_flat(golden, "gradient", golden, table, (int)bed.table->len, bed.gradient, 1e-9);
    fusion_close(&bed);
}

static void test_fusion_gradients(void)
{
    static const int channels[SCALES] = {9, 8, 11},
                     size[SCALES] = {5, 3, 2}; /* odd channels, sizes that are not multiples */
    FusionBed bed;
    fusion_open(&bed, channels, size, 2);
    fusion_gradients(&bed);
    for (int64_t i = 0; i < bed.layout.trainable; i++) {
        double error = slope_error(fusion_loss, &bed, bed.parameters + i, bed.gradient[i]);
        g_assert_cmpfloat(error, <, 1e-7 * fmax(1, fabs(bed.gradient[i])));
    }
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed.count[l]; i++) {
            double error = slope_error(fusion_loss, &bed, bed.x[l] + i, bed.dx[l][i]);
            g_assert_cmpfloat(error, <, 1e-7 * fmax(1, fabs(bed.dx[l][i])));
        }
    }
    fusion_close(&bed);
}

static void test_fusion_inverse(void)
{
    static const int channels[SCALES] = {4, 6, 7}, size[SCALES] = {8, 4, 2};
    FusionBed bed;
    fusion_open(&bed, channels, size, 2);
    fusion_loss(&bed);
    fusion_inverse(&bed.run, bed.parameters, (const real *const *)bed.run.z, bed.dx);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed.count[l]; i++) {
            g_assert_cmpfloat_with_epsilon(bed.dx[l][i], bed.x[l][i], 1e-12);
        }
    }
    fusion_close(&bed);
}

/* Latents are clamped to +-1e6, and no gradient passes there. */
static void test_fusion_limits(void)
{
    static const int channels[SCALES] = {4, 4, 4}, size[SCALES] = {2, 1, 1};
    FusionBed bed;
    fusion_open(&bed, channels, size, 1);
    int a = bed.fusion.source[2][0]; /* channel of x that becomes a'_0 */
    memset(bed.parameters, 0, bed.layout.trainable * sizeof(real));
    bed.x[2][a] = 3e6;
    fusion_gradients(&bed);
    g_assert_cmpfloat(bed.run.z[2][0], ==, 1e6);
    g_assert_cmpfloat(bed.dx[2][a], ==, 0);
    fusion_close(&bed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow-steps/aio/torch", test_aio_as_torch);
    g_test_add_func("/flow-steps/aio/start", test_aio_start);
    g_test_add_func("/flow-steps/glow/torch", test_glow_as_torch);
    g_test_add_func("/flow-steps/properties", test_step_properties);
    g_test_add_func("/flow-steps/invconv/orthogonal", test_invconv_starts_orthogonal);
    g_test_add_func("/flow-steps/invconv/actnorm", test_actnorm_starts_from_data);
    g_test_add_func("/flow-steps/fusion/torch", test_fusion_as_torch);
    g_test_add_func("/flow-steps/fusion/gradients", test_fusion_gradients);
    g_test_add_func("/flow-steps/fusion/inverse", test_fusion_inverse);
    g_test_add_func("/flow-steps/fusion/limits", test_fusion_limits);
    return g_test_run();
}

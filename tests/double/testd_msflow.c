/* The whole flow in double: stock MSFlow and the Glow variant with SE and fixed FPN against torch, then inverse, Jacobian,
 * gradients, composition, independence of the batch, and what msflow.h promises about parameters. */
#include "flows/training/adam.h"
#include "flows/layers/avgpool.h"
#include "flows/models/msflow.h"
#include "flows/kernels/squares.h"
#include "base/error.h"
#include "tests/flow_golden.h"
#include "tests/flow_numeric.h"

static const MsflowSpec tiny = {.channels = {8, 12, 16},
                                .size = {16, 8, 4},
                                .blocks = {1, 2, 2},
                                .condition = 8,
                                .alpha = 1.9,
                                .seed = 4};

typedef struct {
    Msflow *flow;
    MsflowRun *run;
    int batch;
    real *maps[SCALES], *dz[SCALES];
    int64_t latents[SCALES], trainable;
    real *parameters, *gradient;
    const real *z[SCALES];
    double logdet[4], dlogdet[4];
} Bed;

static void bed_open(Bed *bed, const MsflowSpec *spec, int batch)
{
    g_autoptr(GError) error = NULL;
    *bed = (Bed){.batch = batch};
    bed->flow = msflow_new(spec, &error);
    g_assert_no_error(error);
    bed->parameters = msflow_parameters(bed->flow, &bed->trainable, NULL);
    bed->gradient = g_new0(real, bed->trainable);
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(bed->flow, l);
        int64_t count = (int64_t)batch * spec->size[l] * spec->size[l] * spec->channels[l];
        Rng rng = rng_at(9, (uint64_t)l, 0);
        bed->maps[l] = g_new(real, count);
        for (int64_t i = 0; i < count; i++) {
            bed->maps[l][i] = fabs(rng_normal(&rng)); /* as after a ReLU */
        }
        bed->latents[l] = (int64_t)batch * side * side * msflow_latent_channels(bed->flow, l);
        bed->dz[l] = g_new(real, bed->latents[l]);
    }
}

static void bed_start(Bed *bed, gboolean training)
{
    g_autoptr(GError) error = NULL;
    msflow_refresh(bed->flow);
    bed->run = msflow_run_new(bed->flow, kernels_get("reference"), bed->batch, training, &error);
    g_assert_no_error(error);
}

static void bed_close(Bed *bed)
{
    msflow_run_free(bed->run);
    msflow_free(bed->flow);
    g_free(bed->gradient);
    for (int l = 0; l < SCALES; l++) {
        g_free(bed->maps[l]);
        g_free(bed->dz[l]);
    }
}

/* Statistics, pyramid and ActNorm from the maps themselves. */
static void bed_fit(Bed *bed)
{
    const MsflowSpec *spec = msflow_spec(bed->flow);
    real *pooled[SCALES];
    g_assert_true(msflow_fit_begin(bed->flow, NULL));
    do {
        msflow_fit_add(bed->flow, bed->batch, (const real *const *)bed->maps);
    } while (msflow_fit_pass_end(bed->flow));
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(bed->flow, l);
        pooled[l] = g_new(real, (int64_t)bed->batch * side * side * spec->channels[l]);
        avgpool_forward(bed->batch, spec->size[l], spec->size[l], spec->channels[l], bed->maps[l], pooled[l]);
    }
    g_assert_true(msflow_init_actnorm(bed->flow, kernels_get("reference"), bed->batch,
                                      (const real *const *)pooled, NULL));
    for (int l = 0; l < SCALES; l++) {
        g_free(pooled[l]);
    }
}

/* Away from where parameters start. */
static void bed_shake(Bed *bed)
{
    Rng rng = rng_at(6, 7, 8);
    for (int64_t i = 0; i < bed->trainable; i++) {
        bed->parameters[i] += 0.05 * rng_normal(&rng);
    }
    msflow_refresh(bed->flow);
}

static double bed_loss(void *data)
{
    Bed *bed = data;
    double sum = 0;
    msflow_refresh(bed->flow);
    msflow_forward(bed->run, (const real *const *)bed->maps, bed->z, bed->logdet);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed->latents[l]; i++) {
            sum += 0.5 * bed->z[l][i] * bed->z[l][i];
            bed->dz[l][i] = bed->z[l][i] / bed->batch;
        }
    }
    for (int b = 0; b < bed->batch; b++) {
        sum -= bed->logdet[b];
        bed->dlogdet[b] = -1.0 / bed->batch;
    }
    return sum / bed->batch;
}

static double bed_gradient(Bed *bed)
{
    double loss = bed_loss(bed);
    memset(bed->gradient, 0, bed->trainable * sizeof *bed->gradient);
    msflow_backward(bed->run, (const real *const *)bed->dz, bed->dlogdet, bed->gradient);
    return loss;
}

/* ---- against torch ---- */

static void bed_golden(Bed *bed, Golden *golden)
{
    int tensors;
    const Parameter *table = msflow_layout(bed->flow, &tensors);
    golden_parameters(golden, table, tensors, bed->parameters);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("h%d", l);
        g_free(bed->maps[l]);
        bed->maps[l] = golden_real(golden, name);
    }
    msflow_refresh(bed->flow);
}

static void assert_model(Bed *bed, Golden *golden)
{
    int tensors;
    const Parameter *table = msflow_layout(bed->flow, &tensors);
    real loss = bed_gradient(bed), logdet[4];
    for (int b = 0; b < bed->batch; b++) {
        logdet[b] = bed->logdet[b];
    }
    assert_golden(golden, "loss", &loss, 1e-12);
    assert_golden(golden, "logdet", logdet, 1e-12);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("z%d", l);
        assert_golden(golden, name, bed->z[l], 1e-11);
    }
    assert_golden_flat(golden, "gradient", golden, table, tensors, bed->gradient, 2e-7); /* stored as float */
}

/* Adam with clipping: the parameters after three steps and the losses of fifty.  Laterals that are trained learn a hundred times
 * slower and stay orthonormal. */
static void bed_train(Bed *bed, const Golden *order, Golden *after)
{
    Adam adam = adam_default(), slow = adam_default();
    int64_t flows = msflow_before_flows(bed->flow);
    g_autofree real *moments = g_new0(real, 2 * bed->trainable);
    int64_t steps;
    const double *losses = golden_array(after, "losses", &steps);
    int tensors;
    const Parameter *table = msflow_layout(bed->flow, &tensors);
    adam.learning_rate = 1e-4;
    slow.learning_rate = 1e-6;
    g_assert_cmpint(steps, ==, 50);
    for (int step = 1; step <= steps; step++) {
        double loss = bed_gradient(bed), norm = sqrt(squares_sum(bed->gradient, bed->trainable));
        g_assert_cmpfloat_with_epsilon(loss, losses[step - 1], 1e-9 * fabs(losses[step - 1]));
        adam_step(&adam, step, flows, bed->gradient, adam_clip(norm, 2.0), bed->parameters, moments,
                  moments + bed->trainable);
        adam_step(&slow, step, bed->trainable - flows, bed->gradient + flows, adam_clip(norm, 2.0),
                  bed->parameters + flows, moments + flows, moments + bed->trainable + flows);
        msflow_constrain(bed->flow);
        if (step == 3) {
            assert_golden_flat(after, "stepped", order, table, tensors, bed->parameters,
                               2e-7); /* stored as float */
        }
    }
}

static void test_stock_msflow_as_torch(void)
{
    g_autoptr(Golden) golden = golden_open("msflow_aio"), after = golden_open("msflow_aio_adam");
    Bed bed;
    bed_open(&bed, &tiny, 2);
    bed_golden(&bed, golden);
    bed_start(&bed, TRUE);
    assert_model(&bed, golden);
    bed_train(&bed, golden, after);
    bed_close(&bed);
}

static void check_glow(FpnKind fpn, const char *name, const char *name_after)
{
    g_autoptr(Golden) golden = golden_open(name), after = golden_open(name_after);
    MsflowSpec spec = tiny;
    int tensors;
    Bed bed;
    spec.step = STEP_GLOW;
    spec.fpn = fpn;
    spec.se = TRUE;
    bed_open(&bed, &spec, 4);
    g_assert_cmpint(msflow_spec(bed.flow)->fpn_width, ==, 8);
    bed_golden(&bed, golden);
    bed_fit(&bed);
    const Parameter *table = msflow_layout(bed.flow, &tensors);
    for (int t = 0; t < tensors; t++) { /* statistics, principal directions, ActNorm */
        if (strncmp(table[t].name, "fpn.", 4) == 0 || strstr(table[t].name, "actnorm")) {
            g_autofree char *fitted = g_strdup_printf("fitted.%s", table[t].name);
            assert_golden(golden, fitted, bed.parameters + table[t].offset, 1e-10);
        }
    }
    bed_start(&bed, TRUE);
    assert_model(&bed, golden);
    bed_train(&bed, golden, after);
    bed_close(&bed);
}

static void test_glow_se_fpn_as_torch(void)
{
    check_glow(FPN_FIXED, "msflow_glow_se_fpn", "msflow_glow_se_fpn_adam");
    check_glow(FPN_ORTHOGONAL, "msflow_glow_se_orthogonal", "msflow_glow_se_orthogonal_adam");
}

/* ---- properties ---- */

static MsflowSpec variant(int v)
{
    MsflowSpec spec = tiny;
    spec.step = v & 1 ? STEP_GLOW : STEP_AIO;
    spec.fpn = v & 2 ? FPN_FIXED : FPN_NONE;
    spec.se = spec.clamp_new = (v & 4) != 0;
    return spec;
}

static void test_inverse(void)
{
    for (int v = 0; v < 16; v++) {
        MsflowSpec spec = variant(v);
        const real *y[SCALES], *x[SCALES];
        Bed bed;
        bed_open(&bed, &spec, 2);
        bed_fit(&bed);
        bed_shake(&bed);
        bed_start(&bed, v & 8);
        bed_loss(&bed);
        msflow_flow_input(bed.run, x);
        msflow_inverse(bed.run, bed.z, y);
        for (int l = 0; l < SCALES; l++) {
            for (int64_t i = 0; i < bed.latents[l]; i++) {
                g_assert_cmpfloat_with_epsilon(y[l][i], x[l][i], 1e-11);
            }
        }
        bed_close(&bed);
    }
}

/* The parts of the positions and what is the same for every tile make up the log-determinant. */
static void test_local_log_determinants(void)
{
    for (int v = 0; v < 8; v++) {
        MsflowSpec spec = variant(v);
        const real *local[SCALES];
        double rest[4] = {0};
        Bed bed;
        bed_open(&bed, &spec, 3);
        bed_fit(&bed);
        bed_shake(&bed);
        bed_start(&bed, FALSE);
        bed_loss(&bed);
        msflow_local_logdet(bed.run, local);
        for (int b = 0; b < 3; b++) {
            rest[b] = bed.logdet[b];
            for (int l = 0; l < SCALES; l++) {
                int positions = msflow_latent_size(bed.flow, l) * msflow_latent_size(bed.flow, l);
                for (int p = 0; p < positions; p++) {
                    rest[b] -= local[l][b * positions + p];
                }
            }
            g_assert_cmpfloat_with_epsilon(rest[b], rest[0], 1e-9);
        }
        g_assert_cmpfloat(fabs(bed.logdet[1] - bed.logdet[0]), >, 1e-3);
        bed_close(&bed);
    }
}

static void test_gradients(void)
{
    for (int v = 0; v < 8; v += 1 + v % 2) { /* 0 1 3 5 7 */
        MsflowSpec spec = variant(v);
        int tensors;
        Rng rng = rng_at(1, 1, (uint32_t)v);
        Bed bed;
        bed_open(&bed, &spec, 4);
        bed_fit(&bed);
        bed_shake(&bed);
        bed_start(&bed, TRUE);
        bed_gradient(&bed);
        const Parameter *table = msflow_layout(bed.flow, &tensors);
        for (int t = 0; t < tensors && table[t].trainable; t++) {
            for (int k = 0; k < 2; k++) {
                int64_t at = table[t].offset + rng_below(&rng, (uint32_t)table[t].count);
                double error = slope_error(bed_loss, &bed, bed.parameters + at, bed.gradient[at]);
                if (error > 1e-6 * fmax(1, fabs(bed.gradient[at]))) {
                    g_error("variant %d, %s: gradient %g is wrong by %g", v, table[t].name, bed.gradient[at],
                            error);
                }
            }
        }
        bed_close(&bed);
    }
}

/* ld of everything together is ln |det dz/d(pooled)|: scales, steps and fusion add up. */
static void test_logdet_is_that_of_the_jacobian(void)
{
    MsflowSpec spec = {.channels = {4, 4, 4},
                       .size = {7, 3, 1},
                       .blocks = {2, 1, 2},
                       .condition = 4,
                       .alpha = 1.9,
                       .seed = 2};
    for (int step = 0; step < 2; step++) {
        int d, row = 0, column = 0;
        Bed bed;
        spec.step = step ? STEP_GLOW : STEP_AIO;
        spec.se = step;
        bed_open(&bed, &spec, 1);
        bed_shake(&bed);
        bed_start(&bed, FALSE);
        d = (int)msflow_dimensions(bed.flow);
        g_assert_cmpint(d, ==, 4 * 4 * 4 + 2 * 2 * 4 + 4);
        g_autofree double *jacobian = g_new0(double, d *d);
        for (int m = 0; m < SCALES; m++) { /* maps serve as pooled ones: large enough */
            for (int64_t i = 0; i < bed.latents[m]; i++, column++) {
                for (int sign = -1; sign <= 1; sign += 2) {
                    bed.maps[m][i] += sign * 1e-5;
                    msflow_forward_pooled(bed.run, (const real *const *)bed.maps, bed.z, bed.logdet);
                    bed.maps[m][i] -= sign * 1e-5;
                    row = 0;
                    for (int l = 0; l < SCALES; l++) {
                        for (int64_t k = 0; k < bed.latents[l]; k++, row++) {
                            jacobian[row * d + column] += sign * bed.z[l][k] / 2e-5;
                        }
                    }
                }
            }
        }
        msflow_forward_pooled(bed.run, (const real *const *)bed.maps, bed.z, bed.logdet);
        g_assert_cmpfloat_with_epsilon(bed.logdet[0], log_determinant(jacobian, d), 1e-6);
        bed_close(&bed);
    }
}

/* A batch is its images: z, ld and the gradient of a sum are those of the images alone. */
static void test_batch_is_its_images(void)
{
    MsflowSpec spec = variant(7);
    Bed whole, one;
    bed_open(&whole, &spec, 3);
    bed_fit(&whole);
    bed_start(&whole, TRUE);
    bed_gradient(&whole);
    bed_open(&one, &spec, 1);
    memcpy(one.parameters, whole.parameters, whole.trainable * sizeof(real));
    int64_t all;
    msflow_parameters(whole.flow, NULL, &all);
    memcpy(one.parameters, whole.parameters, all * sizeof(real));
    bed_start(&one, TRUE);
    g_autofree real *sum = g_new0(real, whole.trainable);
    for (int b = 0; b < 3; b++) {
        for (int l = 0; l < SCALES; l++) {
            int64_t count = (int64_t)spec.size[l] * spec.size[l] * spec.channels[l];
            memcpy(one.maps[l], whole.maps[l] + b * count, count * sizeof(real));
        }
        bed_gradient(&one);
        g_assert_cmpfloat(one.logdet[0], ==, whole.logdet[b]);
        for (int l = 0; l < SCALES; l++) {
            g_assert_cmpmem(one.z[l], one.latents[l] * sizeof(real), whole.z[l] + b * one.latents[l],
                            one.latents[l] * sizeof(real));
        }
        for (int64_t i = 0; i < whole.trainable; i++) {
            sum[i] += one.gradient[i] / 3;
        }
    }
    for (int64_t i = 0; i < whole.trainable; i++) {
        g_assert_cmpfloat_with_epsilon(sum[i], whole.gradient[i], 1e-9 * fmax(1, fabs(sum[i])));
    }
    bed_close(&whole);
    bed_close(&one);
}

/* msflow_backward adds to the gradient. */
static void test_gradient_accumulates(void)
{
    Bed bed;
    bed_open(&bed, &tiny, 2);
    bed_start(&bed, TRUE);
    bed_gradient(&bed);
    g_autofree real *once = g_memdup2(bed.gradient, bed.trainable * sizeof(real));
    bed_loss(&bed);
    msflow_backward(bed.run, (const real *const *)bed.dz, bed.dlogdet, bed.gradient);
    for (int64_t i = 0; i < bed.trainable; i++) {
        g_assert_cmpfloat_with_epsilon(bed.gradient[i], 2 * once[i], 1e-12 * fmax(1, fabs(once[i])));
    }
    bed_close(&bed);
}

/* ---- the fixed pyramid ---- */

/* The same images in other batches give the same statistics, bit by bit. */
static void test_fit_does_not_depend_on_batches(void)
{
    MsflowSpec spec = variant(2);
    Bed together, apart;
    int64_t all;
    bed_open(&together, &spec, 4);
    bed_fit(&together);
    bed_open(&apart, &spec, 4);
    g_assert_true(msflow_fit_begin(apart.flow, NULL));
    do {
        for (int b = 0; b < 4; b += 2) {
            const real *part[SCALES];
            for (int l = 0; l < SCALES; l++) {
                part[l] = apart.maps[l] + (int64_t)b * spec.size[l] * spec.size[l] * spec.channels[l];
            }
            msflow_fit_add(apart.flow, 2, part);
        }
    } while (msflow_fit_pass_end(apart.flow));
    msflow_parameters(apart.flow, NULL, &all);
    g_assert_cmpmem(apart.parameters, all * sizeof(real), together.parameters, all * sizeof(real));
    bed_close(&together);
    bed_close(&apart);
}

/* What enters the flows has mean 0 and deviation 1 per channel, and a channel that never varies is named. */
static void test_fitted_pyramid_standardises(void)
{
    enum { DEAD = 5 };
    MsflowSpec spec = variant(2);
    const real *y[SCALES];
    int count;
    Bed bed;
    bed_open(&bed, &spec, 4);
    for (int64_t i = 0; i < 4 * 8 * 8; i++) {
        bed.maps[1][i * 12 + DEAD] = 0;
    }
    msflow_constant_channels(bed.flow, 1, &count);
    g_assert_cmpint(count, ==, 0);
    bed_fit(&bed);
    const int *constant = msflow_constant_channels(bed.flow, 1, &count);
    g_assert_cmpint(count, ==, 1);
    g_assert_cmpint(constant[0], ==, DEAD);
    bed_start(&bed, FALSE);
    bed_loss(&bed);
    msflow_flow_input(bed.run, y);
    for (int l = 0; l < SCALES; l++) {
        int width = msflow_latent_channels(bed.flow, l);
        int64_t rows = bed.latents[l] / width;
        for (int c = 0; c < width; c++) {
            double mean = 0, square = 0;
            for (int64_t p = 0; p < rows; p++) {
                mean += y[l][p * width + c] / (double)rows;
                square += y[l][p * width + c] * y[l][p * width + c] / (double)rows;
            }
            g_assert_cmpfloat_with_epsilon(mean, 0, 1e-9);
            g_assert_cmpfloat_with_epsilon(square, 1, 1e-9);
        }
    }
    bed_close(&bed);
}

/* ---- parameters ---- */

static void test_layout(void)
{
    MsflowSpec spec = variant(7);
    int tensors;
    int64_t at = 0, trainable, all;
    g_autoptr(Msflow) flow = msflow_new(&spec, NULL);
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    const Parameter *t = msflow_layout(flow, &tensors);
    msflow_parameters(flow, &trainable, &all);
    for (int i = 0; i < tensors; i++) {
        int64_t count = 1;
        for (int d = 0; d < t[i].rank; d++) {
            count *= t[i].shape[d];
        }
        g_assert_cmpint(count, ==, t[i].count);
        g_assert_cmpint(t[i].offset, ==, at); /* no holes */
        g_assert_true(t[i].trainable == (at < trainable));
        g_assert_true(g_hash_table_add(names, (char *)t[i].name));
        at += t[i].count;
    }
    g_assert_cmpint(at, ==, all);
    g_assert_true(g_hash_table_contains(names, "flow1.step1.coupling.conv1.weight"));
    g_assert_true(g_hash_table_contains(names, "fusion.net2.level0.S.weight"));
}

/* The same seed gives the same parameters, another seed others. */
static void test_seed(void)
{
    MsflowSpec spec = variant(1), other = variant(1);
    int64_t all;
    other.seed++;
    g_autoptr(Msflow) a = msflow_new(&spec, NULL), b = msflow_new(&spec, NULL), c = msflow_new(&other, NULL);
    const real *first = msflow_parameters(a, NULL, &all);
    g_assert_cmpmem(first, all * sizeof(real), msflow_parameters(b, NULL, NULL), all * sizeof(real));
    g_assert_cmpint(memcmp(first, msflow_parameters(c, NULL, NULL), all * sizeof(real)), !=, 0);
}

static void assert_refused(const MsflowSpec *spec, const char *word)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(msflow_new(spec, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, word));
}

/* A specification from a damaged file may ask for more memory than there is: an error, not the end of the program. */
static void test_too_much_memory_is_refused(void)
{
    MsflowSpec spec = tiny;
    g_autoptr(GError) error = NULL;
    for (int l = 0; l < SCALES; l++) {
        spec.channels[l] = 16384;
        spec.blocks[l] = 64;
    }
    g_assert_null(msflow_new(&spec, &error));
    g_assert_true(
        g_error_matches(error, WSI_ERROR, WSI_ERROR_MEMORY) ||
        g_error_matches(error, WSI_ERROR, WSI_ERROR_INPUT)); /* the system's refusal or ours comes first */
    g_clear_error(&error);
    g_autoptr(Msflow) flow = msflow_new(&tiny, NULL);
    g_assert_null(msflow_run_new(flow, kernels_get("reference"), 0, FALSE, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
}

static void test_bad_specifications_are_refused(void)
{
    MsflowSpec spec = tiny;
    spec.channels[1] = 1;
    assert_refused(&spec, "channels");
    spec = tiny;
    spec.size[2] = 99;
    assert_refused(&spec, "size");
    spec = tiny;
    spec.blocks[0] = -1;
    assert_refused(&spec, "blocks");
    spec = tiny;
    spec.condition = 6;
    assert_refused(&spec, "condition");
    spec = tiny;
    spec.alpha = NAN;
    assert_refused(&spec, "alpha");
    spec = tiny;
    spec.fpn_width = 9;
    assert_refused(&spec, "fpn_width");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/msflow/torch/stock", test_stock_msflow_as_torch);
    g_test_add_func("/msflow/torch/glow-se-fpn", test_glow_se_fpn_as_torch);
    g_test_add_func("/msflow/inverse", test_inverse);
    g_test_add_func("/msflow/gradients", test_gradients);
    g_test_add_func("/msflow/local-log-determinants", test_local_log_determinants);
    g_test_add_func("/msflow/jacobian", test_logdet_is_that_of_the_jacobian);
    g_test_add_func("/msflow/batch", test_batch_is_its_images);
    g_test_add_func("/msflow/accumulates", test_gradient_accumulates);
    g_test_add_func("/msflow/fit/batches", test_fit_does_not_depend_on_batches);
    g_test_add_func("/msflow/fit/standardises", test_fitted_pyramid_standardises);
    g_test_add_func("/msflow/layout", test_layout);
    g_test_add_func("/msflow/seed", test_seed);
    g_test_add_func("/msflow/refused", test_bad_specifications_are_refused);
    g_test_add_func("/msflow/memory", test_too_much_memory_is_refused);
    return g_test_run();
}

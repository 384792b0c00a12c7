/* Trained laterals, in double: their gradient, how their rows are made orthonormal, and the measures that show a collapse. */
#include "flows/training/adam.h"
#include "flows/training/collapse.h"
#include "flows/models/msflow.h"
#include "flows/layers/orthonormal.h"
#include "base/error.h"
#include "tests/flow_golden.h"
#include "tests/flow_numeric.h"

static real *normals(const char *name, int64_t count)
{
    Rng rng = rng_at(8, rng_name(name), 0);
    real *x = g_new(real, count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = rng_normal(&rng);
    }
    return x;
}

/* ---- orthonormal rows ---- */

/* max |W W' - 1|. */
static double orthonormality(int rows, int columns, const real *w)
{
    double worst = 0;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < rows; j++) {
            double sum = -(i == j);
            for (int k = 0; k < columns; k++) {
                sum += w[i * columns + k] * w[j * columns + k];
            }
            worst = fmax(worst, fabs(sum));
        }
    }
    return worst;
}

static void test_rows_become_orthonormal(void)
{
    enum { R = 6, C = 15 };
    static const double scales[] = {1e-3, 0.3, 1, 50};
    g_autofree double *work = g_new(double, orthonormal_work(R, C));
    for (size_t i = 0; i < G_N_ELEMENTS(scales); i++) {
        g_autofree real *w = normals("w", R * C), *again = NULL;
        for (int k = 0; k < R * C; k++) {
            w[k] *= scales[i];
        }
        orthonormal_rows(R, C, w, work);
        g_assert_cmpfloat(orthonormality(R, C, w), <, 1e-12);
        g_assert_cmpfloat_with_epsilon(orthonormal_smallest(R, C, w), 1, 1e-12);
        again = g_memdup2(w, R * C * sizeof *w);
        orthonormal_rows(R, C, again, work);
        for (int k = 0; k < R * C; k++) {
            g_assert_cmpfloat_with_epsilon(again[k], w[k], 1e-12);
        }
    }
}

/* The nearest one: the polar factor of diag(3, 0.5) Q is Q. */
static void test_nothing_turns(void)
{
    const real c = cos(0.7), s = sin(0.7);
    real w[4] = {3 * c, 3 * s, -0.5 * s, 0.5 * c}, expected[4] = {c, s, -s, c};
    double work[12];
    g_assert_cmpint(orthonormal_work(2, 2), ==, 12);
    g_assert_cmpfloat_with_epsilon(orthonormal_smallest(2, 2, w), 0.5, 1e-12);
    orthonormal_rows(2, 2, w, work);
    for (int i = 0; i < 4; i++) {
        g_assert_cmpfloat_with_epsilon(w[i], expected[i], 1e-12);
    }
}

static void test_what_cannot_be_orthonormal(void)
{
    real lost[6] = {1, 2, 3, 2, 4, 6}, broken[4] = {1, NAN, 0, 1};
    double work[30];
    orthonormal_rows(2, 3, lost, work);
    g_assert_cmpfloat(orthonormal_smallest(2, 3, lost), <, 1e-6);
    orthonormal_rows(2, 2, broken, work);
    g_assert_true(isnan(broken[1]));
    g_assert_true(isnan(orthonormal_smallest(2, 2, broken)));
}

/* ---- measures of a collapse ---- */

static void test_effective_rank_by_hand(void)
{
    /* eigenvalues 1 1 1; 3 1; 4 0 (rank one); none */
    static const double identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, mixed[4] = {2, 1, 1, 2},
                        one[4] = {2, 2, 2, 2}, nothing[4] = {0}, broken[4] = {1, NAN, NAN, 1};
    g_assert_cmpfloat_with_epsilon(collapse_effective_rank(3, identity), 3, 1e-15);
    g_assert_cmpfloat_with_epsilon(collapse_effective_rank(2, mixed), 16.0 / 10, 1e-15);
    g_assert_cmpfloat_with_epsilon(collapse_effective_rank(2, one), 1, 1e-15);
    g_assert_cmpfloat(collapse_effective_rank(2, nothing), ==, 0);
    g_assert_true(isnan(collapse_effective_rank(2, broken)));
    const double narrow[4] = {4, 0, 0, 0.0025};
    g_assert_cmpfloat_with_epsilon(collapse_smallest_deviation(2, narrow), 0.05, 1e-15);
    g_assert_cmpfloat_with_epsilon(collapse_smallest_deviation(2, mixed), sqrt(2), 1e-15);
}

static Collapse healthy(void)
{
    return (Collapse){{10, 8, 6}, {0.9, 0.8, 0.7}, {1, 1, 1}};
}

static void assert_collapsed(const Collapse *now, const char *word)
{
    g_autoptr(GError) error = NULL;
    Collapse start = healthy();
    g_assert_false(collapse_check(&start, now, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, word));
}

static void test_a_fifth_of_the_rank_is_too_much(void)
{
    Collapse start = healthy(), now = healthy();
    g_assert_true(collapse_check(&start, &now, NULL));
    now.rank[1] = 6.41;
    now.deviation[2] = 0.101;
    now.singular[0] = 1e-3; /* reported, but rank and deviation decide */
    g_assert_true(collapse_check(&start, &now, NULL));
    now.rank[1] = 6.39;
    assert_collapsed(&now, "scale 2 the effective rank");
    now.rank[1] = NAN;
    assert_collapsed(&now, "scale 2 the effective rank");
    now = healthy();
    now.deviation[2] = 0.099;
    assert_collapsed(&now, "scale 3 the standard deviation");
}

/* ---- in a flow ---- */

static const MsflowSpec tiny = {.channels = {8, 12, 16},
                                .size = {16, 8, 4},
                                .blocks = {1, 1, 1},
                                .step = STEP_GLOW,
                                .fpn = FPN_ORTHOGONAL,
                                .fpn_width = 6,
                                .condition = 8,
                                .alpha = 1.9,
                                .seed = 4};

typedef struct {
    Msflow *flow;
    MsflowRun *run;
    real *maps[SCALES], *dz[SCALES];
    int64_t latents[SCALES], trainable;
    real *parameters, *gradient;
    double logdet[3], dlogdet[3];
} Bed;

#define BATCH 3

static void bed_open(Bed *bed, const MsflowSpec *spec)
{
    *bed = (Bed){.flow = msflow_new(spec, NULL)};
    bed->parameters = msflow_parameters(bed->flow, &bed->trainable, NULL);
    bed->gradient = g_new0(real, bed->trainable);
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(bed->flow, l), pixels = spec->size[l] * spec->size[l],
            c = spec->channels[l];
        bed->maps[l] = normals(l == 0 ? "h0" : l == 1 ? "h1" : "h2", (int64_t)BATCH * pixels * c);
        for (int64_t i = 0; i < (int64_t)BATCH * pixels * c; i++) {
            bed->maps[l][i] *= 0.2 + (double)(i % c);
        }
        bed->latents[l] = (int64_t)BATCH * side * side * spec->fpn_width;
        bed->dz[l] = g_new(real, bed->latents[l]);
    }
    g_assert_true(msflow_fit_begin(bed->flow, NULL));
    do {
        msflow_fit_add(bed->flow, BATCH, (const real *const *)bed->maps);
    } while (msflow_fit_pass_end(bed->flow));
    msflow_refresh(bed->flow);
    bed->run = msflow_run_new(bed->flow, kernels_get("reference"), BATCH, TRUE, NULL);
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

static double bed_loss(void *data)
{
    Bed *bed = data;
    const real *z[SCALES];
    double sum = 0;
    msflow_refresh(bed->flow);
    msflow_forward(bed->run, (const real *const *)bed->maps, z, bed->logdet);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed->latents[l]; i++) {
            sum += 0.5 * z[l][i] * z[l][i];
            bed->dz[l][i] = z[l][i] / BATCH;
        }
    }
    for (int b = 0; b < BATCH; b++) {
        sum -= bed->logdet[b];
        bed->dlogdet[b] = -1.0 / BATCH;
    }
    return sum / BATCH;
}

static void bed_gradient(Bed *bed)
{
    bed_loss(bed);
    memset(bed->gradient, 0, bed->trainable * sizeof *bed->gradient);
    msflow_backward(bed->run, (const real *const *)bed->dz, bed->dlogdet, bed->gradient);
}

/* The laterals are the last trainable parameters, in the order of the scales, and each has the slope of the loss. */
static void check_gradient_of_the_laterals(NormaliseKind normalise)
{
    MsflowSpec spec = tiny;
    Bed bed;
    spec.normalise = normalise;
    bed_open(&bed, &spec);
    int64_t first = msflow_before_flows(bed.flow);
    g_assert_cmpint(bed.trainable - first, ==, 6 * (8 + 12 + 16));
    g_assert_true(msflow_laterals(bed.flow, 0) == bed.parameters + first);
    bed_gradient(&bed);
    for (int64_t i = first; i < bed.trainable; i++) {
        double error = slope_error(bed_loss, &bed, bed.parameters + i, bed.gradient[i]);
        g_assert_cmpfloat(error, <, 1e-7 * fmax(1, fabs(bed.gradient[i])));
    }
    bed_close(&bed);
}

static void test_gradient_of_the_laterals(void)
{
    check_gradient_of_the_laterals(NORMALISE_NONE);
    check_gradient_of_the_laterals(NORMALISE_TILE);
}

static const real *tensor(const Bed *bed, const char *name)
{
    int count;
    const Parameter *table = msflow_layout(bed->flow, &count);
    for (int i = 0; i < count; i++) {
        if (g_str_equal(table[i].name, name)) {
            return bed->parameters + table[i].offset;
        }
    }
    g_assert_not_reached();
}

/* Two tiles whose features deviate from the mean in the same directions, one k times as far, give the same input to the flow. */
static void test_tile_normalisation_keeps_directions_only(void)
{
    MsflowSpec spec = tiny;
    const real *y[SCALES];
    real *first[SCALES];
    Bed bed;
    spec.normalise = NORMALISE_TILE;
    bed_open(&bed, &spec);
    msflow_input_pooled(bed.run, (const real *const *)bed.maps, y);
    for (int l = 0; l < SCALES; l++) {
        first[l] = g_memdup2(y[l], bed.latents[l] * sizeof(real));
    }
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("fpn.level%d.mean", l);
        const real *mean = tensor(&bed, name);
        int side = msflow_latent_size(bed.flow, l), c = spec.channels[l];
        for (int64_t i = 0; i < (int64_t)BATCH * side * side * c; i++) {
            double k = 0.5 + (double)(i / (side * side * c)); /* another factor for each tile */
            bed.maps[l][i] = mean[i % c] + k * (bed.maps[l][i] - mean[i % c]);
        }
    }
    msflow_input_pooled(bed.run, (const real *const *)bed.maps, y);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed.latents[l]; i++) {
            g_assert_cmpfloat_with_epsilon(y[l][i], first[l][i], 1e-10);
        }
        g_free(first[l]);
    }
    bed_close(&bed);
}

/* A feature that was constant among normals is in no lateral.  When it varies, it says nothing about the contrast of a tile and must
 * not scale down all others. */
static void test_tile_normalisation_leaves_out_constant_features(void)
{
    MsflowSpec spec = tiny;
    const real *y[SCALES];
    real *before[SCALES];
    Bed bed;
    spec.normalise = NORMALISE_TILE;
    bed_open(&bed, &spec);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *name = g_strdup_printf("fpn.level%d.deviation", l);
        ((real *)tensor(&bed, name))[3] = 1e-3;
        for (int i = 0; i < 6; i++) {
            msflow_laterals(bed.flow, l)[i * spec.channels[l] + 3] = 0;
        }
    }
    msflow_refresh(bed.flow);
    msflow_input_pooled(bed.run, (const real *const *)bed.maps, y);
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(bed.flow, l);
        before[l] = g_memdup2(y[l], bed.latents[l] * sizeof(real));
        bed.maps[l][(side * side / 2) * spec.channels[l] + 3] += 5;
    }
    msflow_input_pooled(bed.run, (const real *const *)bed.maps, y);
    for (int l = 0; l < SCALES; l++) {
        for (int64_t i = 0; i < bed.latents[l]; i++) {
            g_assert_cmpfloat_with_epsilon(y[l][i], before[l][i], 1e-10);
        }
        g_free(before[l]);
    }
    bed_close(&bed);
}

/* Fitted to tiles of one grey, no channel of the pyramid varies; fitted to waves, all of them do. */
static void test_flat_channels_are_counted(void)
{
    for (int grey = 0; grey < 2; grey++) {
        MsflowSpec spec = tiny;
        Bed bed;
        bed_open(&bed, &spec);
        for (int l = 0; grey && l < SCALES; l++) {
            int side = msflow_latent_size(bed.flow, l);
            for (int i = 0; i < BATCH * side * side * spec.channels[l]; i++) {
                bed.maps[l][i] = 0.5;
            }
        }
        g_assert_true(msflow_fit_begin(bed.flow, NULL));
        do {
            msflow_fit_add_pooled(bed.flow, BATCH, (const real *const *)bed.maps);
        } while (msflow_fit_pass_end(bed.flow));
        for (int l = 0; l < SCALES; l++) {
            g_assert_cmpint(msflow_flat_channels(bed.flow, l), ==, grey ? 6 : 0);
        }
        bed_close(&bed);
    }
}

/* With frozen laterals nothing before the flows is trainable. */
static void test_frozen_laterals_are_not_trainable(void)
{
    for (int kind = 0; kind < 2; kind++) {
        MsflowSpec spec = tiny;
        int64_t trainable;
        spec.fpn = kind ? FPN_TWO_PHASE : FPN_FIXED;
        g_autoptr(Msflow) flow = msflow_new(&spec, NULL);
        msflow_parameters(flow, &trainable, NULL);
        g_assert_cmpint(msflow_before_flows(flow), ==, trainable);
        g_assert_nonnull(msflow_laterals(flow, 2));
    }
    MsflowSpec spec = tiny;
    spec.fpn = FPN_NONE;
    spec.fpn_width = 0;
    g_autoptr(Msflow) flow = msflow_new(&spec, NULL);
    g_assert_null(msflow_laterals(flow, 0));
}

static void step_laterals(Bed *bed, double rate, int steps, gboolean constrained)
{
    int64_t first = msflow_before_flows(bed->flow), count = bed->trainable - first;
    g_autofree real *moments = g_new0(real, 2 * count);
    Adam adam = adam_default();
    adam.learning_rate = rate;
    for (int step = 1; step <= steps; step++) {
        bed_gradient(bed);
        adam_step(&adam, step, count, bed->gradient + first, 1, bed->parameters + first, moments,
                  moments + count);
        if (constrained) {
            msflow_constrain(bed->flow);
        }
        msflow_refresh(bed->flow);
    }
}

static Collapse measure(Bed *bed)
{
    const real *y[SCALES], *z[SCALES];
    double logdet[BATCH];
    g_autoptr(CollapseSums) sums = collapse_sums_new(bed->flow, NULL);
    msflow_forward(bed->run, (const real *const *)bed->maps, z, logdet);
    msflow_flow_input(bed->run, y);
    collapse_sums_add(sums, BATCH, y);
    return collapse_sums_end(sums, bed->flow);
}

/* The likelihood squashes free laterals, and the measures show it; as isometries they stay. */
static void test_free_laterals_collapse_and_orthonormal_ones_do_not(void)
{
    for (int constrained = 0; constrained < 2; constrained++) {
        g_autoptr(GError) error = NULL;
        Bed bed;
        bed_open(&bed, &tiny);
        Collapse start = measure(&bed);
        for (int l = 0; l < SCALES; l++) {
            g_assert_cmpfloat_with_epsilon(start.singular[l], 1, 1e-9);
            g_assert_cmpfloat_with_epsilon(start.deviation[l], 1, 1e-9); /* the data it was fitted to */
            g_assert_cmpfloat(start.rank[l], >, 1);
            g_assert_cmpfloat(start.rank[l], <=, 6 + 1e-9);
        }
        step_laterals(&bed, 1e-2, 150, constrained);
        Collapse now = measure(&bed);
        for (int l = 0; l < SCALES; l++) {
            g_test_message("constrained %d, scale %d: rank %g -> %g, deviation %g, singular %g", constrained,
                           l + 1, start.rank[l], now.rank[l], now.deviation[l], now.singular[l]);
            if (constrained) {
                g_assert_cmpfloat_with_epsilon(now.singular[l], 1, 1e-9);
            }
        }
        if (!constrained) {
            g_assert_false(collapse_check(&start, &now, &error));
            g_assert_nonnull(strstr(error->message, "collapses"));
        }
        bed_close(&bed);
    }
}

/* msflow_input_pooled and msflow_forward_input are the halves of msflow_forward_pooled. */
static void test_halves_of_the_way(void)
{
    const real *z[SCALES], *y[SCALES], *again[SCALES];
    double logdet[BATCH], second[BATCH];
    Bed bed;
    real *copy[SCALES], *first[SCALES];
    bed_open(&bed, &tiny);
    msflow_forward_pooled(bed.run, (const real *const *)bed.maps, z, logdet);
    for (int l = 0; l < SCALES; l++) {
        first[l] = g_memdup2(z[l], bed.latents[l] * sizeof(real));
    }
    msflow_input_pooled(bed.run, (const real *const *)bed.maps, y);
    for (int l = 0; l < SCALES; l++) {
        copy[l] = g_memdup2(y[l], bed.latents[l] * sizeof(real));
    }
    msflow_forward_input(bed.run, (const real *const *)copy, again, second);
    for (int l = 0; l < SCALES; l++) {
        g_assert_cmpmem(again[l], bed.latents[l] * sizeof(real), first[l], bed.latents[l] * sizeof(real));
        g_free(copy[l]);
        g_free(first[l]);
    }
    g_assert_cmpmem(logdet, sizeof logdet, second, sizeof second);
    bed_close(&bed);
}

/* Another standardisation fits the output of changed laterals and leaves the laterals as they are. */
static void test_restandardised(void)
{
    MsflowSpec spec = tiny;
    Bed bed;
    spec.fpn = FPN_TWO_PHASE;
    bed_open(&bed, &spec);
    for (int l = 0; l < SCALES; l++) {
        for (int i = 0; i < 6 * spec.channels[l]; i++) {
            msflow_laterals(bed.flow, l)[i] *= 1.5 + i % 3;
        }
    }
    g_autofree real *kept = g_memdup2(msflow_laterals(bed.flow, 1), 6 * 12 * sizeof(real));
    msflow_refresh(bed.flow);
    g_assert_cmpfloat(measure(&bed).deviation[1], >, 1.2);
    g_assert_true(msflow_restandardise_begin(bed.flow, NULL));
    msflow_fit_add(bed.flow, BATCH, (const real *const *)bed.maps);
    g_assert_false(msflow_fit_pass_end(bed.flow));
    g_assert_cmpfloat_with_epsilon(measure(&bed).deviation[1], 1, 1e-9);
    g_assert_cmpmem(msflow_laterals(bed.flow, 1), 6 * 12 * sizeof(real), kept, 6 * 12 * sizeof(real));
    bed_close(&bed);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fpn/orthonormal/rows", test_rows_become_orthonormal);
    g_test_add_func("/fpn/orthonormal/nearest", test_nothing_turns);
    g_test_add_func("/fpn/orthonormal/impossible", test_what_cannot_be_orthonormal);
    g_test_add_func("/fpn/collapse/measures", test_effective_rank_by_hand);
    g_test_add_func("/fpn/collapse/limits", test_a_fifth_of_the_rank_is_too_much);
    g_test_add_func("/fpn/collapse/happens", test_free_laterals_collapse_and_orthonormal_ones_do_not);
    g_test_add_func("/fpn/gradient", test_gradient_of_the_laterals);
    g_test_add_func("/fpn/tile-normalisation", test_tile_normalisation_keeps_directions_only);
    g_test_add_func("/fpn/tile-normalisation/constant", test_tile_normalisation_leaves_out_constant_features);
    g_test_add_func("/fpn/flat", test_flat_channels_are_counted);
    g_test_add_func("/fpn/frozen", test_frozen_laterals_are_not_trainable);
    g_test_add_func("/fpn/halves", test_halves_of_the_way);
    g_test_add_func("/fpn/restandardised", test_restandardised);
    return g_test_run();
}

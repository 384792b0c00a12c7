/* Channels that a flow leaves alone: how activity is followed through steps, when a channel is dead, and how that is reported. */
#include "flows/layers/chain.h"
#include "flows/models/channels.h"
#include "base/rng.h"
#include "tests/flow_numeric.h"
#include <string.h>

/* A chain of steps with everything around it. */
typedef struct {
    Chain chain;
    ChainRun run;
    ParameterLayout layout;
    Arena *arena;
    int64_t count;
    real *parameters, *x;
    const real *z;
    double logdet;
} Bed;

static void bed_open(Bed *bed, StepKind kind, int channels, int size, int steps)
{
    StepSpec spec = {.kind = kind, .condition = 4, .alpha = 1.9};
    Rng rng = rng_at(3, 4, 5);
    *bed = (Bed){.arena = arena_new(), .count = (int64_t)size * size * channels};
    chain_init(&bed->chain, &spec, channels, size, steps, bed->arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&bed->layout);
        chain_layout(&bed->chain, &bed->layout, "flow0");
    }
    bed->parameters = g_new0(real, bed->layout.trainable + bed->layout.fixed);
    parameter_layout_initialise(&bed->layout, 7, bed->parameters);
    chain_initialise(&bed->chain, 7, "flow0", bed->parameters);
    for (int i = 0; i < bed->chain.count; i++) {
        chain_refresh_step(&bed->chain, i, bed->parameters);
    }
    chain_run_init(&bed->run, &bed->chain, bed->parameters, kernels_get("reference"), 1, TRUE, bed->arena);
    g_assert_true(arena_check(bed->arena, NULL));
    bed->x = g_new(real, bed->count);
    for (int64_t i = 0; i < bed->count; i++) {
        bed->x[i] = rng_normal(&rng);
    }
    bed->z = chain_forward(&bed->run, bed->parameters, bed->x, &bed->logdet);
}

static void bed_close(Bed *bed)
{
    arena_free(bed->arena);
    parameter_layout_clear(&bed->layout);
    g_free(bed->parameters);
    g_free(bed->x);
}

/* One pixel, one active channel: the log-determinant is its log-scale. */
static void test_activity_is_the_log_scale(void)
{
    for (int kind = 0; kind < 2; kind++) {
        double activity[2];
        Bed bed;
        bed_open(&bed, kind ? STEP_GLOW : STEP_AIO, 2, 1, 1);
        chain_activity(&bed.run, activity);
        g_assert_cmpfloat(fabs(bed.logdet), >, 1e-6);
        g_assert_cmpfloat_with_epsilon(fmax(activity[0], activity[1]), fabs(bed.logdet), 1e-12);
        g_assert_cmpfloat(fmin(activity[0], activity[1]), ==, 0);
        bed_close(&bed);
    }
}

/* dz_k/dx_j != 0 for more than one j: what reached z_k was changed depending on others. */
static gboolean is_conditional(Bed *bed, int k)
{
    int channels = bed->chain.channels, reaching = 0;
    real before = bed->z[k];
    for (int64_t j = 0; j < channels; j++) { /* one pixel */
        double ignored = 0;
        bed->x[j] += 0.5;
        chain_forward(&bed->run, bed->parameters, bed->x, &ignored);
        reaching += bed->z[k] != before;
        bed->x[j] -= 0.5;
        chain_forward(&bed->run, bed->parameters, bed->x, &ignored);
    }
    return reaching > 1;
}

/* Through permutations a channel is followed exactly: no activity where and only where it went through every step untouched. */
static void test_untouched_channels_are_found(void)
{
    enum { C = 12, STEPS = 2 };
    double activity[C];
    int untouched = 0;
    Bed bed;
    bed_open(&bed, STEP_AIO, C, 1, STEPS);
    chain_activity(&bed.run, activity);
    for (int k = 0; k < C; k++) {
        g_assert_true((activity[k] > 0) == is_conditional(&bed, k));
        untouched += activity[k] == 0;
    }
    g_assert_cmpint(untouched, >, 0); /* about a quarter */
    bed_close(&bed);
    bed_open(&bed, STEP_GLOW, C, 1, STEPS); /* a 1x1 convolution reaches all */
    chain_activity(&bed.run, activity);
    for (int k = 0; k < C; k++) {
        g_assert_cmpfloat(activity[k], >, 0);
    }
    bed_close(&bed);
}

static void test_dead(void)
{
    g_assert_false(channel_is_dead(0.5, 1));
    g_assert_false(channel_is_dead(1e-3, 1.99));
    g_assert_true(channel_is_dead(0.9e-3, 1));
    g_assert_true(channel_is_dead(0.5, 2.01));
    g_assert_false(channel_is_dead(0.5, 0.01));
    g_assert_true(channel_is_dead(0.5, NAN));
}

static void test_texts(void)
{
    ChannelReport rows[] = {{0, 0, 0.25, 1.5, FALSE}, {0, 1, 0, 1, TRUE}, {2, 7, 0.5, NAN, TRUE}};
    g_autoptr(GArray) channels = g_array_new(FALSE, FALSE, sizeof(ChannelReport));
    g_array_append_vals(channels, rows, 3);
    g_autofree char *csv = channels_csv(channels), *text = channels_text(channels);
    g_assert_cmpstr(csv, ==, "scale,channel,activity,variance,dead\n1,0,0.25,1.5,0\n1,1,0,1,1\n3,7,0.5,,1\n");
    g_assert_cmpstr(text, ==, "2 of 3 channels are dead: scale 1: 1; scale 3: 7");
    g_array_set_size(channels, 1);
    g_autofree char *alive = channels_text(channels);
    g_assert_cmpstr(alive, ==, "all 1 channels are alive");
    for (int i = 0; i < 30; i++) {
        g_array_append_val(channels, rows[1]);
    }
    g_autofree char *many = channels_text(channels);
    g_assert_true(g_str_has_prefix(many, "30 of 31 channels are dead: scale 1: 1 1"));
    g_assert_true(g_str_has_suffix(many, " ..."));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channels/activity", test_activity_is_the_log_scale);
    g_test_add_func("/channels/untouched", test_untouched_channels_are_found);
    g_test_add_func("/channels/dead", test_dead);
    g_test_add_func("/channels/texts", test_texts);
    return g_test_run();
}

/* The line that is reported of an epoch. */
#include "flows/training/collapse.h"
#include "pipeline/training/epoch_clock.h"
#include <math.h>
#include <string.h>

static void assert_duration(double seconds, const char *expected)
{
    g_autofree char *text = epoch_clock_duration(seconds);
    g_assert_cmpstr(text, ==, expected);
}

static void test_durations(void)
{
    assert_duration(0, "0:00");
    assert_duration(59.4, "0:59");
    assert_duration(59.6, "1:00");
    assert_duration(3599, "59:59");
    assert_duration(7391, "2:03:11");
    assert_duration(-1, "?");
    assert_duration(NAN, "?");
    assert_duration(INFINITY, "?");
}

static void test_time_left_is_the_mean_epoch_times_what_is_left(void)
{
    EpochClock clock = epoch_clock_start(10);
    EpochReport report = {.epoch = 7,
                          .train_nll = 0.5,
                          .holdout_nll = 0.625,
                          .seconds = 100,
                          .holdout_auroc = NAN,
                          .collapse = collapse_none()};
    g_autofree char *first =
        epoch_clock_line(&clock, &report); /* epochs 1 to 6 were trained by another process */
    g_assert_true(g_str_has_prefix(first, "epoch 7/10: NLL/D train 0.5000, hold-out 0.6250,"));
    g_assert_nonnull(strstr(first, ", 100.0 s; 0:00 elapsed, at most 5:00 left"));
    g_assert_null(strstr(first, "rank"));
    report.epoch = 8;
    report.seconds = 50;
    report.skipped_steps = 2;
    report.collapse = (Collapse){{8, 7, 6}, {1, 0.9, 0.8}, {1, 1, 0.5}};
    g_autofree char *second = epoch_clock_line(&clock, &report);
    g_assert_nonnull(strstr(second,
                            "at most 2:30 left; 2 steps skipped; effective rank 8.0 7.0 6.0, smallest "
                            "deviation 1.00 0.90 0.80, smallest singular value 1.000 1.000 0.500"));
    report.epoch = 10;
    g_autofree char *last = epoch_clock_line(&clock, &report);
    g_assert_nonnull(strstr(last, "at most 0:00 left"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/epochs/durations", test_durations);
    g_test_add_func("/epochs/left", test_time_left_is_the_mean_epoch_times_what_is_left);
    return g_test_run();
}

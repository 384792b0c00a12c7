/* The time left is the mean time of the epochs in this process times the number of epochs left.  Epochs of an earlier process do not count,
 * because it may have run on another machine.  The first epoch takes no longer than others, because features are computed before it. */
#include "pipeline/training/epoch_clock.h"
#include <math.h>

EpochClock epoch_clock_start(int epochs)
{
    return (EpochClock){.epochs = epochs, .start = g_get_monotonic_time()};
}

char *epoch_clock_duration(double seconds)
{
    if (!(seconds >= 0 && seconds < 1e9)) {
        return g_strdup("?");
    }
    long all = lround(seconds), hours = all / 3600, minutes = all / 60 % 60;
    return hours > 0 ? g_strdup_printf("%ld:%02ld:%02ld", hours, minutes, all % 60)
                     : g_strdup_printf("%ld:%02ld", minutes, all % 60);
}

static void put_levels(GString *line, const char *what, const char *format, const double values[SCALES])
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(line, what);
    for (int l = 0; l < SCALES; l++) {
        g_string_append_c(line, ' ');
        g_string_append(line, g_ascii_formatd(text, sizeof text, format, values[l]));
    }
}

char *epoch_clock_line(EpochClock *clock, const EpochReport *report)
{
    GString *line = g_string_new(NULL);
    clock->seconds += report->seconds;
    clock->done++;
    double elapsed = (double)(g_get_monotonic_time() - clock->start) / G_USEC_PER_SEC;
    g_autofree char *gone = epoch_clock_duration(elapsed);
    g_autofree char *left =
        epoch_clock_duration(clock->seconds / clock->done * (clock->epochs - report->epoch));
    g_string_append_printf(line,
                           "epoch %d/%d: NLL/D train %.4f, hold-out %.4f, |gradient| %.3g, rate %.2g, %.1f s",
                           report->epoch, clock->epochs, report->train_nll, report->holdout_nll,
                           report->gradient_norm, report->learning_rate, report->seconds);
    g_string_append_printf(line, "; %s elapsed, at most %s left", gone, left);
    if (report->skipped_steps > 0) {
        g_string_append_printf(line, "; %d steps skipped", report->skipped_steps);
    }
    if (isfinite(report->holdout_auroc)) {
        g_string_append_printf(line, "; held-out anomalies: AUROC %.4f, AP %.4f", report->holdout_auroc,
                               report->holdout_ap);
    }
    if (isfinite(report->collapse.rank[0])) {
        put_levels(line, "; effective rank", "%.1f", report->collapse.rank);
        put_levels(line, ", smallest deviation", "%.2f", report->collapse.deviation);
        put_levels(line, ", smallest singular value", "%.3f", report->collapse.singular);
    }
    return g_string_free(line, FALSE);
}

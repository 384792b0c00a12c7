/* The range of the colours.
 *
 * Scores are in standard deviations of held-out normal tiles, so 0 is the same for every model, but what counts as high is not: a model
 * with labels separates anomalies further than one without.  The threshold says where a model separates them; three times as far, a score
 * is high by any reading.  With the threshold at a third of the bar, two thirds of the colours tell suspicious cells apart. */
#include "pipeline/scoring/heatmap_look.h"
#include <math.h>

#define THRESHOLDS_TO_HIGH 3
#define LEAST_SPAN 4.0      /* standard deviations from low to high */
#define BELOW_THRESHOLD 2.0 /* from low to a threshold that is not positive */
#define HIGH_IF_UNKNOWN 8.0

static gboolean is_auto(const char *text)
{
    return g_str_equal(text, "auto");
}

static double auto_low(double threshold)
{
    return threshold <= 0 ? floor(10 * (threshold - BELOW_THRESHOLD)) / 10 : 0; /* NAN: 0 */
}

static double auto_high(double threshold, double low)
{
    double high = isnan(threshold) ? HIGH_IF_UNKNOWN : ceil(10 * THRESHOLDS_TO_HIGH * threshold) / 10;
    return fmax(high, low + LEAST_SPAN);
}

HeatmapLook heatmap_look(const Config *config, MapThreshold threshold)
{
    HeatmapLook look = {.title = "",
                        .provenance = "",
                        .colours = config->heatmap_colours,
                        .opacity = config->heatmap_opacity,
                        .low_auto = is_auto(config->heatmap_low),
                        .high_auto = is_auto(config->heatmap_high),
                        .threshold = threshold};
    look.low = look.low_auto ? auto_low(threshold.value) : g_ascii_strtod(config->heatmap_low, NULL);
    look.high =
        look.high_auto ? auto_high(threshold.value, look.low) : g_ascii_strtod(config->heatmap_high, NULL);
    if (look.low_auto && look.low >= look.high) { /* high is a number that is not above it */
        look.low = look.high - LEAST_SPAN;
    }
    return look;
}

char *heatmap_look_text(const HeatmapLook *look)
{
    char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE], threshold[G_ASCII_DTOSTR_BUF_SIZE];
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%s from %s to %s standard deviations of normal tiles", look->colours,
                    g_ascii_formatd(low, sizeof low, "%.6g", look->low),
                    g_ascii_formatd(high, sizeof high, "%.6g", look->high));
    g_ascii_formatd(threshold, sizeof threshold, "%.6g", look->threshold.value);
    const char *which = look->low_auto && look->high_auto ? "auto"
                        : look->low_auto                  ? "low: auto"
                                                          : "high: auto";
    if (!look->low_auto && !look->high_auto) {
        g_string_append(text, " (heatmap.low, heatmap.high)");
    } else if (look->threshold.source) {
        g_string_append_printf(text, " (%s, from the threshold %s: %s)", which, threshold,
                               look->threshold.source);
    } else {
        g_string_append_printf(text, " (%s, without a threshold)", which);
    }
    return g_string_free(text, FALSE);
}

/* Keys whose limit is the value of another key.
 *
 * Checked when a configuration is read, so that a run does not fail at a late stage because of them. */
#include "pipeline/config/config_keys.h"
#include "base/error.h"
#include <math.h>

static gboolean is_number(const char *text)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    return end != text && !*end && isfinite(value);
}

/* Between farther ends, floats have no steps left for colours. */
enum { FURTHEST_COLOUR = 1000000 };

/* heatmap.low and heatmap.high. */
static gboolean check_colours(const Config *c, GError **error)
{
    const char *const names[] = {"low", "high"}, *const ends[] = {c->heatmap_low, c->heatmap_high};
    int numbers = 0;
    for (int i = 0; i < 2; i++) {
        if (g_str_equal(ends[i], "auto")) {
            continue;
        }
        numbers++;
        if (!is_number(ends[i])) {
            return wsi_error_input(error, "heatmap.%s is \"%s\": it must be a number, or auto", names[i],
                                   ends[i]);
        }
        if (fabs(g_ascii_strtod(ends[i], NULL)) > FURTHEST_COLOUR) {
            return wsi_error_input(error, "heatmap.%s is %s: it must be from -%d to %d", names[i], ends[i],
                                   FURTHEST_COLOUR, FURTHEST_COLOUR);
        }
    }
    if (numbers == 2 && g_ascii_strtod(ends[0], NULL) >= g_ascii_strtod(ends[1], NULL)) {
        return wsi_error_input(error, "heatmap.high is %s: it must be more than heatmap.low (%s)", ends[1],
                               ends[0]);
    }
    return TRUE;
}

gboolean config_check(const Config *c, GError **error)
{
    if (c->tiles_overlap >= c->tiles_size) {
        return wsi_error_input(error, "tiles.overlap is %g px: it must be less than tiles.size (%d px)",
                               c->tiles_overlap, c->tiles_size);
    }
    if (!check_colours(c, error)) {
        return FALSE;
    }
    if (*c->regions_threshold && !is_number(c->regions_threshold)) {
        return wsi_error_input(error, "regions.threshold is \"%s\": it must be a number, or empty",
                               c->regions_threshold);
    }
    if (c->train_batch % c->train_batch_parts != 0) {
        return wsi_error_input(error, "train.batch is %d: it must be a multiple of train.batch_parts (%d)",
                               c->train_batch, c->train_batch_parts);
    }
    if (c->dataset_folds > 0 && c->dataset_fold > c->dataset_folds) {
        return wsi_error_input(error, "dataset.fold is %d: it must be at most dataset.folds (%d)",
                               c->dataset_fold, c->dataset_folds);
    }
    return TRUE;
}

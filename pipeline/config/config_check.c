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

gboolean config_check(const Config *c, GError **error)
{
    if (c->tiles_overlap >= c->tiles_size) {
        return wsi_error_input(error, "tiles.overlap is %g px: it must be less than tiles.size (%d px)",
                               c->tiles_overlap, c->tiles_size);
    }
    if (c->heatmap_low >= c->heatmap_high) {
        return wsi_error_input(error, "heatmap.high is %g: it must be more than heatmap.low (%g)",
                               c->heatmap_high, c->heatmap_low);
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

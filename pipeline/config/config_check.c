/* Keys whose limit is the value of another key.
 *
 * Checked when a configuration is read, so that a run does not end at a late stage over what its first line could have said. */
#include "pipeline/config/config_keys.h"
#include "base/error.h"

gboolean config_check(const Config *c, GError **error)
{
    if (c->tiles_overlap >= c->tiles_size) {
        return wsi_error_input(error, "tiles.overlap is %g px: less than tiles.size (%d px) is needed",
                               c->tiles_overlap, c->tiles_size);
    }
    if (c->heatmap_low >= c->heatmap_high) {
        return wsi_error_input(error, "heatmap.high is %g: more than heatmap.low (%g) is needed",
                               c->heatmap_high, c->heatmap_low);
    }
    if (c->train_batch % c->train_shards != 0) {
        return wsi_error_input(error, "train.batch is %d: a multiple of train.shards (%d) is needed",
                               c->train_batch, c->train_shards);
    }
    if (c->dataset_folds > 0 && c->dataset_fold > c->dataset_folds) {
        return wsi_error_input(error, "dataset.fold is %d: at most dataset.folds (%d) is needed",
                               c->dataset_fold, c->dataset_folds);
    }
    return TRUE;
}

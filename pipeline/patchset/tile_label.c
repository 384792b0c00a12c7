/* The rules for the label of a tile.
 *
 *   any:       lesion anywhere makes a tile Ungood;
 *   fraction:  at least dataset.lesion_min of the tile must be lesion; less than that, but some, is ambiguous;
 *   centre:    lesion in the centre makes it Ungood; lesion around the centre only is ambiguous. */
#include "pipeline/patchset/tile_label.h"

TileLabel tile_label_by_rule(const Config *config, double fraction, double centre_fraction)
{
    if (g_str_equal(config->dataset_rule, "centre")) {
        return centre_fraction > 0 ? TILE_UNGOOD : fraction > 0 ? TILE_AMBIGUOUS : TILE_GOOD;
    }
    double least = g_str_equal(config->dataset_rule, "any") ? 0 : config->dataset_lesion_min;
    return fraction <= 0 ? TILE_GOOD : fraction >= least ? TILE_UNGOOD : TILE_AMBIGUOUS;
}

TileLabel tile_label(const Config *config, const SlideEntry *entry, double fraction, double centre_fraction)
{
    TileLabel label = tile_label_by_rule(config, fraction, centre_fraction);
    gboolean unknown =
        entry->label == SLIDE_UNKNOWN || (label == TILE_GOOD && entry->use == SLIDE_LESIONS_ONLY);
    return unknown ? TILE_AMBIGUOUS : label;
}

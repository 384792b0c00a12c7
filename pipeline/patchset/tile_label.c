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

TileLabel tile_label(const Config *config, const SlideEntry *entry, const LesionFraction *tile)
{
    TileLabel label = tile_label_by_rule(config, tile->fraction, tile->centre);
    gboolean rest = entry->use == SLIDE_LESIONS_ONLY && tile->hard < 1 - TILE_MOST_UNKNOWN;
    gboolean unknown =
        entry->label == SLIDE_UNKNOWN || (label == TILE_GOOD && (tile->unknown > TILE_MOST_UNKNOWN || rest));
    return unknown ? TILE_AMBIGUOUS : label;
}

gboolean tile_is_hard(const Config *config, const LesionFraction *tile)
{
    double least = g_str_equal(config->dataset_rule, "fraction") ? config->dataset_lesion_min : 0;
    return tile->fraction <= 0 && tile->hard > 0 && tile->hard >= least;
}

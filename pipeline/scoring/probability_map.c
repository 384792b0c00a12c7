/* A tile has one probability: the calibration is of tiles, not of positions in them.  So a tile is a map of one cell to the blend. */
#include "pipeline/scoring/probability_map.h"
#include "pipeline/scoring/scored_files.h"
#include "tiler/heatmap/blend.h"
#include <math.h>

static void add_tiles(Blend *blend, const Calibration *calibration, const GArray *positions,
                      const GArray *scores)
{
    for (guint i = 0; i < positions->len; i++) {
        double score = g_array_index(scores, double, i);
        float probability = (float)calibration_probability(calibration, score);
        const Map tile = {1, 1, &probability};
        if (!isnan(score)) {
            blend_add(blend, &g_array_index(positions, Rect, i), &tile, NULL);
        }
    }
}

gboolean probability_map(const Calibration *calibration, const char *scores, const Map *map,
                         const SlideInfo *info, Map **out, GError **error)
{
    *out = NULL;
    if (isnan(calibration->probability_slope)) {
        return TRUE;
    }
    g_autoptr(GArray) positions = scored_files_positions(scores, error);
    g_autoptr(GArray) values =
        positions ? scored_files_column(scores, tile_score_column(COLUMN_SCORE), error) : NULL;
    const SlideLevel *level0 = &info->levels[0];
    g_autoptr(Blend) blend = values ? blend_new_sized((double)level0->width, (double)level0->height,
                                                      map->width, map->height, error)
                                    : NULL;
    if (!blend) {
        return FALSE;
    }
    add_tiles(blend, calibration, positions, values);
    *out = blend_finish(blend, NULL, error);
    for (size_t i = 0; *out && i < (size_t)map->width * map->height; i++) {
        (*out)->values[i] = isnan(map->values[i]) ? NAN : (*out)->values[i];
    }
    return *out != NULL;
}

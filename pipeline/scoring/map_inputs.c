/* One function for all stages that colour the map, so that they show the same. */
#include "pipeline/scoring/map_inputs.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/scored_files.h"
#include "pipeline/slide/tissue_mask.h"

static gboolean read_files(const Work *work, MapInputs *out, GError **error)
{
    g_autofree char *map_path = work_input(work, "score", "map", error);
    out->map = map_path ? npy_read(map_path, error) : NULL;
    g_autofree char *mask_path = out->map ? work_input(work, "tissue", "mask", error) : NULL;
    out->tissue = mask_path ? tissue_mask_read(mask_path, error) : NULL;
    out->slide = out->tissue ? slide_entry_open(work->run->config, work->slide, error) : NULL;
    g_autofree char *scores = out->slide ? work_input(work, "score", "scores", error) : NULL;
    g_autoptr(GArray) tiles = scores ? scored_files_positions(scores, error) : NULL;
    out->known =
        tiles ? heatmap_files_known(out->map, slide_info(out->slide), out->tissue, tiles, error) : NULL;
    return out->known != NULL;
}

gboolean map_inputs_read(const Work *work, MapInputs *out, GError **error)
{
    *out = (MapInputs){0};
    MapThreshold threshold;
    if (!read_files(work, out, error) || !map_threshold_of_run(work, &threshold, error)) {
        return FALSE;
    }
    out->look = heatmap_look(work->run->config, threshold);
    out->look.title = work->slide->id;
    out->look.provenance = "wsiflow " WSIFLOW_VERSION;
    return TRUE;
}

void map_inputs_clear(MapInputs *inputs)
{
    g_clear_pointer(&inputs->map, map_free);
    g_clear_pointer(&inputs->tissue, image_free);
    g_clear_pointer(&inputs->known, image_free);
    g_clear_pointer(&inputs->slide, slide_free);
}

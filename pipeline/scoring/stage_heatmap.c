/* heatmap: files that show the score map of a slide. */
#include "pipeline/job/stages.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/scored_files.h"
#include "pipeline/scoring/scoring.h"
#include "pipeline/slide/tissue_mask.h"

gboolean stage_heatmap(Work *work, GError **error)
{
    static const char *const names[3] = {"rgb", "values", "overview"};
    g_autofree char *map_path = work_input(work, "score", "map", error);
    g_autoptr(Map) map = map_path ? npy_read(map_path, error) : NULL;
    g_autofree char *scores = map ? work_input(work, "score", "scores", error) : NULL;
    g_autoptr(GArray) tiles = scores ? scored_files_positions(scores, error) : NULL;
    g_autofree char *mask_path = tiles ? work_input(work, "tissue", "mask", error) : NULL;
    g_autoptr(Image) tissue = mask_path ? tissue_mask_read(mask_path, error) : NULL;
    g_autoptr(Slide) slide = tissue ? slide_entry_open(work->run->config, work->slide, error) : NULL;
    g_autoptr(Image) known = slide ? heatmap_files_known(map, slide_info(slide), tissue, tiles, error) : NULL;
    if (!known) {
        return FALSE;
    }
    MapThreshold threshold;
    if (!map_threshold_of_run(work, &threshold, error)) {
        return FALSE;
    }
    char sha256[3][65];
    HeatmapLook look = heatmap_look(work->run->config, threshold);
    look.title = work->slide->id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    g_autofree char *folder = work_output(work, "");
    if (!heatmap_files_write(folder, &look, slide, map, tissue, known, sha256, error)) {
        return FALSE;
    }
    for (int i = 0; i < 3; i++) {
        g_autofree char *path = work_output(work, heatmap_files[i]);
        if (!work_publish(work, names[i], path, sha256[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}

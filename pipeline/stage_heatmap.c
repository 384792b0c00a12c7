/* heatmap: the score map of a slide as files for viewers. */
#include "pipeline/heatmaps.h"
#include "pipeline/npy.h"
#include "pipeline/stage.h"

gboolean stage_heatmap(Work *work, GError **error)
{
    static const char *const names[3] = {"rgb", "values", "overview"};
    g_autofree char *map_path = work_input(work, "score", "map", error);
    g_autoptr(Map) map = map_path ? npy_read(map_path, error) : NULL;
    g_autoptr(Slide) slide = map ? work_open_entry(work->run->config, work->slide, error) : NULL;
    if (!slide) {
        return FALSE;
    }
    char sha256[3][65];
    HeatmapLook look = heatmap_look(work->run->config);
    look.title = work->slide->id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    g_autofree char *folder = work_output(work, "");
    if (!heatmaps_write(folder, &look, slide, map, sha256, error)) {
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

/* heatmap: files that show the score map of a slide. */
#include "pipeline/job/stages.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/map_inputs.h"

static gboolean write_and_publish(Work *work, const MapInputs *inputs, GError **error)
{
    static const char *const names[3] = {"rgb", "values", "overview"};
    char sha256[3][65];
    g_autofree char *folder = work_output(work, "");
    if (!heatmap_files_write(folder, &inputs->look, inputs->slide, inputs->map, inputs->tissue, inputs->known,
                             sha256, error)) {
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

gboolean stage_heatmap(Work *work, GError **error)
{
    MapInputs inputs;
    gboolean good = map_inputs_read(work, &inputs, error) && write_and_publish(work, &inputs, error);
    map_inputs_clear(&inputs);
    return good;
}

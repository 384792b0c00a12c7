/* overlay: the slide with its score map on it.  A stage of its own, because its keys change for other reasons than those of the heatmap. */
#include "pipeline/job/stages.h"
#include "pipeline/scoring/map_inputs.h"
#include "pipeline/scoring/overlay_file.h"

static gboolean tick(void *data, int64_t done, int64_t total, GError **error)
{
    return work_tick(data, done, total, "rows of px", error);
}

gboolean stage_overlay(Work *work, GError **error)
{
    MapInputs inputs;
    OverlayOptions options = overlay_file_options(work->run->config);
    options.threads = work->threads;
    options.tick = tick;
    options.data = work;
    char sha256[65];
    g_autofree char *folder = work_output(work, ""), *path = work_output(work, OVERLAY_FILE);
    gboolean good = map_inputs_read(work, &inputs, error) &&
                    overlay_file_write(folder, &options, &inputs.look, inputs.slide, inputs.map, inputs.known,
                                       sha256, error) &&
                    work_publish(work, ".overlay", path, sha256, error);
    map_inputs_clear(&inputs);
    return good;
}

/* heatmap: files that show the score map of a slide. */
#include "pipeline/job/stages.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/heatmap_overview.h"
#include "pipeline/scoring/map_inputs.h"
#include "pipeline/scoring/probability_map.h"
#include "pipeline/scoring/qupath_script.h"

static gboolean publish(Work *work, int count, const char *const names[], const char *const files[],
                        char sha256[][65], GError **error)
{
    for (int i = 0; i < count; i++) {
        g_autofree char *path = work_output(work, files[i]);
        if (!work_publish(work, names[i], path, sha256[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean write_pyramids(Work *work, const MapInputs *inputs, GError **error)
{
    static const char *const names[HEATMAP_FILES] = {"rgb", "values"};
    char sha256[HEATMAP_FILES][65];
    Calibration calibration;
    g_autoptr(Map) probability = NULL;
    g_autofree char *folder = work_output(work, ""), *scores = work_input(work, "score", "scores", error);
    if (!scores || !map_threshold_calibration(work, &calibration, error) ||
        !probability_map(&calibration, scores, inputs->map, slide_info(inputs->slide), &probability, error)) {
        return FALSE;
    }
    g_autofree char *text = calibration_probability_text(&calibration);
    const ValueSources with = {inputs->tissue, probability, text};
    return heatmap_files_write(folder, &inputs->look, inputs->slide, inputs->map, &with, inputs->known,
                               sha256, error) &&
           publish(work, HEATMAP_FILES, names, heatmap_files, sha256, error);
}

/* With the outlines of the annotation, if the slide has one. */
static gboolean write_overviews(Work *work, const MapInputs *inputs, GError **error)
{
    static const char *const names[HEATMAP_OVERVIEWS] = {"overview", "thumbnail"};
    char sha256[HEATMAP_OVERVIEWS][65];
    g_autofree char *folder = work_output(work, ""),
                    *border = work_find(work, "mask", work->slide->id, "border");
    g_autoptr(Raster) lesions = border ? raster_read(border, error) : NULL;
    if (border && !lesions) {
        return FALSE;
    }
    const HeatmapOverview of = {inputs->slide,  inputs->map, inputs->known,
                                inputs->tissue, lesions,     work->run->config->regions_min_area_um2};
    return heatmap_overview_write(folder, &inputs->look, &of, sha256, error) &&
           publish(work, HEATMAP_OVERVIEWS, names, heatmap_overview_files, sha256, error);
}

/* For people only, since it holds the name of the slide's file. */
static gboolean write_script(Work *work, const MapInputs *inputs, GError **error)
{
    static const char *const names[] = {".script"};
    char sha256[1][65];
    g_autofree char *folder = work_output(work, "");
    return qupath_script_write(folder, &inputs->look, slide_info(inputs->slide), sha256[0], error) &&
           publish(work, 1, names, &qupath_script_file, sha256, error);
}

gboolean stage_heatmap(Work *work, GError **error)
{
    MapInputs inputs;
    gboolean good = map_inputs_read(work, &inputs, error) && write_pyramids(work, &inputs, error) &&
                    write_overviews(work, &inputs, error) && write_script(work, &inputs, error);
    map_inputs_clear(&inputs);
    return good;
}

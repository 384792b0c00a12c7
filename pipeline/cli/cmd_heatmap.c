/* heatmap: the files of a heatmap from a score map. */
#include "base/pool.h"
#include "base/writable.h"
#include "flows/models/model.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/heatmap_overview.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/overlay_file.h"
#include "pipeline/scoring/qupath_script.h"
#include "pipeline/scoring/region_files.h"
#include "pipeline/slide/slide_grid.h"
#include "tiler/draw/canvas.h"
#include <math.h>
#include <stdio.h>

/* --threshold, the key or the model's; a map does not say which model it is of. */
static gboolean find_threshold(const Config *config, double given, const char *model, MapThreshold *out,
                               GError **error)
{
    ModelSpec spec;
    Calibration calibration;
    if (model && !model_describe(model, &spec, &calibration, error)) {
        return FALSE;
    }
    if (model) {
        model_spec_clear(&spec);
    }
    *out = isnan(given) ? map_threshold(config, model ? &calibration : NULL)
                        : (MapThreshold){given, "--threshold"};
    return TRUE;
}

/* Regions, when there is a threshold. */
static gboolean write_regions(const Config *config, const HeatmapLook *look, const Slide *slide,
                              const Map *map, const char *folder, const char *id, GError **error)
{
    if (!look->threshold.source) {
        g_autofree char *range = heatmap_look_text(look);
        fprintf(stderr,
                "wsiflow heatmap: no regions.geojson, detections.csv and predicted_mask.tif: "
                "--threshold, --model or the key regions.threshold is needed for them; colours: %s\n",
                range);
        return TRUE;
    }
    RegionOptions options = region_files_options(config, look->threshold);
    options.slide = id;
    options.tiles = FALSE; /* they need the table of scores */
    json_auto_t *facts = NULL;
    char sha256[REGION_FILES][65];
    return region_files_write(folder, &options, slide_info(slide), map, &facts, sha256, error);
}

/* The slide with its map on it, with all processors. */
static gboolean write_overlay(const Config *config, const HeatmapLook *look, Slide *slide, const Map *map,
                              const char *folder, GError **error)
{
    OverlayOptions options = overlay_file_options(config);
    options.threads = pool_processors();
    return !config->heatmap_overlay ||
           overlay_file_write(folder, &options, look, slide, map, NULL, NULL, error);
}

/* The files of these names that this call does not write. */
static gboolean remove_former(const Config *config, const HeatmapLook *look, const char *folder,
                              GError **error)
{
    const gboolean regions = look->threshold.source != NULL;
    const char *names[REGION_FILES + 2] = {NULL};
    int count = 0;
    if (!config->heatmap_overlay) {
        names[count++] = OVERLAY_FILE;
    }
    for (int i = 0; !regions && i < REGION_FILES - 1; i++) { /* the last needs a table of scores */
        names[count++] = region_files[i];
    }
    return command_remove_former(&command_heatmap, folder, names, error);
}

static int heatmap(int argc, char **argv, GError **error)
{
    g_autofree char *slide_path = NULL, *output = NULL, *config_path = NULL, *model = NULL;
    double mpp = 0, threshold = NAN;
    int code;
    GOptionEntry entries[] = {
        {"slide", 's', 0, G_OPTION_ARG_FILENAME, &slide_path, "the slide of the map", "SLIDE"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "folder to write to", "DIR"},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections slides, heatmap and regions (default: all defaults)", "CONFIG.yaml"},
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &mpp, "um/px of the slide, if its file does not give it", "UM"},
        {"threshold", 't', 0, G_OPTION_ARG_DOUBLE, &threshold,
         "score from which on a cell belongs to a region (default: regions.threshold, or the model's)",
         "SCORE"},
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model, "the model of the map, for its threshold", "MODEL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_heatmap, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2 || !slide_path || !output) {
        return command_misused(
            error,
            "required: a map, its slide and an output folder: wsiflow heatmap MAP.npy --slide SLIDE -o DIR");
    }
    const char *const files[] = {heatmap_files[0],
                                 heatmap_files[1],
                                 heatmap_overview_files[0],
                                 heatmap_overview_files[1],
                                 OVERLAY_FILE,
                                 region_files[0],
                                 region_files[1],
                                 region_files[2],
                                 qupath_script_file,
                                 NULL};
    g_autoptr(Config) config = writable_folder(output, files, error) && canvas_check(error)
                                   ? command_config_or_default(config_path, error)
                                   : NULL;
    g_autoptr(Map) map = config ? npy_read(argv[1], error) : NULL;
    MapThreshold at;
    if (!map || !find_threshold(config, threshold, model, &at, error)) {
        return EXIT_FAILED;
    }
    mpp = mpp > 0 ? mpp : config->slides_mpp;
    SlideOptions options = {.mpp_x = mpp, .mpp_y = mpp, .use_objective = config->slides_objective};
    g_autoptr(Slide) slide = slide_open(slide_path, &options, error);
    char sha256[HEATMAP_FILES][65], images[HEATMAP_OVERVIEWS][65];
    g_autofree char *id = slide_id_of(slide_path);
    HeatmapLook look = heatmap_look(config, at);
    look.title = id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    const HeatmapOverview of = {.slide = slide, .map = map, .min_area_um2 = config->regions_min_area_um2};
    const ValueSources with = {.probability_text =
                                   "none: a map alone does not say which scores the tiles have"};
    gboolean ok = slide && slide_grid_check_mpp(slide, error) &&
                  remove_former(config, &look, output, error) &&
                  heatmap_files_write(output, &look, slide, map, &with, NULL, sha256, error) &&
                  qupath_script_write(output, &look, slide_info(slide), NULL, error) &&
                  write_overlay(config, &look, slide, map, output, error) &&
                  heatmap_overview_write(output, &look, &of, images, error) &&
                  write_regions(config, &look, slide, map, output, id, error);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

const Command command_heatmap = {"heatmap", "MAP.npy --slide SLIDE -o DIR",
                                 "write heatmap files, overlay and regions from a score map", NULL, heatmap};

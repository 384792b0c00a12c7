/* score: patches or slides with a model, without a run folder. */
#include "base/error.h"
#include "base/pool.h"
#include "base/writable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/options.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/scoring/heatmap_overview.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/overlay_file.h"
#include "pipeline/scoring/probability_map.h"
#include "pipeline/scoring/qupath_script.h"
#include "pipeline/scoring/region_files.h"
#include "pipeline/scoring/score_folder.h"
#include "pipeline/scoring/scored_files.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/slide/tissue_mask.h"
#include "pipeline/slide/tissue_outlines.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/training/model_card.h"
#include "tiler/cut/cut.h"
#include "tiler/draw/canvas.h"
#include <math.h>
#include <stdio.h>

static gboolean tell_tiles(void *data, int64_t done, int64_t total, GError **error)
{
    fprintf(stderr, "%s: %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " tiles\n", (const char *)data, done, total);
    return TRUE;
}

static gboolean score_patches(Model *model, const char *bundle, const char *folder, const char *output,
                              int threads, GError **error)
{
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    ScoringOptions options = {.model = model,
                              .bundle = bundle,
                              .threads = threads,
                              .tick = tell_tiles,
                              .tick_data = (void *)folder,
                              .last = TRUE};
    if (!score_folder(&options, folder, scored, error)) {
        return FALSE;
    }
    g_autoptr(GArray) sizes = scored_sizes(scored);
    g_autofree char *reported = image_sizes_text(sizes, model_spec(model)->tile_size);
    if (reported) {
        fprintf(stderr, "wsiflow score: %s\n", reported);
    }
    return scored_files_images(output, "", scored, NULL, error);
}

/* Regions at the model's threshold, unless the configuration gives another one. */
static gboolean write_regions(const Config *config, MapThreshold threshold, const Slide *slide,
                              const Map *map, const char *folder, const char *id, const char *scores,
                              GError **error)
{
    RegionOptions options = region_files_options(config, threshold);
    options.slide = id;
    options.scores = scores;
    json_auto_t *facts = NULL;
    char sha256[REGION_FILES][65];
    return region_files_write(folder, &options, slide_info(slide), map, &facts, sha256, error);
}

/* The files of a slide that this call does not write. */
static gboolean remove_former(const Config *config, const char *folder, GError **error)
{
    const char *names[3] = {NULL};
    int count = 0;
    if (!config->heatmap_overlay) {
        names[count++] = OVERLAY_FILE;
    }
    if (!config->regions_tiles) {
        names[count++] = region_files[REGION_FILES - 1];
    }
    return command_remove_former(&command_score, folder, names, error);
}

/* The tissue that was found, or that people outlined (tissue.outlines). */
static Tissue *find_tissue(const Config *config, Slide *slide, const char *path, GError **error)
{
    TissueOptions options = tissue_mask_options(config);
    gboolean outlined;
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Tissue) tissue = tissue_find(slide, &options, error);
    if (!tissue || !tissue_outlines_apply(config, path, slide, tissue, &outlined, warnings, error)) {
        return NULL;
    }
    for (guint i = 0; i < warnings->len; i++) {
        fprintf(stderr, "wsiflow score: %s\n", (const char *)warnings->pdata[i]);
    }
    if (*config->tissue_outlines && !outlined) {
        fprintf(stderr, "wsiflow score: %s: no file in tissue.outlines, so its tissue was detected\n", path);
    }
    return g_steal_pointer(&tissue);
}

static gboolean score_slide(const Config *config, Model *model, const char *bundle, const char *path,
                            const char *output, int threads, GError **error)
{
    SlideOptions slide_options = {
        .mpp_x = config->slides_mpp, .mpp_y = config->slides_mpp, .use_objective = config->slides_objective};
    g_autoptr(Slide) slide = slide_open(path, &slide_options, error);
    g_autoptr(Tissue) tissue =
        slide && slide_grid_check_mpp(slide, error) ? find_tissue(config, slide, path, error) : NULL;
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(Rect));
    g_autoptr(Map) map = NULL;
    ScoringOptions options = {
        .model = model, .bundle = bundle, .threads = threads, .tick = tell_tiles, .tick_data = (void *)path};
    if (!tissue || !scoring_slide(&options, config, slide, tissue->mask, scored, &map, error)) {
        return FALSE;
    }
    for (guint i = 0; i < scored->len; i++) {
        Scored *one = &g_array_index(scored, Scored, i);
        Rect position = {one->tile.x, one->tile.y, one->width, one->height};
        one->label = -1;
        one->lesion_fraction = NAN; /* there is no annotation */
        g_array_append_val(positions, position);
    }
    int unreadable = scored_unreadable(scored);
    if (unreadable > 0) {
        fprintf(stderr,
                "wsiflow score: %s: %d of %u tiles have no score because less than %.0f %% of each could be "
                "read\n",
                path, unreadable, scored->len, 100 * CUT_READABLE);
    }
    g_autoptr(Image) known = heatmap_files_known(map, slide_info(slide), tissue->mask, positions, error);
    if (!known) {
        return FALSE;
    }
    g_autofree char *id = slide_id_of(path), *folder = g_build_filename(output, id, NULL);
    g_autofree char *table = g_build_filename(folder, "scores.csv", NULL),
                    *values = g_build_filename(folder, "scoremap.npy", NULL);
    MapThreshold threshold = map_threshold(config, model_calibration(model));
    HeatmapLook look = heatmap_look(config, threshold);
    look.title = id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    char sha256[HEATMAP_FILES][65], images[HEATMAP_OVERVIEWS][65];
    const HeatmapOverview of = {.slide = slide, .map = map, .known = known, .tissue = tissue->mask};
    OverlayOptions overlay = overlay_file_options(config);
    overlay.threads = threads;
    g_autoptr(Map) probability = NULL;
    if (!remove_former(config, folder, error) || !scored_files_slide(table, id, "", scored, NULL, error) ||
        !npy_write(values, map, NULL, error) ||
        !probability_map(model_calibration(model), table, map, slide_info(slide), &probability, error)) {
        return FALSE;
    }
    g_autofree char *text = calibration_probability_text(model_calibration(model));
    const ValueSources with = {tissue->mask, probability, text};
    return heatmap_files_write(folder, &look, slide, map, &with, known, sha256, error) &&
           qupath_script_write(folder, &look, slide_info(slide), NULL, error) &&
           heatmap_overview_write(folder, &look, &of, images, error) &&
           (!config->heatmap_overlay ||
            overlay_file_write(folder, &overlay, &look, slide, map, known, NULL, error)) &&
           write_regions(config, threshold, slide, map, folder, id, table, error);
}

/* Scores all slides, even when some fail; each failure is reported. */
static int score_slides(const Config *config, Model *model, const char *bundle, char **paths, int count,
                        const char *output, int threads)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        g_autoptr(GError) why = NULL;
        if (!score_slide(config, model, bundle, paths[i], output, threads, &why)) {
            fprintf(stderr, "wsiflow score: %s: %s\n", paths[i], why->message);
            failed++;
        }
    }
    return failed == 0 ? EXIT_DONE : failed == count ? EXIT_FAILED : EXIT_PARTIAL;
}

/* Whether the output files of each slide can be written. */
static gboolean slides_writable(const char *output, char *const *paths, int count, GError **error)
{
    const char *const files[] = {"scores.csv",
                                 "scoremap.npy",
                                 OVERLAY_FILE,
                                 heatmap_files[0],
                                 heatmap_files[1],
                                 heatmap_overview_files[0],
                                 heatmap_overview_files[1],
                                 region_files[0],
                                 region_files[1],
                                 region_files[2],
                                 region_files[3],
                                 qupath_script_file,
                                 NULL};
    gboolean good = TRUE;
    for (int i = 0; good && i < count; i++) {
        g_autofree char *id = slide_id_of(paths[i]), *folder = g_build_filename(output, id, NULL);
        good = writable_folder(folder, files, error);
    }
    return good;
}

/* The model's threshold, the number of tiles it is based on, and doubts about it. */
static void tell_threshold(const Model *model)
{
    g_auto(GStrv) lines = model_card_lines(model_calibration(model));
    for (char **line = lines; *line; line++) {
        fprintf(stderr, "wsiflow score: %s\n", *line);
    }
}

static int score(int argc, char **argv, GError **error)
{
    g_autofree char *config_path = NULL, *model_path = NULL, *patches = NULL, *output = NULL, *weights = NULL;
    int threads = 0, code;
    GOptionEntry entries[] = {
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model_path, "the model bundle", "MODEL"},
        {"patches", 'p', 0, G_OPTION_ARG_FILENAME, &patches, "folder of images, or of one folder per label",
         "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "CSV file (--patches) or folder (slides)", "OUT"},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections slides, tissue, score, heatmap, regions; tiles are cut as the model says (default: all "
         "defaults)",
         "CONFIG.yaml"},
        {"weights", 'w', 0, G_OPTION_ARG_FILENAME, &weights, "weights file of the extractor, if it has moved",
         "FILE"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_score, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!model_path || !output || (patches != NULL) == (argc > 1)) {
        return command_misused(error, "required: -m MODEL, -o OUT, and either --patches DIR or slides");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    gboolean ready = patches ? writable_file(output, error) && writable_differs(output, model_path, error)
                             : slide_id_all_differ(argv + 1, argc - 1, error) &&
                                   slides_writable(output, argv + 1, argc - 1, error) && canvas_check(error);
    g_autoptr(Config) config = ready ? command_config_or_default(config_path, error) : NULL;
    if (!config) {
        return EXIT_FAILED;
    }
    const char *own = *config->model_weights ? config->model_weights : NULL;
    g_autoptr(Model) model = model_load(model_path, weights ? weights : own,
                                        *config->model_kernels ? config->model_kernels : NULL, error);
    threads = threads > 0 ? threads : pool_processors();
    if (!model) {
        return EXIT_FAILED;
    }
    tell_threshold(model);
    if (patches) {
        return score_patches(model, model_path, patches, output, threads, error) ? EXIT_DONE : EXIT_FAILED;
    }
    TileRecipe recipe;
    if (!model_recipe_get(model_spec(model), model_path, &recipe, error) ||
        !tile_recipe_check(&recipe, config, model_path, error)) {
        return EXIT_FAILED;
    }
    return score_slides(config, model, model_path, argv + 1, argc - 1, output, threads);
}

const Command command_score = {
    "score", "-m MODEL (--patches DIR | SLIDE...) -o OUT",
    "score patches (to a CSV file) or slides (to a folder)",
    "With --patches, OUT is a CSV file with the columns file, label, score and further scores; the label is "
    "0 for "
    "folders named good, 1 for others.\n"
    "With slides, OUT is a folder; each slide gets SLIDE/scores.csv, scoremap.npy, the heatmap files, "
    "wsiflow.groovy, overlay.tif, regions.geojson, detections.csv and predicted_mask.tif.",
    score};

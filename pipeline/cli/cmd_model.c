/* train, score, evaluate, heatmap: single steps without a run folder. */
#include "base/error.h"
#include "base/pool.h"
#include "base/writable.h"
#include "flows/models/channels.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/cli/command.h"
#include "pipeline/training/epoch_clock.h"
#include "pipeline/report/evaluation.h"
#include "pipeline/scoring/heatmap_files.h"
#include "pipeline/write/json.h"
#include "pipeline/training/model_card.h"
#include "pipeline/training/model_config.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/cli/options.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/training/train_tiles.h"
#include "tiler/cut/cut.h"
#include "pipeline/slide/tissue_mask.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/scoring/score_folder.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/training/train_source.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The configuration of -c, or the defaults. */
static Config *config_or_default(const char *path, GError **error)
{
    return path ? config_read(path, error) : config_default();
}

/* ---- train ---- */

static gboolean tell_epoch(void *data, const EpochReport *report)
{
    g_autofree char *line = epoch_clock_line(data, report);
    fprintf(stderr, "%s\n", line);
    return TRUE;
}

static void report_images(const TrainTiles *tiles, const Config *config)
{
    g_autofree char *sizes = image_sizes_text(train_tiles_sizes(tiles), config->tiles_size);
    if (sizes) {
        fprintf(stderr, "wsiflow train: %s\n", sizes);
    }
    if (train_tiles_unreadable(tiles) > 0) {
        fprintf(stderr,
                "wsiflow train: %" G_GINT64_FORMAT
                " samples were left out since less than half of them could be read\n",
                train_tiles_unreadable(tiles));
    }
}

static void tell_notes(const TrainTiles *tiles)
{
    const GPtrArray *notes = train_tiles_notes(tiles);
    for (guint i = 0; i < notes->len; i++) {
        fprintf(stderr, "wsiflow train: %s\n", (const char *)notes->pdata[i]);
    }
}

static void tell_model(const Model *model)
{
    g_autofree char *channels = channels_text(model_channels(model));
    g_auto(GStrv) lines = model_card_lines(model_calibration(model));
    fprintf(stderr, "latents of held-out tiles: %s\n", channels);
    for (char **line = lines; *line; line++) {
        fprintf(stderr, "wsiflow train: %s\n", *line);
    }
}

static gboolean train_to(const Config *config, const char *output, int threads, GError **error)
{
    ModelSpec spec;
    if (!model_config_check(config, error) || !model_config_spec(config, &spec, error)) {
        return FALSE;
    }
    g_autoptr(Model) model = NULL;
    g_autoptr(TrainTiles) tiles = train_source_open(config, NULL, NULL, NULL, NULL, error);
    TileRecipe recipe;
    gboolean ok = tiles && train_tiles_recipe(tiles, &recipe, error);
    if (ok) {
        model_recipe_set(&spec, &recipe);
        report_images(tiles, config);
        tell_notes(tiles);
        g_autofree char *checkpoint = g_strdup_printf("%s.checkpoint", output);
        g_autofree char *features = g_strdup_printf("%s.features", output);
        EpochClock clock = epoch_clock_start(spec.epochs);
        FitOptions options = {.threads = threads,
                              .checkpoint = checkpoint,
                              .reported = tell_epoch,
                              .reported_data = &clock,
                              .cache = model_config_feature_cache(config),
                              .feature_file = features};
        model = model_fit(&spec, train_tiles_set(tiles), &options, error);
        if (model && !model_save(model, output, NULL, error)) {
            g_clear_pointer(&model, model_free);
        }
        if (model) {
            tell_model(model);
            remove(checkpoint);
            if (!config->train_keep_features) {
                remove(features);
            }
        }
    }
    model_spec_clear(&spec);
    return model != NULL;
}

int command_train(int argc, char **argv, GError **error)
{
    g_autofree char *config_path = NULL, *patches = NULL, *output = NULL;
    int threads = 0, code;
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections model, train, augment, loss, threshold, tiles.size (default: all defaults)",
         "CONFIG.yaml"},
        {"patches", 'p', 0, G_OPTION_ARG_FILENAME, &patches,
         "folder with train/good or train-*.tar (default: patches.folder)", "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "the model bundle to write", "MODEL"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("train", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!output || argc > 1) {
        return command_misused(error, "an output file is needed: -o MODEL");
    }
    g_autoptr(Config) config = writable_file(output, error) ? config_or_default(config_path, error) : NULL;
    if (!config) {
        return EXIT_FAILED;
    }
    if (patches) {
        config_use_patches(config, patches);
    }
    if (!*config->patches_folder) {
        return command_misused(
            error, "what to train on is needed: --patches DIR, or patches.folder in the configuration");
    }
    return train_to(config, output, threads > 0 ? threads : pool_processors(), error) ? EXIT_DONE
                                                                                      : EXIT_FAILED;
}

/* ---- score ---- */

static gboolean tell_tiles(void *data, int64_t done, int64_t total, GError **error)
{
    fprintf(stderr, "%s: %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " tiles\n", (const char *)data, done, total);
    return TRUE;
}

static gboolean score_patches(Model *model, const char *bundle, const char *folder, const char *output,
                              int threads, GError **error)
{
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    ScoringOptions options = {model, bundle, threads, NULL, tell_tiles, (void *)folder, TRUE};
    if (!score_folder(&options, folder, scored, error)) {
        return FALSE;
    }
    g_autoptr(GArray) sizes = scored_sizes(scored);
    g_autofree char *reported = image_sizes_text(sizes, model_spec(model)->tile_size);
    if (reported) {
        fprintf(stderr, "wsiflow score: %s\n", reported);
    }
    return scoring_write_images(output, "", scored, NULL, error);
}

static gboolean score_slide(const Config *config, Model *model, const char *bundle, const char *path,
                            const char *output, int threads, GError **error)
{
    SlideOptions slide_options = {
        .mpp_x = config->slides_mpp, .mpp_y = config->slides_mpp, .use_objective = config->slides_objective};
    TissueOptions tissue_options = tissue_mask_options(config);
    g_autoptr(Slide) slide = slide_open(path, &slide_options, error);
    g_autoptr(Tissue) tissue =
        slide && slide_grid_check_mpp(slide, error) ? tissue_find(slide, &tissue_options, error) : NULL;
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(Rect));
    g_autoptr(Map) map = NULL;
    ScoringOptions options = {model, bundle, threads, NULL, tell_tiles, (void *)path, FALSE};
    if (!tissue || !scoring_slide(&options, config, slide, tissue->mask, scored, &map, error)) {
        return FALSE;
    }
    for (guint i = 0; i < scored->len; i++) {
        Scored *one = &g_array_index(scored, Scored, i);
        Rect position = {one->tile.x, one->tile.y, one->width, one->height};
        one->label = -1;
        one->lesion_fraction = NAN; /* no annotation is known */
        g_array_append_val(positions, position);
    }
    int unreadable = scored_unreadable(scored);
    if (unreadable > 0) {
        fprintf(stderr,
                "wsiflow score: %s: %d of %u tiles have no score since less than %.0f %% of them could be "
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
    HeatmapLook look = heatmap_look(config);
    look.title = id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    char sha256[3][65];
    return scoring_write_slide(table, id, "", scored, NULL, error) && npy_write(values, map, NULL, error) &&
           heatmap_files_write(folder, &look, slide, map, known, sha256, error);
}

/* All slides, even when some fail: each failure is reported. */
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

/* Whether the folder of each slide can take its files. */
static gboolean slides_writable(const char *output, char *const *paths, int count, GError **error)
{
    const char *const files[] = {"scores.csv",     "scoremap.npy",   heatmap_files[0],
                                 heatmap_files[1], heatmap_files[2], NULL};
    gboolean good = TRUE;
    for (int i = 0; good && i < count; i++) {
        g_autofree char *id = slide_id_of(paths[i]), *folder = g_build_filename(output, id, NULL);
        good = writable_folder(folder, files, error);
    }
    return good;
}

/* From where on a tile counts as anomalous, from how many tiles that is known, and why it may not hold. */
static void tell_threshold(const Model *model)
{
    g_auto(GStrv) lines = model_card_lines(model_calibration(model));
    for (char **line = lines; *line; line++) {
        fprintf(stderr, "wsiflow score: %s\n", *line);
    }
}

int command_score(int argc, char **argv, GError **error)
{
    g_autofree char *config_path = NULL, *model_path = NULL, *patches = NULL, *output = NULL, *weights = NULL;
    int threads = 0, code;
    GOptionEntry entries[] = {
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model_path, "the model bundle", "MODEL"},
        {"patches", 'p', 0, G_OPTION_ARG_FILENAME, &patches, "folder of images, or of folders named by label",
         "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "CSV file (--patches) or folder (slides)", "OUT"},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections slides, tissue, score, heatmap; the model says how tiles are cut (default: all defaults)",
         "CONFIG.yaml"},
        {"weights", 'w', 0, G_OPTION_ARG_FILENAME, &weights, "weights of the extractor, when they have moved",
         "FILE"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("score", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!model_path || !output || (patches != NULL) == (argc > 1)) {
        return command_misused(error, "needed are -m MODEL, -o OUT, and either --patches DIR or slides");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    gboolean ready = patches ? writable_file(output, error) && writable_differs(output, model_path, error)
                             : slide_id_all_differ(argv + 1, argc - 1, error) &&
                                   slides_writable(output, argv + 1, argc - 1, error);
    g_autoptr(Config) config = ready ? config_or_default(config_path, error) : NULL;
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

/* ---- evaluate ---- */

static gboolean has_scores(const ScoreTable *table)
{
    for (int i = 0; i < table->n; i++) {
        if (!isnan(table->score[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

static int show_figures(json_t *figures, gboolean as_json)
{
    if (as_json) {
        json_print(figures);
        return EXIT_DONE;
    }
    g_autofree char *text = evaluation_text(figures);
    fputs(text, stdout);
    json_decref(figures);
    return EXIT_DONE;
}

int command_evaluate(int argc, char **argv, GError **error)
{
    g_autofree char *column = g_strdup("score"), *labels = NULL, *model = NULL;
    Calibration calibration;
    Threshold thresholds[] = {{"calibrated", NAN, NULL, NULL}, {"given", NAN, NULL, NULL}};
    gboolean json = FALSE;
    int code;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON", NULL},
        {"score", 's', 0, G_OPTION_ARG_STRING, &column, "column to evaluate (default: score)", "NAME"},
        {"labels", 'l', 0, G_OPTION_ARG_FILENAME, &labels,
         "CSV with file and near_blank: figures also without near-blank tiles", "FILE"},
        {"threshold", 't', 0, G_OPTION_ARG_DOUBLE, &thresholds[1].value, "figures also at this threshold",
         "VALUE"},
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model,
         "figures also at the threshold of this model's calibration (column score)", "MODEL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("evaluate", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc < 2) {
        return command_misused(error, "a table of scores is needed: wsiflow evaluate SCORES.csv");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    if (model && !g_str_equal(column, "score")) {
        return command_misused(error, "--model: its threshold is of the column score, not of %s", column);
    }
    g_autoptr(ScoreTable) table = score_table_read((const char *const *)argv + 1, column, labels, error);
    if (!table || (model && !evaluation_model_threshold(model, &calibration, &thresholds[0], error))) {
        return EXIT_FAILED;
    }
    if (!has_scores(table)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "none of %d rows has a value in the column %s",
                    table->n, column);
        return EXIT_FAILED;
    }
    return show_figures(evaluation_json(table, thresholds, G_N_ELEMENTS(thresholds)), json);
}

/* ---- heatmap ---- */

int command_heatmap(int argc, char **argv, GError **error)
{
    g_autofree char *slide_path = NULL, *output = NULL, *config_path = NULL;
    double mpp = 0;
    int code;
    GOptionEntry entries[] = {
        {"slide", 's', 0, G_OPTION_ARG_FILENAME, &slide_path, "the slide the map belongs to", "SLIDE"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "folder to write to", "DIR"},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections slides and heatmap (default: all defaults)", "CONFIG.yaml"},
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &mpp, "um/px of the slide when it does not say it", "UM"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("heatmap", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2 || !slide_path || !output) {
        return command_misused(
            error, "needed are a map, its slide and a folder: wsiflow heatmap MAP.npy --slide SLIDE -o DIR");
    }
    const char *const files[] = {heatmap_files[0], heatmap_files[1], heatmap_files[2], NULL};
    g_autoptr(Config) config =
        writable_folder(output, files, error) ? config_or_default(config_path, error) : NULL;
    g_autoptr(Map) map = config ? npy_read(argv[1], error) : NULL;
    if (!map) {
        return EXIT_FAILED;
    }
    mpp = mpp > 0 ? mpp : config->slides_mpp;
    SlideOptions options = {.mpp_x = mpp, .mpp_y = mpp, .use_objective = config->slides_objective};
    g_autoptr(Slide) slide = slide_open(slide_path, &options, error);
    char sha256[3][65];
    g_autofree char *id = slide_id_of(slide_path);
    HeatmapLook look = heatmap_look(config);
    look.title = id;
    look.provenance = "wsiflow " WSIFLOW_VERSION;
    gboolean ok = slide && slide_grid_check_mpp(slide, error) &&
                  heatmap_files_write(output, &look, slide, map, NULL, sha256, error);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

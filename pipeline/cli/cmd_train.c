/* train: a model from a folder of images, without a run folder. */
#include "base/error.h"
#include "base/pool.h"
#include "base/writable.h"
#include "flows/models/channels.h"
#include "pipeline/cli/commands.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/training/epoch_clock.h"
#include "pipeline/training/model_config.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/training/model_card.h"
#include "pipeline/training/train_tiles.h"
#include "pipeline/training/train_source.h"
#include <stdio.h>

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
                " samples were left out because less than half of each could be read\n",
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

static int train(int argc, char **argv, GError **error)
{
    g_autofree char *config_path = NULL, *patches = NULL, *output = NULL;
    int threads = 0, code;
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path,
         "sections model, train, augment, loss, threshold and key tiles.size (default: all defaults)",
         "CONFIG.yaml"},
        {"patches", 'p', 0, G_OPTION_ARG_FILENAME, &patches,
         "folder with train/good or train-*.tar (default: patches.folder)", "DIR"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "the model bundle to write", "MODEL"},
        {"threads", 'j', 0, G_OPTION_ARG_INT, &threads, "threads (default: all processors)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_train, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!output || argc > 1) {
        return command_misused(error, "an output file is required: -o MODEL");
    }
    g_autoptr(Config) config =
        writable_file(output, error) ? command_config_or_default(config_path, error) : NULL;
    if (!config) {
        return EXIT_FAILED;
    }
    if (patches) {
        config_use_patches(config, patches);
    }
    if (!*config->patches_folder) {
        return command_misused(
            error, "a folder to train on is required: --patches DIR, or patches.folder in the configuration");
    }
    return train_to(config, output, threads > 0 ? threads : pool_processors(), error) ? EXIT_DONE
                                                                                      : EXIT_FAILED;
}

const Command command_train = {"train", "-c CONFIG.yaml [--patches DIR] -o MODEL",
                               "train a model on DIR/train/good", NULL, train};

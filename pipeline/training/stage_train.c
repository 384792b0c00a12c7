/* train: a model of normal tissue, with its card and its training curve.
 *
 * Training keeps a checkpoint next to the model: a run that was killed continues after the last complete epoch and ends with the same bytes.
 * The checkpoint and the file of features (train.feature_cache) are removed once the model is published. */
#include "base/durable.h"
#include "flows/models/channels.h"
#include "pipeline/job/stages.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/training/epoch_clock.h"
#include "pipeline/training/model_card.h"
#include "pipeline/training/model_config.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/training/train_source.h"
#include "pipeline/training/train_tiles.h"
#include "pipeline/write/chart.h"
#include "pipeline/write/json.h"
#include <string.h>

typedef struct {
    Work *work;
    EpochClock clock;
    GError *error;
} TrainingProgress;

static gboolean reported(void *data, const EpochReport *report)
{
    TrainingProgress *self = data;
    g_autofree char *line = epoch_clock_line(&self->clock, report);
    g_info("%s", line);
    return work_tick(self->work, report->epoch, self->clock.epochs, "epochs", &self->error);
}

static gboolean publish_text(Work *work, const char *name, const char *file, char *text, GError **error)
{
    char sha256[65];
    g_autofree char *own = text;
    g_autofree char *path = work_output(work, file);
    return durable_write_file(path, own, strlen(own), sha256, error) &&
           work_publish(work, name, path, sha256, error);
}

static char *training_svg(const GArray *history)
{
    g_autofree double *epoch = g_new(double, history->len + 1), *train = g_new(double, history->len + 1);
    g_autofree double *holdout = g_new(double, history->len + 1);
    for (guint i = 0; i < history->len; i++) {
        const EpochReport *report = &g_array_index(history, EpochReport, i);
        epoch[i] = report->epoch;
        train[i] = report->train_nll;
        holdout[i] = report->holdout_nll;
    }
    ChartSeries series[] = {
        {.name = "training", .count = (int)history->len, .x = epoch, .y = train},
        {.name = "hold-out", .count = (int)history->len, .x = epoch, .y = holdout, .dashed = TRUE}};
    ChartAxes axes = chart_axes("Training", "epoch", "NLL per dimension (nats)");
    return chart_svg(&axes, series, 2);
}

static gboolean publish_model(Work *work, const Model *model, const GPtrArray *notes, GError **error)
{
    char sha256[65];
    char *card = model_card_text(model, notes);
    g_autofree char *path = work_output(work, "model/model.safetensors");
    return model_save(model, path, sha256, error) && work_publish(work, "model", path, sha256, error) &&
           publish_text(work, "card", "model/CARD.md", card, error) &&
           publish_text(work, "channels", "model/channels.csv", channels_csv(model_channels(model)), error) &&
           publish_text(work, "curve", "model/curve.csv", history_csv(model_history(model)), error) &&
           publish_text(work, "curve_svg", "model/curve.svg", training_svg(model_history(model)), error);
}

/* Only images of patches.folder may have other sizes. */
static gboolean publish_sizes(Work *work, GArray *sizes, int size, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, "model/image_sizes.json");
    return !sizes || (json_write(path, image_sizes_json(sizes, size), sha256, error) &&
                      work_publish(work, "images", path, sha256, error));
}

/* How the tiles were chosen, for the end of the run. */
static gboolean publish_notes(Work *work, const GPtrArray *notes, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, TRAIN_NOTES_FILE);
    return json_write(path, json_pack("{s:o}", "notes", json_texts(notes)), sha256, error) &&
           work_publish(work, "notes", path, sha256, error);
}

/* fits receives the path of each slide's stain fit, or NULL. */
static TrainTiles *gather_tiles(const Work *work, GPtrArray *fits, GError **error)
{
    const Config *config = work->run->config;
    g_autofree char *normals = work_find(work, "normals", COHORT, "tiles");
    gboolean from_set = !*config->patches_folder && !normals;
    g_autofree char *manifest = from_set ? work_input(work, "dataset", "manifest", error) : NULL;
    const GPtrArray *slides = work->run->slides;
    for (guint i = 0; i < slides->len; i++) {
        g_ptr_array_add(fits, work_find(work, "stain", ((const SlideEntry *)slides->pdata[i])->id, "fit"));
    }
    return from_set && !manifest ? NULL : train_source_open(config, manifest, normals, slides, fits, error);
}

gboolean stage_train(Work *work, GError **error)
{
    const Config *config = work->run->config;
    ModelSpec spec;
    if (!model_config_spec(config, &spec, error)) {
        return FALSE;
    }
    g_autoptr(Model) model = NULL;
    g_autofree char *checkpoint = work_output(work, "model/checkpoint.safetensors");
    g_autofree char *features = work_output(work, "model/features");
    g_autoptr(GPtrArray) fits = g_ptr_array_new_with_free_func(g_free); /* outlives the tiles */
    g_autoptr(TrainTiles) tiles = gather_tiles(work, fits, error);
    TileRecipe recipe;
    gboolean ok = tiles && train_tiles_recipe(tiles, &recipe, error);
    if (ok) {
        model_recipe_set(&spec, &recipe);
        TrainingProgress self = {work, epoch_clock_start(spec.epochs), NULL};
        FitOptions options = {.threads = work->threads,
                              .checkpoint = checkpoint,
                              .reported = reported,
                              .reported_data = &self,
                              .cache = model_config_feature_cache(config),
                              .feature_file = features};
        GError *why = NULL;
        model = model_fit(&spec, train_tiles_set(tiles), &options, &why);
        if (self.error) { /* the reason why the callback ended training */
            g_clear_error(&why);
            why = self.error;
            g_clear_pointer(&model, model_free);
        }
        if (why) {
            g_propagate_error(error, why);
        }
        ok = model && publish_model(work, model, train_tiles_notes(tiles), error) &&
             publish_notes(work, train_tiles_notes(tiles), error) &&
             publish_sizes(work, train_tiles_sizes(tiles), config->tiles_size, error);
    }
    model_spec_clear(&spec);
    if (ok) {
        durable_discard(checkpoint);
        if (!config->train_keep_features) {
            durable_discard(features);
        }
    }
    return ok;
}

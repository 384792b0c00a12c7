/* score: scores of all tissue tiles of a slide, and the blended map of the slide.
 * scorepatches: scores of the test split of a patch set. */
#include "base/durable.h"
#include "pipeline/job/stages.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/patchset/tile_label.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/score_folder.h"
#include "pipeline/scoring/scoring.h"
#include "pipeline/slide/lesion_fractions.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/tissue_mask.h"
#include "pipeline/write/json.h"
#include <glib/gstdio.h>
#include <math.h>

static gboolean tick(void *data, int64_t done, int64_t total, GError **error)
{
    return work_tick(data, done, total, "tiles", error);
}

/* *bundle: the file of the model; caller frees. */
static Model *load_model(const Work *work, char **bundle, GError **error)
{
    const Config *config = work->run->config;
    char *own = work_find(work, "train", COHORT, "model");
    const char *path = *bundle = own ? own : g_strdup(config->score_model);
    return model_load(path, *config->model_weights ? config->model_weights : NULL,
                      *config->model_kernels ? config->model_kernels : NULL, error);
}

/* The folder of the blocks that this job has finished; its name holds the key of the job. */
static char *partial_folder(const Work *work)
{
    g_autofree char *name = g_strdup_printf("partial-%.16s", work->job->key);
    return work_output(work, name);
}

static void remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        durable_discard(file);
    }
    g_rmdir(path);
}

/* Removes the partial folders of this job and of earlier keys. */
static void remove_partials(const Work *work)
{
    g_autofree char *folder = work_output(work, "");
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_prefix(name, "partial-")) {
            g_autofree char *path = g_build_filename(folder, name, NULL);
            remove_folder(path);
        }
    }
}

static void label_tiles(const Config *config, const SlideEntry *slide, GArray *scored, const Raster *raster)
{
    for (guint i = 0; i < scored->len; i++) {
        Scored *s = &g_array_index(scored, Scored, i);
        Rect area = {s->tile.x, s->tile.y, s->width, s->height}, centre = lesion_fractions_centre(&area);
        s->lesion_fraction = slide->label == SLIDE_UNKNOWN ? NAN : lesions_fraction(raster, &area);
        TileLabel label = tile_label(config, slide, s->lesion_fraction, lesions_fraction(raster, &centre));
        s->label = label == TILE_AMBIGUOUS ? -1 : label == TILE_UNGOOD;
    }
}

static gboolean publish_scores(Work *work, const GArray *scored, const Map *map, GError **error)
{
    char sha256[65];
    g_autofree char *table = work_output(work, "scores.csv"), *values = work_output(work, "scoremap.npy");
    return scoring_write_slide(table, work->slide->id, work->slide->split, scored, sha256, error) &&
           work_publish(work, "scores", table, sha256, error) && npy_write(values, map, sha256, error) &&
           work_publish(work, "map", values, sha256, error);
}

gboolean stage_score(Work *work, GError **error)
{
    const Config *config = work->run->config;
    gboolean lesions = work->slide->label == SLIDE_ANNOTATED;
    g_autofree char *bundle = NULL;
    g_autoptr(Model) model = load_model(work, &bundle, error);
    g_autofree char *mask_path = model ? work_input(work, "tissue", "mask", error) : NULL;
    g_autoptr(Image) tissue = mask_path ? tissue_mask_read(mask_path, error) : NULL;
    g_autoptr(Slide) slide = tissue ? slide_entry_open(config, work->slide, error) : NULL;
    g_autofree char *border = slide && lesions ? work_input(work, "mask", "border", error) : NULL;
    g_autoptr(Raster) raster = border ? raster_read(border, error) : NULL;
    if (!slide || (lesions && !raster)) {
        return FALSE;
    }
    g_autofree char *partial = partial_folder(work);
    ScoringOptions options = {model, bundle, work->threads, partial, tick, work, TRUE};
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    g_autoptr(Map) map = NULL;
    if (!scoring_slide(&options, config, slide, tissue, scored, &map, error)) {
        return FALSE;
    }
    label_tiles(config, work->slide, scored, raster);
    if (!publish_scores(work, scored, map, error)) {
        return FALSE;
    }
    remove_partials(work);
    return TRUE;
}

gboolean stage_scorepatches(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_autofree char *bundle = NULL;
    g_autoptr(Model) model = load_model(work, &bundle, error);
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    g_autofree char *partial = partial_folder(work);
    ScoringOptions options = {model, bundle, work->threads, partial, tick, work, TRUE};
    g_autofree char *test = g_build_filename(config->patches_folder, "test", NULL);
    if (!model || !score_folder(&options, test, scored, error)) {
        return FALSE;
    }
    char sha256[65], sizes_sha256[65];
    g_autoptr(GArray) sizes = scored_sizes(scored);
    g_autofree char *images = work_output(work, "image_sizes.json");
    if (!json_write(images, image_sizes_json(sizes, model_spec(model)->tile_size), sizes_sha256, error) ||
        !work_publish(work, "images", images, sizes_sha256, error)) {
        return FALSE;
    }
    g_autofree char *table = work_output(work, "scores.csv");
    if (!scoring_write_images(table, "test", scored, sha256, error) ||
        !work_publish(work, "scores", table, sha256, error)) {
        return FALSE;
    }
    remove_partials(work);
    return TRUE;
}

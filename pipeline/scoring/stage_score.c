/* score: scores of all tissue tiles of a slide, and the blended map of the slide.
 * scorepatches: scores of the test split of a patch set. */
#include "base/durable.h"
#include "pipeline/job/stages.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/patchset/tile_label.h"
#include "pipeline/scoring/latent_sample.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/score_folder.h"
#include "pipeline/scoring/scored_files.h"
#include "flows/scoring/scorer.h"
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

/* ---- labels and latents ---- */

/* Of what there is on a slide; NULL: nothing. */
typedef struct {
    Raster *lesions, *hard, *unknown;
} Borders;

static void borders_clear(Borders *borders)
{
    raster_free(borders->lesions);
    raster_free(borders->hard);
    raster_free(borders->unknown);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Borders, borders_clear)

/* A border that the stage mask may have published. */
static gboolean read_part(const Work *work, const char *name, Raster **raster, GError **error)
{
    g_autofree char *path = work_find(work, "mask", work->slide->id, name);
    *raster = path ? raster_read(path, error) : NULL;
    return !path || *raster;
}

static gboolean read_borders(const Work *work, Borders *borders, GError **error)
{
    g_autofree char *path = work_input(work, "mask", "border", error);
    borders->lesions = path ? raster_read(path, error) : NULL;
    return borders->lesions && read_part(work, "hard", &borders->hard, error) &&
           read_part(work, "unknown", &borders->unknown, error);
}

typedef struct {
    const Config *config;
    const SlideEntry *slide; /* NULL: images */
    const Borders *borders;  /* of a slide */
} Listing;

static void label_tiles(const Config *config, const SlideEntry *slide, GArray *scored, const Borders *borders)
{
    for (guint i = 0; i < scored->len; i++) {
        Scored *s = &g_array_index(scored, Scored, i);
        Rect area = {s->tile.x, s->tile.y, s->width, s->height}, centre = lesion_fractions_centre(&area);
        const LesionFraction tile = {
            lesions_fraction(borders->lesions, &area), lesions_fraction(borders->lesions, &centre),
            lesions_fraction(borders->hard, &area), lesions_fraction(borders->unknown, &area)};
        s->lesion_fraction = slide->label == SLIDE_UNKNOWN ? NAN : tile.fraction;
        TileLabel label = tile_label(config, slide, &tile);
        s->label = label == TILE_AMBIGUOUS ? -1 : label == TILE_UNGOOD;
    }
}

/* Labels the tiles of a slide; those of images are labelled already.  Chooses the tiles whose latents are kept. */
static void on_listed(void *data, GArray *scored)
{
    const Listing *listing = data;
    const SlideEntry *slide = listing->slide;
    const uint64_t seed = (uint64_t)listing->config->run_seed;
    g_autofree uint64_t *draw = g_new(uint64_t, scored->len + 1);
    if (slide) {
        label_tiles(listing->config, slide, scored, listing->borders);
    }
    for (guint i = 0; i < scored->len; i++) {
        const Scored *s = &g_array_index(scored, Scored, i);
        draw[i] = slide ? latent_sample_draw_tile(seed, slide->id, s->tile.column, s->tile.row)
                        : latent_sample_draw_image(seed, s->file);
    }
    latent_sample_mark(scored, draw, listing->config->score_latents);
}

/* Writes latents.npy (kept tiles, SCORER_LATENTS), and latents.csv with the rows of these tiles in scores.csv. */
static gboolean publish_latents(Work *work, const GArray *scored, const GArray *latents, GError **error)
{
    char sha256[2][65];
    const int64_t shape[] = {latents->len / SCORER_LATENTS, SCORER_LATENTS};
    g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(Scored));
    for (guint i = 0; i < scored->len; i++) {
        if (g_array_index(scored, Scored, i).kept) {
            g_array_append_val(kept, g_array_index(scored, Scored, i));
        }
    }
    g_autofree char *table = work_output(work, "latents.csv"), *values = work_output(work, "latents.npy");
    g_autoptr(Durable) file = npy_open(values, 2, shape, error);
    const SlideEntry *slide = work->slide;
    return file && durable_write(file, latents->data, latents->len * sizeof(float), error) &&
           durable_commit(file, sha256[0], NULL, error) &&
           work_publish(work, "latents", values, sha256[0], error) &&
           (slide ? scored_files_slide(table, slide->id, slide->split, kept, sha256[1], error)
                  : scored_files_images(table, "test", kept, sha256[1], error)) &&
           work_publish(work, "latent_tiles", table, sha256[1], error);
}

static gboolean publish_scores(Work *work, const GArray *scored, const Map *map, GError **error)
{
    char sha256[65];
    g_autofree char *table = work_output(work, "scores.csv"), *values = work_output(work, "scoremap.npy");
    return scored_files_slide(table, work->slide->id, work->slide->split, scored, sha256, error) &&
           work_publish(work, "scores", table, sha256, error) && npy_write(values, map, sha256, error) &&
           work_publish(work, "map", values, sha256, error);
}

static ScoringOptions options_of(Work *work, Model *model, const char *bundle, const char *partial,
                                 Listing *listing, GArray *latents)
{
    return (ScoringOptions){.model = model,
                            .bundle = bundle,
                            .threads = work->threads,
                            .partial = partial,
                            .tick = tick,
                            .tick_data = work,
                            .last = TRUE,
                            .listed = on_listed,
                            .listed_data = listing,
                            .latents = latents};
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
    g_auto(Borders) borders = {0};
    if (!slide || (lesions && !read_borders(work, &borders, error))) {
        return FALSE;
    }
    g_autofree char *partial = partial_folder(work);
    Listing listing = {config, work->slide, &borders};
    g_autoptr(GArray) latents = g_array_new(FALSE, FALSE, sizeof(float));
    ScoringOptions options = options_of(work, model, bundle, partial, &listing, latents);
    g_autoptr(GArray) scored = g_array_new(FALSE, FALSE, sizeof(Scored));
    g_autoptr(Map) map = NULL;
    if (!scoring_slide(&options, config, slide, tissue, scored, &map, error) ||
        !publish_scores(work, scored, map, error) || !publish_latents(work, scored, latents, error)) {
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
    Listing listing = {config, NULL, NULL};
    g_autoptr(GArray) latents = g_array_new(FALSE, FALSE, sizeof(float));
    ScoringOptions options = options_of(work, model, bundle, partial, &listing, latents);
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
    if (!scored_files_images(table, "test", scored, sha256, error) ||
        !work_publish(work, "scores", table, sha256, error) ||
        !publish_latents(work, scored, latents, error)) {
        return FALSE;
    }
    remove_partials(work);
    return TRUE;
}

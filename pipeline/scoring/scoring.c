/* Scoring.
 *
 * Tiles are scored in batches of a fixed composition (tile i is in batch i / B at index i mod B), and batches in blocks.  All threads work on
 * the batches of a block, each with its own scorer, and no tile is written to disk.  Blocks are added to the slide's map in order, so the map
 * does not depend on the threads.
 *
 * A finished block is kept in the folder `partial`: scores, maps, their masks and the latents of kept tiles as raw numbers.  A job that was killed reads them instead of
 * computing them again.  The name of the folder holds the key of the job, so blocks of other inputs are never read.
 *
 * What cannot be read has no value (CUT_READABLE).  With its map, a tile has a mask of the cells that could be read, which the blend uses; a
 * tile that is mostly unreadable has neither scores nor a map.
 *
 * The tiles of a slide are cut and coloured by the model's recipe alone; no key of the configuration changes that. */
#include "pipeline/scoring/scoring.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "flows/scoring/scorer.h"
#include "pipeline/patchset/image_fit.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/training/model_recipe.h"
#include "tiler/cut/cut.h"
#include "tiler/heatmap/blend.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>
#include <sys/uio.h>

#define BLOCK_BATCHES 64

typedef struct Scoring {
    const ScoringOptions *options;
    int64_t count;
    int batch, size, side; /* tiles per batch; side of a tile in px; side of a map in cells */
    Scorer **scorers;      /* one per thread */
    uint8_t **rgb;         /* one per thread: batch x size x size x 3 */
    Image **readable;      /* one per thread: size x size */
    /* the current block */
    int64_t first;
    float *maps;    /* (tiles, side, side); NULL when no map is wanted */
    uint8_t *known; /* (tiles, side, side): 255 for a cell that could be read, else 0 */
    Scored *scored; /* all tiles */
    int *slot;      /* how many tiles before this one are kept; one more than tiles */
    gboolean (*read)(struct Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error);
    /* slides */
    Slide *slide;
    const Grid *grid;
    const CutSpec *cut;
    /* images */
    const GPtrArray *files;
} Scoring;

static void scored_clear(Scored *scored)
{
    g_clear_pointer(&scored->file, g_free);
}

static void set_nan(TileScore *score)
{
    *score = (TileScore){NAN, NAN, NAN, NAN, NAN, {NAN, NAN, NAN}, NAN, NAN, NAN, NAN};
}

/* ---- reading one tile ---- */

/* Marks the cells of a tile's map that are readable enough. */
static void mask_cells(uint8_t *known, int side, const Image *readable)
{
    for (int r = 0; r < side; r++) {
        for (int c = 0; c < side; c++) {
            int y0 = r * readable->height / side, y1 = (r + 1) * readable->height / side;
            int x0 = c * readable->width / side, x1 = (c + 1) * readable->width / side, good = 0;
            for (int y = y0; y < y1; y++) {
                for (int x = x0; x < x1; x++) {
                    good += readable->pixels[(size_t)y * readable->width + x] != 0;
                }
            }
            known[r * side + c] = cut_readable((double)good / ((y1 - y0) * (x1 - x0))) ? 255 : 0;
        }
    }
}

static gboolean read_slide_tile(Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error)
{
    const Tile *tile = &g_array_index(job->grid->tiles, Tile, index);
    Scored *scored = &job->scored[index];
    Image image = {job->size, job->size, 3, rgb};
    if (!cut_tile(job->slide, job->cut, tile->x, tile->y, &image, job->readable[worker],
                  &scored->readable_fraction, error)) {
        return FALSE;
    }
    if (job->known && scored->readable_fraction < 1) {
        mask_cells(job->known + (size_t)(index - job->first) * job->side * job->side, job->side,
                   job->readable[worker]);
    }
    return TRUE;
}

static gboolean read_image(Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error)
{
    Scored *scored = &job->scored[index];
    g_autoptr(Image) image = imagefile_read(job->files->pdata[index], error);
    if (!image) {
        return FALSE;
    }
    scored->readable_fraction = 1;
    scored->width = image->width;
    scored->height = image->height;
    return image_fit(image, job->size, rgb, error);
}

/* ---- one batch ---- */

/* The pooled latents of a kept tile, as they are handed over. */
static float *latents_at(const Scoring *job, int64_t index)
{
    return (float *)(void *)job->options->latents->data + (size_t)job->slot[index] * SCORER_LATENTS;
}

static void keep_latents(const Scoring *job, int64_t index, const Scorer *scorer, int b)
{
    const Scored *scored = &job->scored[index];
    if (!scored->kept || !job->options->latents) {
        return;
    }
    float *latents = latents_at(job, index);
    scorer_latents(scorer, b, latents);
    for (int i = 0; i < SCORER_LATENTS && !cut_readable(scored->readable_fraction); i++) {
        latents[i] = NAN;
    }
}

static gboolean run_batch(int64_t item, int worker, void *data, GError **error)
{
    Scoring *job = data;
    int64_t first = job->first + item * job->batch;
    int n = (int)MIN((int64_t)job->batch, job->count - first);
    size_t tile_bytes = (size_t)job->size * job->size * 3, cells = (size_t)job->side * job->side;
    TileScore *scores = g_newa(TileScore, n);
    for (int i = 0; i < n; i++) {
        if (!job->read(job, first + i, worker, job->rgb[worker] + i * tile_bytes, error)) {
            return FALSE;
        }
    }
    float *maps = job->maps ? job->maps + (size_t)(first - job->first) * cells : NULL;
    if (!scorer_run(job->scorers[worker], job->rgb[worker], n, scores, maps, error)) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        Scored *scored = &job->scored[first + i];
        scored->score = scores[i];
        if (!cut_readable(scored->readable_fraction)) {
            set_nan(&scored->score);
        }
        keep_latents(job, first + i, job->scorers[worker], i);
    }
    return TRUE;
}

/* ---- blocks that survive a kill ---- */

static char *block_path(const Scoring *job)
{
    return g_strdup_printf("%s/block-%08" G_GINT64_FORMAT, job->options->partial, job->first);
}

/* The parts of the file of a block of n tiles: scores, maps, masks, latents. */
enum { BLOCK_PARTS = 4 };
static guint block_parts(const Scoring *job, int64_t n, struct iovec parts[BLOCK_PARTS])
{
    gboolean latents = job->options->latents && job->options->latents->len > 0;
    int kept = latents ? job->slot[job->first + n] - job->slot[job->first] : 0;
    size_t cells = job->maps ? (size_t)n * job->side * job->side : 0;
    parts[0] = (struct iovec){&job->scored[job->first], (size_t)n * sizeof(Scored)};
    parts[1] = (struct iovec){job->maps, cells * sizeof(float)};
    parts[2] = (struct iovec){job->known, cells};
    parts[3] = (struct iovec){kept > 0 ? latents_at(job, job->first) : NULL,
                              (size_t)kept * SCORER_LATENTS * sizeof(float)};
    return BLOCK_PARTS;
}

static gboolean block_load(Scoring *job, int64_t n)
{
    if (!job->options->partial) {
        return FALSE;
    }
    g_autofree char *path = block_path(job);
    g_autofree char *bytes = NULL;
    gsize length, wanted = 0;
    struct iovec parts[BLOCK_PARTS];
    guint count = block_parts(job, n, parts);
    for (guint i = 0; i < count; i++) {
        wanted += parts[i].iov_len;
    }
    if (!g_file_get_contents(path, &bytes, &length, NULL) || length != wanted) {
        return FALSE;
    }
    const char *from = bytes;
    for (guint i = 0; i < count; from += parts[i++].iov_len) {
        if (parts[i].iov_len > 0) {
            memcpy(parts[i].iov_base, from, parts[i].iov_len);
        }
    }
    return TRUE;
}

static gboolean block_save(const Scoring *job, int64_t n, GError **error)
{
    if (!job->options->partial) {
        return TRUE;
    }
    g_autofree char *path = block_path(job);
    g_autoptr(Durable) file = durable_open(path, error);
    struct iovec parts[BLOCK_PARTS];
    guint count = block_parts(job, n, parts);
    gboolean ok = file != NULL;
    for (guint i = 0; ok && i < count; i++) {
        ok = durable_write(file, parts[i].iov_base, parts[i].iov_len, error);
    }
    return ok && durable_commit(file, NULL, NULL, error);
}

static void block_blend(const Scoring *job, int64_t n, Blend *blend)
{
    size_t cells = (size_t)job->side * job->side;
    for (int64_t i = 0; i < n; i++) {
        const Scored *scored = &job->scored[job->first + i];
        Map map = {job->side, job->side, job->maps + i * cells};
        Image known = {job->side, job->side, 1, job->known + i * cells};
        Rect footprint = {scored->tile.x, scored->tile.y, scored->width, scored->height};
        if (cut_readable(scored->readable_fraction)) {
            blend_add(blend, &footprint, &map, scored->readable_fraction < 1 ? &known : NULL);
        }
    }
}

static gboolean run_blocks(Scoring *job, Blend *blend, GError **error)
{
    const ScoringOptions *options = job->options;
    int64_t block = (int64_t)BLOCK_BATCHES * job->batch;
    for (job->first = 0; job->first < job->count; job->first += block) {
        int64_t n = MIN(block, job->count - job->first);
        if (options->tick && !options->tick(options->tick_data, job->first, job->count, error)) {
            return FALSE;
        }
        if (!block_load(job, n) &&
            (!pool_run(options->threads, TRUE, (n + job->batch - 1) / job->batch, run_batch, job, error) ||
             !block_save(job, n, error))) {
            return FALSE;
        }
        if (blend) {
            block_blend(job, n, blend);
        }
    }
    return !options->tick || options->tick(options->tick_data, job->count, job->count, error);
}

/* ---- setting up ---- */

static void scoring_clear(Scoring *job)
{
    for (int t = 0; t < job->options->threads; t++) {
        scorer_free(job->scorers[t]);
        image_free(job->readable[t]);
        g_free(job->rgb[t]);
    }
    g_free(job->scorers);
    g_free(job->readable);
    g_free(job->rgb);
    g_free(job->maps);
    g_free(job->known);
    g_free(job->slot);
}

static gboolean scoring_begin(Scoring *job, const ScoringOptions *options, gboolean maps, GError **error)
{
    job->options = options;
    job->size = model_spec(options->model)->tile_size;
    job->scorers = g_new0(Scorer *, options->threads);
    job->readable = g_new0(Image *, options->threads);
    job->rgb = g_new0(uint8_t *, options->threads);
    for (int t = 0; t < options->threads; t++) {
        job->scorers[t] = scorer_new(options->model, error);
        if (!job->scorers[t]) {
            return FALSE;
        }
        job->batch = scorer_batch(job->scorers[t]);
        job->side = scorer_map_size(job->scorers[t]);
        job->readable[t] = image_new(job->size, job->size, 1, error);
        job->rgb[t] = wsi_try_alloc((size_t)job->batch * job->size * job->size, 3, "a batch of tiles", error);
        if (!job->readable[t] || !job->rgb[t]) {
            return FALSE;
        }
    }
    if (options->last) {
        model_release(options->model);
    }
    if (maps) {
        size_t cells = (size_t)BLOCK_BATCHES * job->batch * job->side * job->side;
        job->maps = wsi_try_alloc(cells, sizeof(float), "the maps of a block of tiles", error);
        job->known = job->maps ? wsi_try_alloc(cells, 1, "the masks of a block of tiles", error) : NULL;
    }
    return !maps || job->known;
}

static void scored_resize(Scoring *job, GArray *scored, int64_t count)
{
    g_array_set_clear_func(scored, (GDestroyNotify)scored_clear);
    g_array_set_size(scored, 0);
    g_array_set_size(scored, (guint)count);
    memset(scored->data, 0, (size_t)count * sizeof(Scored));
    job->scored = (Scored *)(void *)scored->data;
    job->count = count;
}

/* Lets the caller label the tiles and say which latents it wants; makes room for these. */
static void scored_listed(Scoring *job, GArray *scored)
{
    const ScoringOptions *options = job->options;
    int kept = 0;
    if (options->listed) {
        options->listed(options->listed_data, scored);
    }
    job->slot = g_new(int, job->count + 1);
    for (int64_t i = 0; i < job->count; i++) {
        job->slot[i] = kept;
        kept += job->scored[i].kept;
    }
    job->slot[job->count] = kept;
    if (options->latents) {
        g_array_set_size(options->latents, (guint)(kept * SCORER_LATENTS));
    }
}

static gboolean score_grid(const ScoringOptions *options, Slide *slide, const Grid *grid, const CutSpec *cut,
                           const Image *tissue, double cell_um, GArray *scored, Map **map, GError **error)
{
    Scoring job = {.read = read_slide_tile, .slide = slide, .grid = grid, .cut = cut};
    const SlideInfo *info = slide_info(slide);
    g_autoptr(Blend) blend = NULL;
    gboolean ok = scoring_begin(&job, options, TRUE, error);
    scored_resize(&job, scored, grid->tiles->len);
    for (int64_t i = 0; i < job.count; i++) {
        job.scored[i].tile = g_array_index(grid->tiles, Tile, i);
        job.scored[i].width = grid->tile_width;
        job.scored[i].height = grid->tile_height;
    }
    scored_listed(&job, scored);
    if (ok) {
        double cell = cell_um > 0 ? cell_um : cut->mpp * cut->size / job.side;
        blend =
            blend_new(info->levels[0].width, info->levels[0].height, info->mpp_x, info->mpp_y, cell, error);
    }
    ok = ok && blend && run_blocks(&job, blend, error) && (*map = blend_finish(blend, tissue, error));
    scoring_clear(&job);
    return ok;
}

/* Gives the slide the colours of the model's tiles.  The stain is fitted here, because the fit of the stage `stain` follows the
 * configuration. */
static gboolean colour_slide(const TileRecipe *recipe, Slide *slide, const Image *tissue, GError **error)
{
    StainFit fit;
    if (!tile_recipe_colour_slide(recipe, slide, NULL, error)) {
        return FALSE;
    }
    return recipe->target.method == STAIN_NONE ||
           (slide_stain_fit(&recipe->cut, recipe->target.method, slide, tissue, &fit, error) &&
            tile_recipe_colour_slide(recipe, slide, &fit, error));
}

gboolean scoring_slide(const ScoringOptions *options, const Config *config, Slide *slide, const Image *tissue,
                       GArray *scored, Map **map, GError **error)
{
    TileRecipe recipe;
    *map = NULL;
    if (!model_recipe_get(model_spec(options->model), options->bundle, &recipe, error) ||
        !slide_grid_check_upsampling(config, slide, recipe.cut.mpp, error) ||
        !colour_slide(&recipe, slide, tissue, error)) {
        return FALSE;
    }
    GridSpec spec = {.size = recipe.cut.size,
                     .mpp = recipe.cut.mpp,
                     .overlap = config->score_overlap * recipe.cut.size,
                     .edge = EDGE_SHIFT,
                     .min_tissue = config->score_min_tissue};
    g_autoptr(Grid) grid = slide_grid_new(slide, &spec, tissue, error);
    return grid &&
           score_grid(options, slide, grid, &recipe.cut, tissue, config->heatmap_cell_um, scored, map, error);
}

gboolean scoring_images(const ScoringOptions *options, const GPtrArray *files, GArray *scored, GError **error)
{
    Scoring job = {.read = read_image, .files = files};
    gboolean ok = scoring_begin(&job, options, FALSE, error);
    scored_resize(&job, scored, files->len);
    scored_listed(&job, scored);
    ok = ok && run_blocks(&job, NULL, error);
    for (guint i = 0; i < files->len; i++) {
        job.scored[i].file = g_strdup(files->pdata[i]);
    }
    scoring_clear(&job);
    return ok;
}

GArray *scored_sizes(const GArray *scored)
{
    GArray *sizes = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    for (guint i = 0; i < scored->len; i++) {
        const Scored *one = &g_array_index(scored, Scored, i);
        image_sizes_add(sizes, (int)one->width, (int)one->height);
    }
    return sizes;
}

int scored_unreadable(const GArray *scored)
{
    int n = 0;
    for (guint i = 0; i < scored->len; i++) {
        n += !cut_readable(g_array_index(scored, Scored, i).readable_fraction);
    }
    return n;
}

/* Scoring.
 *
 * Tiles are taken in batches of a fixed composition (tile i is in batch i / B at place i mod B), batches in blocks; the batches
 * of a block are done by all threads, each with its own scorer, and nothing is written to disk as a tile.  Blocks are added
 * to the slide's map in order, so the map does not depend on the threads.
 *
 * A finished block is kept in `partial`: scores, maps and the share of valid pixels as raw numbers; a job that was killed reads
 * them instead of computing them again.  The folder's name holds the job's key, so blocks of other inputs are never read.
 *
 * Places without data are no data: the map of a tile is NaN where most of the slide below could not be read, and a tile
 * that is mostly unreadable has no scores at all. */
#include "pipeline/scoring.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/models.h"
#include "tiler/heatmap.h"
#include <math.h>
#include <string.h>

#define BLOCK_BATCHES 64
#define LEAST_VALID 0.5 /* share of a tile, and of a map cell, that must have been read */

typedef struct Scoring {
    const ScoringOptions *options;
    int64_t count;
    int batch, size, side; /* tiles a batch, px a tile, cells a map */
    Scorer **scorers;      /* one a thread */
    uint8_t **rgb;
    Image **valid;
    /* of the block being done */
    int64_t first;
    float *maps;    /* side^2 a tile; NULL when no map is wanted */
    Scored *scored; /* of all tiles */
    gboolean (*read)(struct Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error);
    /* slides */
    Slide *slide;
    const Grid *grid;
    const CutSpec *cut;
    /* pictures */
    const GPtrArray *files;
} Scoring;

void scored_clear(Scored *scored)
{
    g_clear_pointer(&scored->file, g_free);
}

static void set_nan(TileScore *score)
{
    *score = (TileScore){NAN, NAN, NAN, NAN, NAN, {NAN, NAN, NAN}, NAN, NAN, NAN, NAN};
}

/* ---- reading one tile ---- */

/* NaN where less than half of the pixels below a cell of the map have data. */
static void mask_cells(float *map, int side, const Image *valid)
{
    for (int r = 0; r < side; r++) {
        for (int c = 0; c < side; c++) {
            int y0 = r * valid->height / side, y1 = (r + 1) * valid->height / side;
            int x0 = c * valid->width / side, x1 = (c + 1) * valid->width / side, good = 0;
            for (int y = y0; y < y1; y++) {
                for (int x = x0; x < x1; x++) {
                    good += valid->pixels[(size_t)y * valid->width + x] != 0;
                }
            }
            if (good < LEAST_VALID * (y1 - y0) * (x1 - x0)) {
                map[r * side + c] = NAN;
            }
        }
    }
}

static gboolean read_slide_tile(Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error)
{
    const Tile *tile = &g_array_index(job->grid->tiles, Tile, index);
    Scored *scored = &job->scored[index];
    Image picture = {job->size, job->size, 3, rgb};
    if (!cut_tile(job->slide, job->cut, tile->x, tile->y, &picture, job->valid[worker], &scored->valid_share,
                  error)) {
        return FALSE;
    }
    scored->tile = *tile;
    scored->width = job->grid->tile_width;
    scored->height = job->grid->tile_height;
    if (job->maps && scored->valid_share < 1) { /* marked now, kept by run_batch */
        float *map = job->maps + (size_t)(index - job->first) * job->side * job->side;
        memset(map, 0, sizeof(float) * (size_t)job->side * job->side);
        mask_cells(map, job->side, job->valid[worker]);
    }
    return TRUE;
}

static gboolean read_picture(Scoring *job, int64_t index, int worker, uint8_t *rgb, GError **error)
{
    job->scored[index].valid_share = 1;
    return picture_tile(job->files->pdata[index], job->size, rgb, error);
}

/* ---- one batch ---- */

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
    g_autofree float *fresh = maps ? g_try_new(float, cells *n) : NULL;
    if (maps && !fresh) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the maps of %d tiles", n);
        return FALSE;
    }
    if (!scorer_run(job->scorers[worker], job->rgb[worker], n, scores, fresh, error)) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        Scored *scored = &job->scored[first + i];
        gboolean lost = scored->valid_share < LEAST_VALID;
        scored->score = scores[i];
        if (lost) {
            set_nan(&scored->score);
        }
        for (size_t c = 0; maps && c < cells; c++) {
            gboolean hidden = lost || (scored->valid_share < 1 && isnan(maps[i * cells + c]));
            maps[i * cells + c] = hidden ? NAN : fresh[i * cells + c];
        }
    }
    return TRUE;
}

/* ---- blocks that survive a kill ---- */

static char *block_path(const Scoring *job)
{
    return g_strdup_printf("%s/block-%08" G_GINT64_FORMAT, job->options->partial, job->first);
}

static gboolean block_load(Scoring *job, int64_t n)
{
    if (!job->options->partial) {
        return FALSE;
    }
    g_autofree char *path = block_path(job);
    g_autofree char *bytes = NULL;
    gsize length;
    size_t scores = (size_t)n * sizeof(Scored),
           maps = job->maps ? (size_t)n * job->side * job->side * sizeof(float) : 0;
    if (!g_file_get_contents(path, &bytes, &length, NULL) || length != scores + maps) {
        return FALSE;
    }
    memcpy(&job->scored[job->first], bytes, scores);
    if (maps) {
        memcpy(job->maps, bytes + scores, maps);
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
    size_t maps = job->maps ? (size_t)n * job->side * job->side * sizeof(float) : 0;
    return file && durable_write(file, &job->scored[job->first], (size_t)n * sizeof(Scored), error) &&
           durable_write(file, job->maps, maps, error) && durable_commit(file, NULL, NULL, error);
}

static void block_blend(const Scoring *job, int64_t n, Blend *blend)
{
    size_t cells = (size_t)job->side * job->side;
    g_autofree uint8_t *known = g_malloc(cells);
    for (int64_t i = 0; i < n; i++) {
        const Scored *scored = &job->scored[job->first + i];
        Map map = {job->side, job->side, job->maps + i * cells};
        Image valid = {job->side, job->side, 1, known};
        if (isnan(scored->score.score)) {
            continue;
        }
        for (size_t c = 0; c < cells; c++) {
            known[c] = isnan(map.values[c]) ? 0 : 255;
            map.values[c] = known[c] ? map.values[c] : 0;
        }
        Rect footprint = {scored->tile.x, scored->tile.y, scored->width, scored->height};
        blend_add(blend, &footprint, &map, scored->valid_share < 1 ? &valid : NULL);
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
        image_free(job->valid[t]);
        g_free(job->rgb[t]);
    }
    g_free(job->scorers);
    g_free(job->valid);
    g_free(job->rgb);
    g_free(job->maps);
}

static gboolean scoring_begin(Scoring *job, const ScoringOptions *options, gboolean maps, GError **error)
{
    job->options = options;
    job->size = model_spec(options->model)->tile_size;
    job->scorers = g_new0(Scorer *, options->threads);
    job->valid = g_new0(Image *, options->threads);
    job->rgb = g_new0(uint8_t *, options->threads);
    for (int t = 0; t < options->threads; t++) {
        job->scorers[t] = scorer_new(options->model, error);
        if (!job->scorers[t]) {
            return FALSE;
        }
        job->batch = scorer_batch(job->scorers[t]);
        job->side = scorer_map_size(job->scorers[t]);
        job->valid[t] = image_new(job->size, job->size, 1, error);
        job->rgb[t] = wsi_try_alloc((size_t)job->batch * job->size * job->size, 3, "a batch of tiles", error);
        if (!job->valid[t] || !job->rgb[t]) {
            return FALSE;
        }
    }
    if (options->last) {
        model_release(options->model);
    }
    if (maps) {
        size_t cells = (size_t)BLOCK_BATCHES * job->batch * job->side * job->side;
        job->maps = wsi_try_alloc(cells, sizeof(float), "the maps of a block of tiles", error);
    }
    return !maps || job->maps;
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

gboolean scoring_slide(const ScoringOptions *options, Slide *slide, const Grid *grid, const CutSpec *cut,
                       const Image *tissue, double cell_um, GArray *scored, Map **map, GError **error)
{
    Scoring job = {.read = read_slide_tile, .slide = slide, .grid = grid, .cut = cut};
    const SlideInfo *info = slide_info(slide);
    g_autoptr(Blend) blend = NULL;
    gboolean ok = scoring_begin(&job, options, map != NULL, error);
    scored_resize(&job, scored, grid->tiles->len);
    if (ok && map) {
        double cell = cell_um > 0 ? cell_um : cut->mpp * cut->size / job.side;
        blend =
            blend_new(info->levels[0].width, info->levels[0].height, info->mpp_x, info->mpp_y, cell, error);
        ok = blend != NULL;
    }
    ok = ok && run_blocks(&job, blend, error);
    if (ok && map) {
        *map = blend_finish(blend, tissue, error);
        ok = *map != NULL;
    }
    scoring_clear(&job);
    return ok;
}

gboolean scoring_pictures(const ScoringOptions *options, const GPtrArray *files, GArray *scored,
                          GError **error)
{
    Scoring job = {.read = read_picture, .files = files};
    gboolean ok = scoring_begin(&job, options, FALSE, error);
    scored_resize(&job, scored, files->len);
    ok = ok && run_blocks(&job, NULL, error);
    for (guint i = 0; i < files->len; i++) {
        job.scored[i].file = g_strdup(files->pdata[i]);
    }
    scoring_clear(&job);
    return ok;
}

Grid *scoring_grid(const Config *config, const Model *model, const Slide *slide, const Image *tissue,
                   CutSpec *cut, GError **error)
{
    const ModelSpec *spec = model_spec(model);
    *cut = tiles_cut_spec(config);
    cut->size = spec->tile_size;
    cut->mpp = spec->mpp > 0 ? spec->mpp : config->tiles_mpp;
    GridSpec grid = {.size = cut->size,
                     .mpp = cut->mpp,
                     .overlap = config->score_overlap * cut->size,
                     .edge = EDGE_SHIFT,
                     .min_tissue = config->score_min_tissue};
    return tiles_grid(slide, &grid, tissue, error);
}

/* ---- tables ---- */

static void put(GString *out, const char *format, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (isfinite(value)) {
        g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
    }
    g_string_append_c(out, end);
}

static void put_scores(GString *out, const Scored *scored)
{
    for (int i = 0; tile_score_column(i); i++) {
        put(out, "%.9g", tile_score_value(&scored->score, i), tile_score_column(i + 1) ? ',' : '\n');
    }
}

static GString *header(const char *start)
{
    GString *out = g_string_new(start);
    for (int i = 0; tile_score_column(i); i++) {
        g_string_append_printf(out, ",%s", tile_score_column(i));
    }
    return g_string_append_c(out, '\n');
}

static void put_label(GString *out, int label)
{
    g_string_append(out, label < 0 ? "," : label ? "1," : "0,");
}

gboolean scoring_write_slide(const char *path, const char *slide, const GArray *scored, char sha256[65],
                             GError **error)
{
    g_autoptr(GString) out =
        header("slide,column,row,x,y,width,height,tissue_share,valid_share,lesion_share,label");
    for (guint i = 0; i < scored->len; i++) {
        const Scored *s = &g_array_index(scored, Scored, i);
        csv_cell(out, slide, ',');
        g_string_append_printf(out, "%d,%d,", s->tile.column, s->tile.row);
        put(out, "%.17g", s->tile.x, ',');
        put(out, "%.17g", s->tile.y, ',');
        put(out, "%.17g", s->width, ',');
        put(out, "%.17g", s->height, ',');
        put(out, "%.6f", s->tile.tissue_share, ',');
        put(out, "%.6f", s->valid_share, ',');
        put(out, "%.6f", s->lesion_share, ',');
        put_label(out, s->label);
        put_scores(out, s);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

gboolean scoring_write_pictures(const char *path, const GArray *scored, char sha256[65], GError **error)
{
    g_autoptr(GString) out = header("file,label");
    for (guint i = 0; i < scored->len; i++) {
        const Scored *s = &g_array_index(scored, Scored, i);
        csv_cell(out, s->file, ',');
        put_label(out, s->label);
        put_scores(out, s);
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

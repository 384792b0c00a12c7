/* The sample: rows of all tables of latents, divided group by group. */
#include "pipeline/scoring/embedding_sample.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/models/tile_score.h"
#include "flows/scoring/scorer.h"
#include "pipeline/scoring/latent_sample.h"
#include "pipeline/scoring/npy.h"
#include <math.h>
#include <string.h>

/* ---- reading ---- */

typedef struct {
    EmbeddingSample *sample;
    GArray *candidates; /* EmbeddingTile */
    GPtrArray *latents; /* char*: the file of each source */
    uint64_t seed;
} Reading;

/* Columns of latents.csv; -1 = it has none. */
typedef struct {
    int slide, file, split, label, column, row, x, y, score;
} Columns;

static const char *text_at(const Reading *reading, const Csv *csv, int row, int column)
{
    return g_string_chunk_insert_const(reading->sample->texts, column >= 0 ? csv_get(csv, row, column) : "");
}

static gboolean number_at(const Csv *csv, int row, int column, double *out, GError **error)
{
    *out = NAN;
    return column < 0 || csv_number(csv, row, column, out, error);
}

static gboolean add_row(Reading *reading, const Csv *csv, const Columns *at, int row, const char *centre,
                        GError **error)
{
    double label, column, line;
    EmbeddingTile tile = {.slide = text_at(reading, csv, row, at->slide),
                          .file = text_at(reading, csv, row, at->file),
                          .split = text_at(reading, csv, row, at->split),
                          .centre = centre,
                          .source = (int)reading->latents->len - 1,
                          .row = row};
    if (!number_at(csv, row, at->label, &label, error) || !number_at(csv, row, at->column, &column, error) ||
        !number_at(csv, row, at->row, &line, error) || !number_at(csv, row, at->x, &tile.x, error) ||
        !number_at(csv, row, at->y, &tile.y, error) || !number_at(csv, row, at->score, &tile.score, error)) {
        return FALSE;
    }
    reading->sample->kept++;
    if (isnan(tile.score)) {
        reading->sample->unreadable++;
        return TRUE;
    }
    tile.label = isnan(label) ? -1 : (int)label;
    tile.draw = at->file >= 0 ? latent_sample_draw_image(reading->seed, tile.file)
                              : latent_sample_draw_tile(reading->seed, tile.slide, (int)column, (int)line);
    g_array_append_val(reading->candidates, tile);
    return TRUE;
}

/* The rows of one table.  latents: path of its values, taken over. */
static gboolean add_source(Reading *reading, const char *table, char *latents, const char *centre,
                           GError **error)
{
    g_ptr_array_add(reading->latents, latents);
    g_autoptr(Csv) csv = csv_read(table, error);
    Columns at = {.label = csv ? csv_need(csv, "label", error) : -1};
    at.score = at.label >= 0 ? csv_need(csv, tile_score_column(COLUMN_SCORE), error) : -1;
    if (at.score < 0) {
        return FALSE;
    }
    at.slide = csv_column(csv, "slide");
    at.file = csv_column(csv, "file");
    at.split = csv_column(csv, "split");
    at.column = csv_column(csv, "column");
    at.row = csv_column(csv, "row");
    at.x = csv_column(csv, "x");
    at.y = csv_column(csv, "y");
    for (int row = 0; row < csv_rows(csv); row++) {
        if (!add_row(reading, csv, &at, row, centre, error)) {
            g_prefix_error(error, "%s: ", table);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean read_candidates(Reading *reading, const Work *work, GError **error)
{
    for (guint i = 0; i <= work->run->slides->len; i++) {
        gboolean images = i == work->run->slides->len;
        const SlideEntry *entry = images ? NULL : work->run->slides->pdata[i];
        const char *stage = images ? "scorepatches" : "score", *unit = images ? COHORT : entry->id;
        g_autofree char *table = work_find(work, stage, unit, "latent_tiles"),
                        *latents = work_find(work, stage, unit, "latents");
        if (table && latents &&
            !add_source(reading, table, g_steal_pointer(&latents),
                        g_string_chunk_insert_const(reading->sample->texts, images ? "" : entry->centre),
                        error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- choosing ---- */

static const char *label_of(const EmbeddingTile *tile)
{
    return tile->label < 0 ? "" : tile->label ? "1" : "0";
}

static const char *centre_of(const EmbeddingTile *tile)
{
    return tile->centre;
}

static const char *slide_of(const EmbeddingTile *tile)
{
    return tile->slide;
}

/* From the outside to the inside. */
static const char *(*const levels[])(const EmbeddingTile *tile) = {label_of, centre_of, slide_of};

static gint by_draw(gconstpointer a, gconstpointer b)
{
    const EmbeddingTile *x = *(const EmbeddingTile *const *)a, *y = *(const EmbeddingTile *const *)b;
    if (x->draw != y->draw) {
        return x->draw < y->draw ? -1 : 1;
    }
    return x->source != y->source ? (x->source > y->source) - (x->source < y->source)
                                  : (x->row > y->row) - (x->row < y->row);
}

static gint by_place(gconstpointer a, gconstpointer b)
{
    const EmbeddingTile *x = a, *y = b;
    return x->source != y->source ? x->source - y->source : x->row - y->row;
}

/* The tiles (EmbeddingTile*) by their group at a level: array of GPtrArray*, in the order of the groups' first tiles. */
static GPtrArray *group_tiles(const GPtrArray *tiles, guint level)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < tiles->len; i++) {
        const char *name = levels[level](tiles->pdata[i]);
        GPtrArray *group = g_hash_table_lookup(seen, name);
        if (!group) {
            group = g_ptr_array_new();
            g_ptr_array_add(groups, group);
            g_hash_table_insert(seen, (gpointer)name, group);
        }
        g_ptr_array_add(group, tiles->pdata[i]);
    }
    return groups;
}

/* Adds `most` of the tiles to `chosen`, divided evenly at this level and those inside. */
static void choose(GPtrArray *tiles, guint level, int64_t most, GArray *chosen)
{
    if (level == G_N_ELEMENTS(levels)) {
        g_ptr_array_sort(tiles, by_draw);
        for (int64_t i = 0; i < most; i++) {
            g_array_append_vals(chosen, tiles->pdata[i], 1);
        }
        return;
    }
    g_autoptr(GPtrArray) groups = group_tiles(tiles, level);
    g_autofree int64_t *size = g_new(int64_t, groups->len), *share = g_new(int64_t, groups->len);
    for (guint g = 0; g < groups->len; g++) {
        size[g] = ((GPtrArray *)groups->pdata[g])->len;
    }
    latent_sample_shares(most, size, (int)groups->len, share);
    for (guint g = 0; g < groups->len; g++) {
        choose(groups->pdata[g], level + 1, share[g], chosen);
    }
}

/* ---- latents ---- */

static gboolean read_latents(const Reading *reading, GError **error)
{
    EmbeddingSample *sample = reading->sample;
    g_autofree float *values = NULL; /* of the source `read` */
    int read = -1, rows = 0;
    sample->latents = wsi_try_alloc((size_t)sample->tiles->len * SCORER_LATENTS, sizeof(double),
                                    "the latents of an embedding", error);
    for (guint i = 0; sample->latents && i < sample->tiles->len; i++) {
        const EmbeddingTile *tile = &g_array_index(sample->tiles, EmbeddingTile, i);
        const char *path = reading->latents->pdata[tile->source];
        if (read != tile->source) {
            g_free(values);
            values = npy_read_rows(path, SCORER_LATENTS, &rows, error);
            read = tile->source;
        }
        if (!values) {
            return FALSE;
        }
        if (tile->row >= rows) {
            return wsi_error_input(error, "%s has %d rows, fewer than its table", path, rows);
        }
        for (int j = 0; j < SCORER_LATENTS; j++) {
            sample->latents[(size_t)i * SCORER_LATENTS + j] =
                (double)values[(size_t)tile->row * SCORER_LATENTS + j];
        }
    }
    return sample->latents != NULL;
}

EmbeddingSample *embedding_sample_read(const Work *work, int most, GError **error)
{
    g_autoptr(EmbeddingSample) sample = g_new0(EmbeddingSample, 1);
    sample->tiles = g_array_new(FALSE, FALSE, sizeof(EmbeddingTile));
    sample->texts = g_string_chunk_new(4096);
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(EmbeddingTile));
    g_autoptr(GPtrArray) latents = g_ptr_array_new_with_free_func(g_free);
    Reading reading = {sample, candidates, latents, (uint64_t)work->run->config->run_seed};
    if (!read_candidates(&reading, work, error)) {
        return NULL;
    }
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (guint i = 0; i < candidates->len; i++) {
        g_ptr_array_add(all, &g_array_index(candidates, EmbeddingTile, i));
    }
    choose(all, 0, MIN((int64_t)most, (int64_t)candidates->len), sample->tiles);
    g_array_sort(sample->tiles, by_place);
    return read_latents(&reading, error) ? g_steal_pointer(&sample) : NULL;
}

void embedding_sample_free(EmbeddingSample *sample)
{
    if (sample) {
        g_array_unref(sample->tiles);
        g_free(sample->latents);
        g_string_chunk_free(sample->texts);
        g_free(sample);
    }
}

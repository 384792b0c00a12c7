/* normals: the normal tiles of the training slides, when training cuts its tiles from slides.
 *
 * The rules are those of the patch set, but the result is a table of positions instead of images.  Tiles are cut here only to measure how
 * much of them can be read, and their flags for dataset.drop_flags; training cuts them again. */
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/job/stages.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/patchset/duplicate_slides.h"
#include "pipeline/patchset/patch_cut.h"
#include "pipeline/patchset/sampling.h"
#include "pipeline/patchset/split_check.h"
#include "pipeline/slide/coloured_slide.h"
#include "pipeline/slide/lesion_fractions.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/slide/tile_table.h"
#include "pipeline/training/normal_table.h"
#include "pipeline/write/json.h"
#include "tiler/cut/cut.h"
#include "tiler/cut/grid.h"
#include "tiler/tissue/quality.h"
#include <string.h>

/* ---- the check of tiles ---- */

typedef enum { NOT_WANTED, KEPT, FLAGGED, UNREADABLE } Verdict;

typedef struct {
    Work *work;
    const Config *config;
    Slide *slide;
    const GlassColour *glass;
    const GArray *tiles;
    unsigned drop;
    Verdict *verdicts; /* one per tile */
} TileCheck;

static gboolean check_one(int64_t item, int worker, void *data, GError **error)
{
    const TileCheck *check = data;
    const Tile *tile = &g_array_index(check->tiles, Tile, item);
    Verdict *verdict = &check->verdicts[item];
    int size = check->config->tiles_size;
    unsigned flags = 0;
    double readable_fraction;
    if (*verdict == NOT_WANTED) {
        return TRUE;
    }
    g_autoptr(Image) rgb = image_new(size, size, 3, error);
    if (!rgb || !patch_cut(check->config, check->slide, check->glass, tile->x, tile->y, rgb,
                           &readable_fraction, check->drop ? &flags : NULL, error)) {
        return FALSE;
    }
    *verdict = !cut_readable(readable_fraction) ? UNREADABLE : flags & check->drop ? FLAGGED : KEPT;
    return TRUE;
}

static gboolean report_progress(int64_t item, void *data, GError **error)
{
    const TileCheck *check = data;
    return work_tick(check->work, item, check->tiles->len, "tiles", error);
}

/* Cuts the tiles of a slide that are not NOT_WANTED, and marks those that are mostly unreadable and those with a flag of
 * dataset.drop_flags.  tissue: path of that stage's record. */
static gboolean check_tiles(Work *work, const SlideEntry *entry, const char *tissue, const GArray *tiles,
                            Verdict *verdicts, GError **error)
{
    TileCheck check = {.work = work, .config = work->run->config, .tiles = tiles, .verdicts = verdicts};
    if (!quality_flags_parse(check.config->dataset_drop_flags, &check.drop, error)) {
        g_prefix_error(error, "dataset.drop_flags: ");
        return FALSE;
    }
    g_autoptr(Slide) slide = coloured_slide_open(work, entry, error);
    GlassColour glass;
    if (!slide || !patch_glass(tissue, slide, &glass, error)) {
        return FALSE;
    }
    check.slide = slide;
    check.glass = &glass;
    return pool_run_ordered(work->threads, tiles->len, tiles->len, check_one, report_progress, &check, error);
}

/* ---- tiles ---- */

/* Frees the patches of a slide that are not kept; patches[i] is of tile i or NULL. */
static gboolean keep_tiles(Work *work, const SlideEntry *entry, const char *tissue, const GArray *tiles,
                           Patch **patches, json_t *unreadable_tiles, GError **error)
{
    g_autofree Verdict *verdicts = g_new0(Verdict, tiles->len + 1);
    int64_t unreadable = 0;
    for (guint i = 0; i < tiles->len; i++) {
        verdicts[i] = patches[i] ? KEPT : NOT_WANTED;
    }
    if (!check_tiles(work, entry, tissue, tiles, verdicts, error)) {
        return FALSE;
    }
    for (guint i = 0; i < tiles->len; i++) {
        unreadable += verdicts[i] == UNREADABLE;
        if (patches[i] && verdicts[i] != KEPT) {
            g_clear_pointer(&patches[i], patch_free);
        }
    }
    unreadable_tiles_add(unreadable_tiles, entry->id, unreadable);
    return TRUE;
}

/* Adds the tiles of one slide as patches whose file is the key of the tile; nothing when an earlier stage failed. */
static gboolean add_tiles(Work *work, const SlideEntry *entry, GPtrArray *patches, GHashTable *positions,
                          json_t *unreadable_tiles, GError **error)
{
    g_autofree char *tiles_path = work_find(work, "grid", entry->id, "tiles");
    g_autofree char *tissue = work_find(work, "tissue", entry->id, "facts");
    g_autofree char *fractions_path = work_find(work, "mask", entry->id, "fractions");
    g_autofree char *fit = work_find(work, "stain", entry->id, "fit");
    if (!tiles_path || !tissue || (entry->label == SLIDE_ANNOTATED && !fractions_path) ||
        (slide_stain_wanted(work->run->config) && !fit)) {
        return TRUE; /* this slide failed; `wsiflow status` shows why */
    }
    g_autoptr(GArray) tiles = tile_table_read(tiles_path, error);
    g_autoptr(GArray) fractions =
        tiles && fractions_path ? lesion_fractions_read(fractions_path, error) : NULL;
    if (!tiles || (fractions_path && !fractions)) {
        return FALSE;
    }
    g_autofree Patch **own = g_new0(Patch *, tiles->len + 1);
    for (guint i = 0; i < tiles->len; i++) {
        own[i] = patch_of_tile(work->run->config, entry, tiles, fractions, (int)i);
    }
    gboolean ok = keep_tiles(work, entry, tissue, tiles, own, unreadable_tiles, error);
    for (guint i = 0; i < tiles->len; i++) {
        if (!own[i]) {
            continue;
        }
        own[i]->file = patchset_key(entry->id, (int)i);
        g_ptr_array_add(patches, own[i]);
        g_hash_table_insert(positions, own[i], g_memdup2(&g_array_index(tiles, Tile, i), sizeof(Tile)));
    }
    return ok;
}

static int slide_index(const GPtrArray *slides, const char *id)
{
    for (guint i = 0; i < slides->len; i++) {
        if (g_str_equal(((const SlideEntry *)slides->pdata[i])->id, id)) {
            return (int)i;
        }
    }
    return -1;
}

static gboolean write_table(Work *work, const GPtrArray *patches, GHashTable *positions, GError **error)
{
    const GPtrArray *slides = work->run->slides;
    g_autoptr(GArray) normals = g_array_new(FALSE, FALSE, sizeof(NormalTile));
    g_autoptr(GPtrArray) fingerprints = g_ptr_array_new_with_free_func(g_free);
    g_autofree double *side = g_new(double, slides->len + 1);
    for (guint i = 0; i < slides->len; i++) {
        const json_t *facts = slide_json_record(work->records, ((const SlideEntry *)slides->pdata[i])->id);
        double mpp_x = json_number_value(json_object_get(facts, "mpp_x")),
               mpp_y = json_number_value(json_object_get(facts, "mpp_y"));
        side[i] = patch_side(work->run->config, mpp_x, mpp_y);
        const char *text = json_string_value(json_object_get(facts, "fingerprint"));
        g_ptr_array_add(fingerprints, g_strdup(text ? text : ""));
    }
    int slide = -1;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        const Tile *tile = g_hash_table_lookup(positions, patch);
        if (!g_str_equal(patch->label, "good")) {
            continue;
        }
        if (slide < 0 || !g_str_equal(((const SlideEntry *)slides->pdata[slide])->id, patch->slide)) {
            slide = slide_index(slides, patch->slide);
        }
        NormalTile normal = {slide, tile->x, tile->y, slide >= 0 ? side[slide] : 0};
        g_array_append_val(normals, normal);
    }
    if (normals->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the training slides have no tile of normal tissue");
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "model/tiles.csv");
    return normal_table_write(path, normals, slides, (const char *const *)fingerprints->pdata, sha256,
                              error) &&
           work_publish(work, "tiles", path, sha256, error);
}

static gboolean publish_unreadable(Work *work, json_t *unreadable_tiles, GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, "model/" UNREADABLE_TILES_FILE);
    return json_write(path, json_incref(unreadable_tiles), sha256, error) &&
           work_publish(work, "unreadable", path, sha256, error);
}

gboolean stage_normals(Work *work, GError **error)
{
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    g_autoptr(GHashTable) positions = g_hash_table_new_full(NULL, NULL, NULL, g_free); /* Patch* -> Tile */
    json_auto_t *unreadable_tiles = unreadable_tiles_new();
    if (!duplicate_slides_check(work, error) || !split_check(work, NULL, error)) { /* before the long work */
        return FALSE;
    }
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        if (g_str_equal(entry->split, "train") &&
            !add_tiles(work, entry, patches, positions, unreadable_tiles, error)) {
            return FALSE;
        }
    }
    if (!split_check(work, patches, error)) {
        return FALSE;
    }
    /* Anomalies count for a balanced sample, as in a patch set. */
    g_autoptr(GPtrArray) dropped = sampling_choose(work->run->config, patches);
    return write_table(work, patches, positions, error) &&
           publish_unreadable(work, unreadable_tiles, error) &&
           work_tick(work, patches->len, patches->len, "tiles", error);
}

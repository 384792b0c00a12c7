/* normals: the tiles of normal tissue of the training slides, for a training that cuts them itself.
 *
 * By the same rules as the patch set, but nothing is written: a table of places.  Only where flags leave tiles out
 * (dataset.drop_flags) are they cut here, to be judged. */
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/card.h"
#include "pipeline/colouring.h"
#include "pipeline/cutting.h"
#include "pipeline/sampling.h"
#include "pipeline/stage.h"
#include "pipeline/traintiles.h"
#include "tiler/quality.h"
#include <string.h>

/* ---- flags ---- */

typedef struct {
    Work *work;
    const Config *config;
    Slide *slide;
    const GArray *tiles;
    unsigned drop;
    gboolean *dropped; /* one a tile */
} Judge;

static gboolean judge_one(int64_t item, int worker, void *data, GError **error)
{
    const Judge *judge = data;
    const Tile *tile = &g_array_index(judge->tiles, Tile, item);
    int size = judge->config->tiles_size;
    unsigned flags;
    double valid_share;
    g_autoptr(Image) rgb = image_new(size, size, 3, error);
    if (!rgb ||
        !cutting_judge(judge->config, judge->slide, tile->x, tile->y, rgb, &valid_share, &flags, error)) {
        return FALSE;
    }
    judge->dropped[item] = (flags & judge->drop) != 0;
    return TRUE;
}

static gboolean tell(int64_t item, void *data, GError **error)
{
    const Judge *judge = data;
    return work_tick(judge->work, item, judge->tiles->len, "tiles", error);
}

/* Marks the tiles of a slide that have one of the flags of dataset.drop_flags. */
static gboolean judge_tiles(Work *work, const SlideEntry *entry, const GArray *tiles, gboolean *dropped,
                            GError **error)
{
    Judge judge = {.work = work, .config = work->run->config, .tiles = tiles, .dropped = dropped};
    if (!quality_flags_parse(judge.config->dataset_drop_flags, &judge.drop, error)) {
        g_prefix_error(error, "dataset.drop_flags: ");
        return FALSE;
    }
    if (judge.drop == 0) {
        return TRUE;
    }
    g_autoptr(Slide) slide = work_open_coloured(work, entry, error);
    if (!slide) {
        return FALSE;
    }
    judge.slide = slide;
    return pool_run_ordered(work->threads, tiles->len, tiles->len, judge_one, tell, &judge, error);
}

/* ---- tiles ---- */

/* The tiles of one slide as patches, with the tile's number as the file; nothing when a stage before failed. */
static gboolean add_tiles(Work *work, const SlideEntry *entry, GPtrArray *patches, GHashTable *places,
                          GError **error)
{
    g_autofree char *tiles_path = work_find(work, "grid", entry->id, "tiles");
    g_autofree char *shares_path = work_find(work, "mask", entry->id, "shares");
    g_autofree char *fit = work_find(work, "stain", entry->id, "fit");
    if (!tiles_path || (entry->label == SLIDE_ANNOTATED && !shares_path) ||
        (colouring_wants_fit(work->run->config) && !fit)) {
        return TRUE; /* this slide failed: the status says why */
    }
    g_autoptr(GArray) tiles = tiles_read(tiles_path, error);
    g_autoptr(GArray) shares = tiles && shares_path ? lesions_read_shares(shares_path, error) : NULL;
    if (!tiles || (shares_path && !shares)) {
        return FALSE;
    }
    g_autofree gboolean *dropped = g_new0(gboolean, tiles->len + 1);
    if (!judge_tiles(work, entry, tiles, dropped, error)) {
        return FALSE;
    }
    for (guint i = 0; i < tiles->len; i++) {
        Patch *patch = cutting_patch(work->run->config, entry, tiles, shares, (int)i);
        if (!patch || dropped[i]) {
            g_clear_pointer(&patch, patch_free);
            continue;
        }
        patch->file = patchset_key(entry->id, (int)i);
        g_ptr_array_add(patches, patch);
        g_hash_table_insert(places, patch, g_memdup2(&g_array_index(tiles, Tile, i), sizeof(Tile)));
    }
    return TRUE;
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

static gboolean write_table(Work *work, const GPtrArray *patches, GHashTable *places, GError **error)
{
    const GPtrArray *slides = work->run->slides;
    g_autoptr(GArray) normals = g_array_new(FALSE, FALSE, sizeof(NormalTile));
    g_autoptr(GPtrArray) fingerprints = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < slides->len; i++) {
        json_t *facts = card_slide_facts(work, slides->pdata[i]);
        const char *text = json_string_value(json_object_get(facts, "fingerprint"));
        g_ptr_array_add(fingerprints, g_strdup(text ? text : ""));
        json_decref(facts);
    }
    int slide = -1;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        const Tile *tile = g_hash_table_lookup(places, patch);
        if (!g_str_equal(patch->label, "good")) {
            continue;
        }
        if (slide < 0 || !g_str_equal(((const SlideEntry *)slides->pdata[slide])->id, patch->slide)) {
            slide = slide_index(slides, patch->slide);
        }
        NormalTile normal = {slide, tile->x, tile->y};
        g_array_append_val(normals, normal);
    }
    if (normals->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the training slides have no tile of normal tissue");
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "model/tiles.csv");
    return traintiles_write(path, normals, slides, (const char *const *)fingerprints->pdata, sha256, error) &&
           work_publish(work, "tiles", path, sha256, error);
}

gboolean stage_normals(Work *work, GError **error)
{
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    g_autoptr(GHashTable) places = g_hash_table_new_full(NULL, NULL, NULL, g_free); /* Patch* -> Tile */
    if (!card_check_leak(work, error)) {
        return FALSE;
    }
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        if (g_str_equal(entry->split, "train") && !add_tiles(work, entry, patches, places, error)) {
            return FALSE;
        }
    }
    /* Anomalies have a say in a balanced sample, as in a patch set. */
    g_autoptr(GPtrArray) dropped = sampling_choose(work->run->config, patches);
    return write_table(work, patches, places, error) &&
           work_tick(work, patches->len, patches->len, "tiles", error);
}

/* cut: the patches of one slide, as files in the folders of their label and split, or in shards of the slide.
 *
 * Tiles are independent, so all threads cut them and one records them in order.  An image of an earlier run is reused whatever its label was
 * (reuse.h): a changed rule or annotation moves files and cuts only tiles that had been left out, and a cut that was killed continues after
 * its last complete shard.  Here each shard belongs to one slide; the stage `dataset` gives shards their names in the patch set. */
#include "annotations/raster/raster.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/job/stages.h"
#include "pipeline/patchset/patch_cut.h"
#include "pipeline/patchset/reuse.h"
#include "pipeline/slide/coloured_slide.h"
#include "pipeline/slide/lesion_fractions.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/tile_table.h"
#include "pipeline/write/json.h"
#include "tiler/cut/cut.h"
#include "tiler/cut/grid.h"
#include "tiler/patches/shard_writer.h"
#include "tiler/patches/shard.h"
#include "tiler/tissue/quality.h"
#include <glib/gstdio.h>

#define SHARD_STEM "patches"

/* What a thread makes from a tile. */
typedef struct {
    GByteArray *image, *mask; /* encoded; NULL: the tile is left out, or has no mask */
} Made;

typedef struct {
    Work *work;
    const Config *config;
    Slide *slide;
    const GlassColour *glass;
    const Raster *raster;    /* NULL: no lesions */
    const GArray *tiles;     /* Tile */
    const GArray *fractions; /* LesionFraction, or NULL */
    const Reuse *reuse;
    ShardWriter *shards; /* NULL: files */
    unsigned drop;       /* flags of tiles that are left out */
    char pixels[17];
    int level;
    double footprint_x, footprint_y; /* of a tile, level-0 px */
    char *root;                      /* of the patch set */
    Patch **patches;                 /* one per tile, NULL = left out */
    Image **buffers;                 /* one per thread */
    gint unreadable;                 /* atomic: tiles that were left out because they could not be read */
    Made *made;                      /* tile i is at i % ahead */
    int64_t ahead;                   /* how many tiles may be cut before they are recorded */
    GMutex lock;                     /* guards `invalidated` */
    gboolean invalidated;            /* the manifest and the table of the slide were moved away */
} Cut;

/* Encodes the lesion mask of an Ungood tile, at the tile's resolution; *out stays NULL when no mask is wanted. */
static gboolean make_mask(const Cut *cut, const Patch *patch, const Tile *tile, GByteArray **out,
                          GError **error)
{
    if (!cut->raster || !cut->config->dataset_masks || !g_str_equal(patch->label, "Ungood")) {
        return TRUE;
    }
    int size = cut->config->tiles_size;
    g_autoptr(Image) mask = image_new(size, size, 1, error);
    if (!mask) {
        return FALSE;
    }
    Rect area = {tile->x, tile->y, cut->footprint_x, cut->footprint_y};
    raster_fill(cut->raster, &area, mask);
    *out = g_byte_array_new();
    return patchset_encode_mask(mask, *out, error);
}

static void made_clear(Made *made)
{
    g_clear_pointer(&made->image, g_byte_array_unref);
    g_clear_pointer(&made->mask, g_byte_array_unref);
}

/* Called before the first file changes: if the cut is killed, neither the former manifest nor the former table of this slide may be left. */
static gboolean invalidate(Cut *cut, GError **error)
{
    g_autofree char *folder = work_output(cut->work, "");
    g_autofree char *manifest = g_build_filename(cut->root, "manifest.csv", NULL);
    g_mutex_lock(&cut->lock);
    if (!cut->invalidated) {
        cut->invalidated = reuse_invalidate(folder, error) && durable_remove(manifest, error);
    }
    gboolean ok = cut->invalidated;
    g_mutex_unlock(&cut->lock);
    return ok;
}

static gboolean put_file(Cut *cut, const char *file, const GByteArray *bytes, GError **error)
{
    return patchset_holds(cut->root, file, bytes) ||
           (invalidate(cut, error) && patchset_put(cut->root, file, bytes, error));
}

/* Writes the files of a patch.  An image that exists under another name gets a second name; the stage `dataset` removes the first. */
static gboolean put_files(Cut *cut, const Patch *patch, const Made *made, const char *found, GError **error)
{
    g_autofree char *path = patchset_path(cut->root, patch->file);
    if (made->mask) {
        g_autofree char *mask = patchset_mask_name(patch);
        if (!put_file(cut, mask, made->mask, error)) {
            return FALSE;
        }
    }
    /* When the number differs, the former name may soon belong to another tile, so the bytes are written instead of linked. */
    g_autofree char *name = g_path_get_basename(path), *former = found ? g_path_get_basename(found) : NULL;
    if (!former || !g_str_equal(name, former)) {
        return put_file(cut, patch->file, made->image, error);
    }
    return g_str_equal(found, path) || (invalidate(cut, error) && durable_link(found, path, error));
}

static gboolean cut_one(int64_t item, int worker, void *data, GError **error)
{
    Cut *cut = data;
    int number = (int)item;
    const Tile *tile = &g_array_index(cut->tiles, Tile, number);
    Patch *patch = patch_of_tile(cut->config, cut->work->slide, cut->tiles, cut->fractions, number);
    if (!patch) {
        return TRUE;
    }
    cut->patches[number] = patch;
    patch->level = cut->level;
    patch->side = patch_side(cut->config, slide_info(cut->slide)->mpp_x, slide_info(cut->slide)->mpp_y);
    patch->file =
        patchset_name(patch->split, patch->label, patch->slide, number, patch_extension(cut->config));
    g_strlcpy(patch->pixels, cut->pixels, sizeof patch->pixels);
    g_autofree char *found = NULL;
    Made *made = &cut->made[item % cut->ahead];
    made->image = reuse_take(cut->reuse, patch, &found);
    if (!made->image) {
        made->image = g_byte_array_new();
        if (!patch_cut_encoded(cut->config, cut->slide, cut->glass, tile->x, tile->y, cut->buffers[worker],
                               made->image, &patch->readable_fraction, &patch->flags, error)) {
            return FALSE;
        }
    }
    gboolean lost = !cut_readable(patch->readable_fraction);
    if (lost) {
        g_atomic_int_inc(&cut->unreadable);
    }
    if (lost || patch->flags & cut->drop) {
        patch_free(patch);
        cut->patches[number] = NULL;
        made_clear(made);
        return TRUE;
    }
    durable_hash_bytes(made->image->data, made->image->len, patch->sha256);
    gboolean ok = make_mask(cut, patch, tile, &made->mask, error);
    if (ok && !cut->shards) {
        ok = put_files(cut, patch, made, found, error);
        made_clear(made);
    }
    return ok;
}

/* Writes the tile's sample to the shard. */
static gboolean record(int64_t item, void *data, GError **error)
{
    Cut *cut = data;
    int number = (int)item;
    const Tile *tile = &g_array_index(cut->tiles, Tile, number);
    Patch *patch = cut->patches[number];
    Made *made = &cut->made[item % cut->ahead];
    if (!work_tick(cut->work, item, cut->tiles->len, "tiles", error)) {
        return FALSE;
    }
    if (!cut->shards || !patch) {
        return TRUE;
    }
    g_autofree char *key = patchset_key(patch->slide, number);
    g_autofree char *facts = patchset_facts(patch, tile->x, tile->y, cut->config->tiles_size);
    ShardSample sample = {key, patch_extension(cut->config), made->image, facts, made->mask};
    int shard = shard_writer_add(cut->shards, &sample, error);
    if (shard < 0) {
        return FALSE;
    }
    g_autofree char *name = shard_name(SHARD_STEM, shard);
    g_free(patch->file);
    patch->file = g_strdup_printf("%s/%s.%s", name, key, sample.extension);
    made_clear(made);
    return TRUE;
}

/* *count: the number of the slide's shards. */
static gboolean publish_shards(Cut *cut, int *count, GError **error)
{
    const GPtrArray *files = cut->shards ? shard_writer_finish(cut->shards, error) : NULL;
    if (cut->shards && !files) {
        return FALSE;
    }
    *count = files ? (int)files->len : 0;
    for (guint i = 0; files && i < files->len; i++) {
        const ShardFile *file = files->pdata[i];
        g_autofree char *name = g_strdup_printf("shard-%06u", i);
        if (!work_publish(cut->work, name, file->path, file->sha256, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* How many tiles may wait to be recorded: at most 48 MB before encoding, but enough for all threads. */
static int64_t tiles_ahead(const Cut *cut)
{
    int64_t bytes = (int64_t)3 * cut->config->tiles_size * cut->config->tiles_size;
    return MAX(2 * cut->work->threads, CLAMP((48 << 20) / bytes, 1, 256));
}

static gboolean cut_all(Cut *cut, GError **error)
{
    const int64_t total = cut->tiles->len;
    if (!pool_run_ordered(cut->work->threads, total, cut->ahead, cut_one, record, cut, error)) {
        return FALSE;
    }
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (int64_t i = 0; i < total; i++) {
        if (cut->patches[i]) {
            g_ptr_array_add(kept, cut->patches[i]);
        }
    }
    char sha256[65];
    int shards;
    g_autofree char *path = work_output(cut->work, PATCHES_TABLE), *folder = work_output(cut->work, "");
    if (!publish_shards(cut, &shards, error) || !patchset_write_manifest(path, kept, sha256, error) ||
        !work_publish(cut->work, "patches", path, sha256, error)) {
        return FALSE;
    }
    json_t *facts = json_pack("{s:I, s:I, s:i}", "tiles", (json_int_t)total, "patches", (json_int_t)kept->len,
                              "unreadable", g_atomic_int_get(&cut->unreadable));
    g_autofree char *facts_path = work_output(cut->work, "cut.json");
    if (!json_write(facts_path, facts, sha256, error) ||
        !work_publish(cut->work, "facts", facts_path, sha256, error)) {
        return FALSE;
    }
    reuse_forget(folder);
    shards_remove(folder, SHARD_STEM, shards);
    return work_tick(cut->work, total, total, "tiles", error);
}

static gboolean make_buffers(Cut *cut, GError **error)
{
    int size = cut->config->tiles_size;
    cut->patches = wsi_try_alloc(MAX(cut->tiles->len, 1), sizeof(Patch *), "the list of patches", error);
    cut->ahead = tiles_ahead(cut);
    cut->made = g_new0(Made, cut->ahead);
    cut->buffers = g_new0(Image *, cut->work->threads);
    gboolean ok = cut->patches != NULL;
    for (int t = 0; ok && t < cut->work->threads; t++) {
        cut->buffers[t] = image_new(size, size, 3, error);
        ok = cut->buffers[t] != NULL;
    }
    return ok;
}

static void cut_clear(Cut *cut)
{
    for (guint i = 0; cut->patches && i < cut->tiles->len; i++) {
        if (cut->patches[i]) {
            patch_free(cut->patches[i]);
        }
    }
    for (int t = 0; cut->buffers && t < cut->work->threads; t++) {
        image_free(cut->buffers[t]);
    }
    for (int64_t i = 0; cut->made && i < cut->ahead; i++) {
        made_clear(&cut->made[i]);
    }
    g_free(cut->made);
    g_free(cut->patches);
    g_free(cut->buffers);
    g_free(cut->root);
}

static gboolean cut_slide(Work *work, Slide *slide, const GlassColour *glass, const GArray *tiles,
                          const GArray *fractions, const Raster *raster, GError **error)
{
    const Config *config = work->run->config;
    Cut cut = {.work = work,
               .config = config,
               .slide = slide,
               .glass = glass,
               .raster = raster,
               .tiles = tiles,
               .fractions = fractions,
               .level = slide_grid_level(config, slide)};
    double um = config->tiles_size * config->tiles_mpp;
    cut.footprint_x = um / slide_info(slide)->mpp_x;
    cut.footprint_y = um / slide_info(slide)->mpp_y;
    cut.root = g_build_filename(work->run->folder, "dataset", NULL);
    patch_pixels_hash(config, slide, glass, cut.pixels);
    g_autofree char *folder = work_output(work, "");
    g_autoptr(Reuse) reuse = reuse_open(cut.root, folder, SHARD_STEM, cut.pixels);
    g_autoptr(ShardWriter) shards = NULL;
    if (g_str_equal(config->dataset_format, "shards")) {
        shards = shard_writer_new(folder, SHARD_STEM, 0, (int64_t)config->dataset_shard_mb * 1000000);
    }
    if (!quality_flags_parse(config->dataset_drop_flags, &cut.drop, error)) {
        g_prefix_error(error, "dataset.drop_flags: ");
        g_free(cut.root);
        return FALSE;
    }
    cut.reuse = reuse;
    cut.shards = shards;
    g_mutex_init(&cut.lock);
    gboolean ok = make_buffers(&cut, error) && cut_all(&cut, error);
    g_mutex_clear(&cut.lock);
    cut_clear(&cut);
    return ok;
}

gboolean stage_cut(Work *work, GError **error)
{
    gboolean lesions = work->slide->label == SLIDE_ANNOTATED;
    g_autofree char *tiles_path = work_input(work, "grid", "tiles", error);
    g_autoptr(GArray) tiles = tiles_path ? tile_table_read(tiles_path, error) : NULL;
    g_autofree char *fractions_path = tiles && lesions ? work_input(work, "mask", "fractions", error) : NULL;
    g_autoptr(GArray) fractions = fractions_path ? lesion_fractions_read(fractions_path, error) : NULL;
    g_autoptr(Slide) slide =
        tiles && (fractions || !lesions) ? coloured_slide_open(work, work->slide, error) : NULL;
    g_autofree char *border = slide && lesions ? work_input(work, "mask", "border", error) : NULL;
    g_autoptr(Raster) raster = border ? raster_read(border, error) : NULL;
    g_autofree char *facts =
        slide && (raster || !lesions) ? work_input(work, "tissue", "facts", error) : NULL;
    GlassColour glass;
    return facts && patch_glass(facts, slide, &glass, error) &&
           cut_slide(work, slide, &glass, tiles, fractions, raster, error);
}

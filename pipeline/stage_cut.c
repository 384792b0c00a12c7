/* cut: the patches of one slide, in the folders that their labels and the slide's split give.
 *
 * Tiles are independent, so a block of them is cut by all threads, then recorded in order.  What was cut before a kill is
 * cut again: the bytes are the same, and cutting is cheap beside what comes after.
 * Lesion tiles of training patients are left out unless dataset.train_anomalies keeps them; tiles with less lesion than the
 * rule asks for are left out everywhere. */
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/lesions.h"
#include "pipeline/stage.h"
#include "pipeline/tiles.h"
#include "tiler/patchset.h"

typedef struct {
    Work *work;
    Slide *slide;
    const Raster *raster; /* NULL: no lesions */
    const GArray *tiles;  /* Tile */
    const GArray *shares; /* LesionShare, or NULL */
    CutSpec spec;
    Rect footprint; /* width and height of a tile, level-0 px */
    char *root;
    Patch **patches; /* one a tile, NULL = left out */
    Image **buffers; /* one a thread */
    int64_t first;   /* tile of the block's item 0 */
} Cut;

static Patch *patch_for(const Cut *cut, int number, GError **error)
{
    const Tile *tile = &g_array_index(cut->tiles, Tile, number);
    const LesionShare *share = cut->shares ? &g_array_index(cut->shares, LesionShare, number) : NULL;
    const Config *config = cut->work->run->config;
    const SlideEntry *entry = cut->work->slide;
    TileLabel label = share ? tiles_label(config, share->share, share->centre) : TILE_GOOD;
    gboolean train = g_str_equal(entry->split, "train");
    if (label == TILE_AMBIGUOUS || (label == TILE_UNGOOD && train && !config->dataset_train_anomalies)) {
        return NULL;
    }
    const char *folder = label == TILE_GOOD ? "good" : "Ungood";
    Patch *patch = g_new0(Patch, 1);
    patch->file = patchset_name(entry->split, folder, entry->id, number);
    patch->slide = g_strdup(entry->id);
    patch->patient = g_strdup(entry->patient);
    patch->x = (int64_t)(tile->x + 0.5);
    patch->y = (int64_t)(tile->y + 0.5);
    patch->level = slide_best_level(
        cut->slide, cut->spec.mpp / MAX(slide_info(cut->slide)->mpp_x, slide_info(cut->slide)->mpp_y));
    patch->mpp = cut->spec.mpp;
    patch->tissue_share = tile->tissue_share;
    patch->lesion_share = share ? share->share : 0;
    patch->label = g_strdup(folder);
    patch->split = g_strdup(entry->split);
    return patch;
}

/* The mask of an Ungood tile at the tile's resolution; NULL without error when none is wanted. */
static Image *mask_for(const Cut *cut, const Patch *patch, const Tile *tile, GError **error)
{
    gboolean wanted =
        cut->raster && cut->work->run->config->dataset_masks && g_str_equal(patch->label, "Ungood");
    Image *mask = wanted ? image_new(cut->spec.size, cut->spec.size, 1, error) : NULL;
    if (mask) {
        Rect area = {tile->x, tile->y, cut->footprint.width, cut->footprint.height};
        raster_fill(cut->raster, &area, mask);
    }
    return mask;
}

static gboolean cut_one(int64_t item, int worker, void *data, GError **error)
{
    Cut *cut = data;
    int64_t number = cut->first + item;
    const Tile *tile = &g_array_index(cut->tiles, Tile, number);
    Patch *patch = patch_for(cut, (int)number, error);
    if (!patch) {
        return TRUE;
    }
    cut->patches[number] = patch;
    Image *rgb = cut->buffers[worker];
    if (!cut_tile(cut->slide, &cut->spec, tile->x, tile->y, rgb, NULL, &patch->valid_share, error)) {
        return FALSE;
    }
    GError *why = NULL;
    g_autoptr(Image) mask = mask_for(cut, patch, tile, &why);
    if (why) {
        g_propagate_error(error, why);
        return FALSE;
    }
    return patchset_write(cut->root, patch, rgb, mask, error);
}

#define BLOCK 64

static gboolean cut_all(Cut *cut, GError **error)
{
    int64_t total = cut->tiles->len;
    for (cut->first = 0; cut->first < total; cut->first += BLOCK) {
        if (!work_tick(cut->work, cut->first, total, "tiles", error) ||
            !pool_run(cut->work->threads, FALSE, MIN(BLOCK, total - cut->first), cut_one, cut, error)) {
            return FALSE;
        }
    }
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (int64_t i = 0; i < total; i++) {
        if (cut->patches[i]) {
            g_ptr_array_add(kept, cut->patches[i]);
        }
    }
    char sha256[65];
    g_autofree char *path = work_output(cut->work, "patches.csv");
    return patchset_write_manifest(path, kept, sha256, error) &&
           work_publish(cut->work, "patches", path, sha256, error) &&
           work_tick(cut->work, total, total, "tiles", error);
}

static gboolean make_buffers(Cut *cut, GError **error)
{
    cut->patches = wsi_try_alloc(MAX(cut->tiles->len, 1), sizeof(Patch *), "the list of patches", error);
    cut->buffers = g_new0(Image *, cut->work->threads);
    gboolean ok = cut->patches != NULL;
    for (int t = 0; ok && t < cut->work->threads; t++) {
        cut->buffers[t] = image_new(cut->spec.size, cut->spec.size, 3, error);
        ok = cut->buffers[t] != NULL;
    }
    return ok;
}

static void cut_clear(Cut *cut)
{
    for (guint i = 0; cut->patches && i < cut->tiles->len; i++) {
        if (cut->patches[i]) {
            patch_clear(cut->patches[i]);
            g_free(cut->patches[i]);
        }
    }
    for (int t = 0; cut->buffers && t < cut->work->threads; t++) {
        image_free(cut->buffers[t]);
    }
    g_free(cut->patches);
    g_free(cut->buffers);
    g_free(cut->root);
}

gboolean stage_cut(Work *work, GError **error)
{
    const Config *config = work->run->config;
    gboolean lesions = work->slide->annotation != NULL;
    g_autofree char *tiles_path = work_input(work, "grid", "tiles", error);
    g_autoptr(GArray) tiles = tiles_path ? tiles_read(tiles_path, error) : NULL;
    g_autofree char *shares_path = tiles && lesions ? work_input(work, "mask", "shares", error) : NULL;
    g_autoptr(GArray) shares = shares_path ? lesions_read_shares(shares_path, error) : NULL;
    g_autoptr(Slide) slide = tiles && (shares || !lesions) ? work_open_slide(work, error) : NULL;
    g_autoptr(Annotation) annotation =
        slide && lesions ? lesions_read(config, work->slide, slide, error) : NULL;
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    if (!slide || (lesions && !raster)) {
        return FALSE;
    }
    Cut cut = {.work = work,
               .slide = slide,
               .raster = raster,
               .tiles = tiles,
               .shares = shares,
               .spec = tiles_cut_spec(config)};
    double um = config->tiles_size * config->tiles_mpp;
    cut.footprint = (Rect){0, 0, um / slide_info(slide)->mpp_x, um / slide_info(slide)->mpp_y};
    cut.root = g_build_filename(work->run->folder, "dataset", NULL);
    gboolean ok = make_buffers(&cut, error) && cut_all(&cut, error);
    cut_clear(&cut);
    return ok;
}

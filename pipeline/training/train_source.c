/* The choice of the source, and the checks of given patches. */
#include "pipeline/training/train_source.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/patchset/patch_folder.h"
#include "pipeline/patchset/repeated_images.h"
#include "pipeline/training/train_images.h"
#include "pipeline/training/train_shards.h"
#include "pipeline/training/train_slides.h"
#include "pipeline/training/train_tiles_private.h"
#include "tiler/imagefile/imagefile.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

/* ---- how the images were made ---- */

enum { HEADER = 1 << 16 }; /* bytes from which the size of nearly every image can be read */

static gboolean add_file_size(GArray *sizes, const char *path, GError **error)
{
    uint8_t head[HEADER];
    int width, height;
    FILE *file = g_fopen(path, "rb");
    size_t bytes = file ? fread(head, 1, sizeof head, file) : 0;
    if (!file) {
        return wsi_error_errno(error, "cannot open", path);
    }
    fclose(file);
    if (!imagefile_size(head, bytes, &width, &height)) {
        g_autoptr(Image) image = imagefile_read(path, error);
        if (!image) {
            return FALSE;
        }
        width = image->width;
        height = image->height;
    }
    image_sizes_add(sizes, width, height);
    return TRUE;
}

static gboolean add_sample_size(GArray *sizes, const Shard *shard, int entry, GError **error)
{
    ShardPart part = shard_entry(shard, entry)->image;
    int width, height;
    part.bytes = MIN(part.bytes, HEADER);
    g_autoptr(GByteArray) head = shard_read(shard, &part, error);
    if (head && imagefile_size(head->data, head->len, &width, &height)) {
        image_sizes_add(sizes, width, height);
        return TRUE;
    }
    g_autoptr(Image) image = head ? shard_image(shard, entry, error) : NULL;
    if (image) {
        image_sizes_add(sizes, image->width, image->height);
    }
    return image != NULL;
}

/* The sizes of the chosen images. */
static gboolean measure_sizes(TrainTiles *tiles, GError **error)
{
    tiles->sizes = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    for (guint i = 0; i < tiles->normal.refs->len; i++) {
        const TileRef *ref = &g_array_index(tiles->normal.refs, TileRef, i);
        gboolean ok =
            ref->file ? add_file_size(tiles->sizes, ref->file, error)
                      : add_sample_size(tiles->sizes, tiles->shards->pdata[ref->source], ref->entry, error);
        if (!ok) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The recipe of patches.folder, completed by the configuration file. */
static gboolean recipe_of_images(const TrainTiles *tiles, TileRecipe *out, GError **error)
{
    const Config *config = tiles->config;
    if (!patch_folder_recipe(config->patches_folder, out, error)) {
        return FALSE;
    }
    double mpp = out->cut.mpp > 0 ? out->cut.mpp : tiles->mpp;
    mpp *= (double)image_sizes_side(tiles->sizes) / config->tiles_size;
    if (config->tiles_mpp > 0 && mpp > 0 && fabs(mpp / config->tiles_mpp - 1) > 1e-6) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.mpp is %g in the configuration, but the images of %s have %g um/px at %d px: "
                    "use that value or remove the key",
                    config->tiles_mpp, config->patches_folder, mpp, config->tiles_size);
        return FALSE;
    }
    out->cut.size = config->tiles_size;
    out->cut.mpp = config->tiles_mpp > 0 ? config->tiles_mpp : mpp;
    return tile_recipe_complete(out, config, error) &&
           tile_recipe_check(out, config, config->patches_folder, error);
}

static gboolean find_recipe(TrainTiles *tiles, GError **error)
{
    if (!recipe_of_images(tiles, &tiles->recipe, error)) {
        return FALSE;
    }
    g_autofree char *unknown = tile_recipe_unknown_keys(&tiles->recipe);
    if (unknown) {
        train_tiles_note(tiles,
                         "%s: how the images were made from slides is unknown (%s), so the model can score "
                         "images, but no slides; set these keys in the configuration, or add a tiles.json",
                         tiles->config->patches_folder, unknown);
    }
    return TRUE;
}

/* ---- the source ---- */

static gboolean use_manifest(TrainTiles *tiles, const char *manifest, GError **error)
{
    g_autoptr(GPtrArray) patches = patch_folder_manifest(manifest, error);
    if (!patches) {
        return FALSE;
    }
    gboolean shards = patches->len > 0 && strstr(((const Patch *)patches->pdata[0])->file, ".tar/");
    return shards ? train_images_note_unlisted(tiles, error) &&
                        train_shards_use_manifest(tiles, manifest, patches, error)
                  : train_images_use_manifest(tiles, manifest, patches, error);
}

/* The manifest next to the patches names their patients and slides.  Without it, shards name them, or the names of images do. */
static gboolean use_folder(TrainTiles *tiles, GError **error)
{
    const char *folder = tiles->config->patches_folder;
    g_autofree char *good = g_build_filename(folder, "train", "good", NULL);
    g_autofree char *manifest = g_build_filename(folder, "manifest.csv", NULL);
    FileKind of_good, of_manifest;
    g_auto(GStrv) shards = shards_list(folder, "train-", error);
    if (!shards || !listing_kind(good, &of_good, error) || !listing_kind(manifest, &of_manifest, error)) {
        return FALSE;
    }
    gboolean images = of_good == FILE_FOLDER;
    if (g_str_equal(tiles->config->train_source, "shards") && images) {
        return train_shards_use_folder(tiles, folder, error);
    }
    if (of_manifest != FILE_ABSENT) {
        return use_manifest(tiles, manifest, error);
    }
    return *shards && !images ? train_shards_use_folder(tiles, folder, error)
                              : train_images_use_folder(tiles, error);
}

/* Looks for images that are both in train and in valid or test. */
static gboolean check_repeats(TrainTiles *tiles, GError **error)
{
    RepeatedImages repeats;
    if (!repeated_images_of_folder(tiles->config, tiles->config->patches_folder, &repeats, error)) {
        return FALSE;
    }
    g_autofree char *text = repeated_images_text(&repeats);
    if (text) {
        train_tiles_note(tiles, "%s", text);
    }
    return TRUE;
}

TrainTiles *train_source_open(const Config *config, const char *manifest, const char *normals,
                              const GPtrArray *slides, const GPtrArray *fits, GError **error)
{
    g_autoptr(TrainTiles) tiles = train_tiles_new(config);
    gboolean ok = *config->patches_folder ? use_folder(tiles, error) && measure_sizes(tiles, error) &&
                                                find_recipe(tiles, error) && check_repeats(tiles, error)
                  : normals ? train_slides_use(tiles, normals, slides, fits, error)
                            : use_manifest(tiles, manifest, error);
    return ok ? g_steal_pointer(&tiles) : NULL;
}

/* Training tiles from images.
 *
 * An image of the run's own patch set is compared with its hash in the manifest whenever it is read.  When it is gone or has changed, the
 * table of its slide is invalidated, so that a retry cuts it again. */
#include "pipeline/training/train_images.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/patchset/image_fit.h"
#include "pipeline/patchset/reuse.h"
#include "pipeline/training/model_config.h"
#include "pipeline/training/train_tiles_private.h"
#include "tiler/imagefile/imagefile.h"
#include <string.h>

/* An image of the run's own patch set is not the one that was cut: invalidates the table of its slide. */
static gboolean refuse_image(const TrainTiles *tiles, const TileRef *ref, const char *why, GError **error)
{
    g_autofree char *folder = g_build_filename(tiles->slides, ref->slide, NULL);
    if (reuse_invalidate(folder, error)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s %s: after `wsiflow retry`, the next run cuts it from slide %s again", ref->file, why,
                    ref->slide);
    }
    return FALSE;
}

/* The image is decoded from the same bytes that are hashed. */
static gboolean read_own(const TrainTiles *tiles, const TileRef *ref, uint8_t *rgb, GError **error)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) why = NULL;
    gsize size;
    char sha256[65];
    if (!g_file_get_contents(ref->file, &bytes, &size, &why)) {
        return g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)
                   ? refuse_image(tiles, ref, "is missing", error)
                   : wsi_error_glib(error, why);
    }
    durable_hash_bytes(bytes, size, sha256);
    if (!g_str_equal(sha256, ref->sha256)) {
        return refuse_image(tiles, ref, "does not have the hash in manifest.csv", error);
    }
    g_autoptr(Image) image = imagefile_decode(bytes, size, ref->file, error);
    return image && image_fit(image, tiles->config->tiles_size, rgb, error);
}

static gboolean read_image(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const TrainTiles *tiles = data;
    const TileRef *ref = &g_array_index(tiles->normal.refs, TileRef, index);
    return ref->sha256 ? read_own(tiles, ref, rgb, error)
                       : image_fit_file(ref->file, tiles->config->tiles_size, rgb, error);
}

/* patch: of the run's own patch set, or NULL. */
static void add_image(TrainTiles *tiles, const char *path, gboolean normal, gboolean hard,
                      const Origin *origin, const Patch *patch)
{
    TileRef ref = {.file = g_string_chunk_insert(tiles->files, path)};
    ref.hard = hard;
    if (patch) {
        ref.slide = g_string_chunk_insert_const(tiles->files, patch->slide);
        ref.sha256 = g_string_chunk_insert(tiles->files, patch->sha256);
    }
    train_tiles_add(tiles, ref, normal, origin);
}

/* Adds the images of train/LABEL; their names may give the slide. */
static gboolean list_images(TrainTiles *tiles, const char *label, gboolean normal, GError **error)
{
    g_autofree char *folder = g_build_filename(tiles->config->patches_folder, "train", label, NULL);
    g_auto(GStrv) names = imagefile_list(folder, error);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        g_autofree char *slide = tile_origins_slide_of_name(*name);
        const Origin origin = {.patient = slide, .slide = slide, .name = *name};
        add_image(tiles, path, normal, FALSE, &origin, NULL);
    }
    return names != NULL;
}

/* Notes what is known of slides without a manifest, because the hold-out depends on it. */
static void note_names(TrainTiles *tiles)
{
    guint named, slides = tile_origins_slides(&tiles->normal.origins, &named);
    if (named > 0) {
        train_tiles_note(tiles,
                         "%s: the names of %u of %u images give the slide (slides: %u); patients are unknown",
                         tiles->config->patches_folder, named, tiles->normal.refs->len, slides);
    } else {
        train_tiles_note(tiles,
                         "%s: there is no manifest.csv, and no name of an image gives its slide "
                         "(SLIDE_NNNNNN), so patients "
                         "and slides are unknown",
                         tiles->config->patches_folder);
    }
}

gboolean train_images_use_folder(TrainTiles *tiles, GError **error)
{
    g_autofree char *good = g_build_filename(tiles->config->patches_folder, "train", "good", NULL);
    if (!list_images(tiles, "good", TRUE, error) ||
        (model_config_needs_anomalies(tiles->config) && !list_images(tiles, "Ungood", FALSE, error))) {
        return FALSE;
    }
    note_names(tiles);
    return train_tiles_end(tiles, read_image, good, error);
}

gboolean train_images_note_unlisted(TrainTiles *tiles, GError **error)
{
    g_autofree char *good = g_build_filename(tiles->config->patches_folder, "train", "good", NULL);
    FileKind kind = FILE_ABSENT;
    if (*tiles->config->patches_folder && !listing_kind(good, &kind, error)) {
        return FALSE;
    }
    g_auto(GStrv) names = kind == FILE_FOLDER ? imagefile_list(good, error) : g_new0(char *, 1);
    g_autoptr(GHashTable) listed = g_hash_table_new(g_str_hash, g_str_equal);
    guint unlisted = 0;
    for (guint i = 0; i < tiles->normal.origins.name->len; i++) {
        g_hash_table_add(listed, tiles->normal.origins.name->pdata[i]);
    }
    for (char **name = names; name && *name; name++) {
        unlisted += !g_hash_table_contains(listed, *name);
    }
    if (unlisted > 0) {
        train_tiles_note(tiles, "%u images of %s are not in manifest.csv and are not trained on", unlisted,
                         good);
    }
    return names != NULL;
}

gboolean train_images_use_manifest(TrainTiles *tiles, const char *manifest, const GPtrArray *patches,
                                   GError **error)
{
    g_autofree char *root = g_path_get_dirname(manifest), *run = g_path_get_dirname(root);
    gboolean own = !*tiles->config->patches_folder;
    tiles->slides = own ? g_build_filename(run, "slides", NULL) : NULL;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        gboolean normal = g_str_equal(patch->label, "good"), anomalous = g_str_equal(patch->label, "Ungood");
        if (g_str_equal(patch->split, "train") && (normal || anomalous)) {
            g_autofree char *path = g_build_filename(root, patch->file, NULL);
            const Origin origin = train_tiles_origin(patch);
            add_image(tiles, path, normal, patch->hard, &origin, own ? patch : NULL);
        }
    }
    return train_images_note_unlisted(tiles, error) && train_tiles_end(tiles, read_image, manifest, error);
}

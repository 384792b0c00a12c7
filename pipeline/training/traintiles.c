/* Tiles to train on.
 *
 * A model takes tiles by number.  Here is what all sources share, and images; shards are in trainshards.c, slides in trainslides.c.  Whatever the
 * source, a tile has an origin: patient, slide and place.  The hold-out and the draw of train.max_tiles follow from origins alone, so they
 * are the same for images, shards and slides. */
#include "pipeline/training/traintiles.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/training/model_config.h"
#include "pipeline/patchset/repeats.h"
#include "pipeline/patchset/reuse.h"
#include "pipeline/training/traintiles_private.h"
#include "tiler/imagefile/imagefile.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/patchset/patch_folder.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

const TileSet *traintiles_set(const TrainTiles *tiles)
{
    return &tiles->set;
}

const GPtrArray *traintiles_notes(const TrainTiles *tiles)
{
    return tiles->notes;
}

void traintiles_note(TrainTiles *tiles, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(tiles->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void class_init(Class *class)
{
    class->positions = g_array_new(FALSE, FALSE, sizeof(Position));
    origins_init(&class->origins);
}

static void class_clear(Class *class)
{
    g_array_unref(class->positions);
    origins_clear(&class->origins);
}

static TrainTiles *tiles_new(const Config *config)
{
    TrainTiles *tiles = g_new0(TrainTiles, 1);
    tiles->config = config;
    tiles->files = g_string_chunk_new(4096);
    tiles->shards = g_ptr_array_new_with_free_func((GDestroyNotify)shard_free);
    tiles->sources = traintiles_sources_new();
    tiles->notes = g_ptr_array_new_with_free_func(g_free);
    class_init(&tiles->normal);
    class_init(&tiles->strange);
    g_mutex_init(&tiles->lock);
    return tiles;
}

void traintiles_free(TrainTiles *tiles)
{
    if (!tiles) {
        return;
    }
    class_clear(&tiles->normal);
    class_clear(&tiles->strange);
    g_clear_pointer(&tiles->anomaly, g_byte_array_unref);
    g_string_chunk_free(tiles->files);
    g_ptr_array_unref(tiles->shards);
    g_array_unref(tiles->sources);
    g_ptr_array_unref(tiles->notes);
    g_free(tiles->slides);
    g_clear_pointer(&tiles->sizes, g_array_unref);
    g_mutex_clear(&tiles->lock);
    g_free(tiles);
}

/* ---- what all sources share ---- */

void traintiles_add(TrainTiles *tiles, Position position, gboolean normal, const Origin *origin)
{
    Class *class = normal ? &tiles->normal : &tiles->strange;
    g_array_append_val(class->positions, position);
    origins_add(&class->origins, origin);
}

Origin traintiles_origin(const Patch *patch)
{
    const char *slash = strrchr(patch->file, '/');
    return (Origin){.patient = patch_patient(patch),
                    .slide = patch->slide,
                    .name = slash ? slash + 1 : patch->file,
                    .position = {(double)patch->x, (double)patch->y, patch->side}};
}

/* Labelled anomalies behind the normals, when they are wanted. */
static gboolean append_strange(TrainTiles *tiles, const char *where, GError **error)
{
    guint normals = tiles->normal.positions->len, n = tiles->strange.positions->len;
    if (!model_config_needs_anomalies(tiles->config)) {
        return TRUE;
    }
    if (n == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no labelled anomaly to train on", where);
        return FALSE;
    }
    g_array_append_vals(tiles->normal.positions, tiles->strange.positions->data, n);
    origins_append(&tiles->normal.origins, &tiles->strange.origins);
    tiles->anomaly = g_byte_array_new();
    g_byte_array_set_size(tiles->anomaly, normals + n);
    memset(tiles->anomaly->data, 0, normals);
    memset(tiles->anomaly->data + normals, 1, n);
    return TRUE;
}

static void draw_normals(TrainTiles *tiles)
{
    Class *class = &tiles->normal;
    guint most = (guint)tiles->config->train_max_tiles;
    if (most == 0 || most >= class->positions->len) {
        return;
    }
    g_autoptr(GArray) chosen = origins_draw(&class->origins, most, (uint64_t)tiles->config->run_seed);
    traintiles_note(
        tiles, "train.max_tiles: %u of %u normal tiles are drawn, evenly over patients, slides and places",
        most, class->positions->len);
    for (guint i = 0; i < most; i++) {
        g_array_index(class->positions, Position, i) =
            g_array_index(class->positions, Position, g_array_index(chosen, guint, i));
    }
    g_array_set_size(class->positions, most);
    origins_keep(&class->origins, chosen);
}

gboolean traintiles_end(TrainTiles *tiles, TileSource read, const char *where, GError **error)
{
    if (tiles->normal.positions->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no normal tile to train on", where);
        return FALSE;
    }
    draw_normals(tiles);
    gboolean ok = append_strange(tiles, where, error);
    tiles->set = (TileSet){.count = tiles->normal.positions->len,
                           .read = read,
                           .data = tiles,
                           .anomaly = tiles->anomaly ? tiles->anomaly->data : NULL};
    origins_give(&tiles->normal.origins, &tiles->set);
    return ok;
}

/* ---- images ---- */

/* The image of a run's own patch set is not the one that was cut: the table of its slide is no longer true. */
static gboolean refuse_image(const TrainTiles *tiles, const Position *position, const char *why,
                             GError **error)
{
    g_autofree char *folder = g_build_filename(tiles->slides, position->slide, NULL);
    if (reuse_invalidate(folder, error)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s %s: after `wsiflow retry`, the next run cuts it of slide %s again", position->file,
                    why, position->slide);
    }
    return FALSE;
}

/* An image that the manifest hashes is decoded from the bytes that were hashed. */
static gboolean read_own(const TrainTiles *tiles, const Position *position, uint8_t *rgb, GError **error)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) why = NULL;
    gsize size;
    char sha256[65];
    if (!g_file_get_contents(position->file, &bytes, &size, &why)) {
        return g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)
                   ? refuse_image(tiles, position, "is gone", error)
                   : wsi_error_glib(error, why);
    }
    durable_hash_bytes(bytes, size, sha256);
    if (!g_str_equal(sha256, position->sha256)) {
        return refuse_image(tiles, position, "is not the image that manifest.csv has the hash of", error);
    }
    g_autoptr(Image) image = imagefile_decode(bytes, size, position->file, error);
    return image && imagefile_fit(image, tiles->config->tiles_size, rgb, error);
}

static gboolean read_image(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const TrainTiles *tiles = data;
    const Position *position = &g_array_index(tiles->normal.positions, Position, index);
    return position->sha256 ? read_own(tiles, position, rgb, error)
                            : image_tile(position->file, tiles->config->tiles_size, rgb, error);
}

/* patch: of the run's own patch set, or NULL. */
static void add_image(TrainTiles *tiles, const char *path, gboolean normal, const Origin *origin,
                      const Patch *patch)
{
    Position position = {.file = g_string_chunk_insert(tiles->files, path)};
    if (patch) {
        position.slide = g_string_chunk_insert_const(tiles->files, patch->slide);
        position.sha256 = g_string_chunk_insert(tiles->files, patch->sha256);
    }
    traintiles_add(tiles, position, normal, origin);
}

/* The images of train/LABEL, whose names may tell the slide. */
static gboolean list_images(TrainTiles *tiles, const char *label, gboolean normal, GError **error)
{
    g_autofree char *folder = g_build_filename(tiles->config->patches_folder, "train", label, NULL);
    g_auto(GStrv) names = imagefile_list(folder, error);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        g_autofree char *slide = origins_slide_of_name(*name);
        const Origin origin = {.patient = slide, .slide = slide, .name = *name};
        add_image(tiles, path, normal, &origin, NULL);
    }
    return names != NULL;
}

/* What the hold-out goes by, where no manifest says it. */
static void tell_names(TrainTiles *tiles)
{
    guint named, slides = origins_slides(&tiles->normal.origins, &named);
    if (named > 0) {
        traintiles_note(tiles, "%s: the names of %u of %u images name %u slides; patients are unknown",
                        tiles->config->patches_folder, named, tiles->normal.positions->len, slides);
    } else {
        traintiles_note(
            tiles,
            "%s: there is no manifest.csv, and no image's name gives its slide (SLIDE_NNNNNN): patients "
            "and slides are unknown",
            tiles->config->patches_folder);
    }
}

static gboolean use_image_folder(TrainTiles *tiles, GError **error)
{
    g_autofree char *good = g_build_filename(tiles->config->patches_folder, "train", "good", NULL);
    if (!list_images(tiles, "good", TRUE, error) ||
        (model_config_needs_anomalies(tiles->config) && !list_images(tiles, "Ungood", FALSE, error))) {
        return FALSE;
    }
    tell_names(tiles);
    return traintiles_end(tiles, read_image, good, error);
}

/* Images of train/good that the manifest does not name are not used: nobody knows whose they are.  Before the draw, which leaves others
 * out.  A run's own patch set has none: what it did not place is swept. */
static gboolean note_unlisted(TrainTiles *tiles, GError **error)
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
        traintiles_note(tiles, "%u images of %s are not in manifest.csv: they are not trained on", unlisted,
                        good);
    }
    return names != NULL;
}

static gboolean use_images(TrainTiles *tiles, const char *manifest, const GPtrArray *patches, GError **error)
{
    g_autofree char *root = g_path_get_dirname(manifest), *run = g_path_get_dirname(root);
    gboolean own = !*tiles->config->patches_folder;
    tiles->slides = own ? g_build_filename(run, "slides", NULL) : NULL;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        gboolean normal = g_str_equal(patch->label, "good"), strange = g_str_equal(patch->label, "Ungood");
        if (g_str_equal(patch->split, "train") && (normal || strange)) {
            g_autofree char *path = g_build_filename(root, patch->file, NULL);
            const Origin origin = traintiles_origin(patch);
            add_image(tiles, path, normal, &origin, own ? patch : NULL);
        }
    }
    return note_unlisted(tiles, error) && traintiles_end(tiles, read_image, manifest, error);
}

/* ---- how they are made ---- */

enum { HEADER = 1 << 16 }; /* bytes in which the size of nearly every image stands */

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
    sizes_add(sizes, width, height);
    return TRUE;
}

static gboolean add_sample_size(GArray *sizes, const Shard *shard, int entry, GError **error)
{
    ShardPart part = shard_entry(shard, entry)->image;
    int width, height;
    part.bytes = MIN(part.bytes, HEADER);
    g_autoptr(GByteArray) head = shard_read(shard, &part, error);
    if (head && imagefile_size(head->data, head->len, &width, &height)) {
        sizes_add(sizes, width, height);
        return TRUE;
    }
    g_autoptr(Image) image = head ? shard_image(shard, entry, error) : NULL;
    if (image) {
        sizes_add(sizes, image->width, image->height);
    }
    return image != NULL;
}

/* Of the tiles that were chosen. */
static gboolean measure_sizes(TrainTiles *tiles, GError **error)
{
    tiles->sizes = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    for (guint i = 0; i < tiles->normal.positions->len; i++) {
        const Position *position = &g_array_index(tiles->normal.positions, Position, i);
        gboolean ok = position->file ? add_file_size(tiles->sizes, position->file, error)
                                     : add_sample_size(tiles->sizes, tiles->shards->pdata[position->source],
                                                       position->entry, error);
        if (!ok) {
            return FALSE;
        }
    }
    return TRUE;
}

int64_t traintiles_unreadable(const TrainTiles *tiles)
{
    return tiles->unreadable;
}

GArray *traintiles_sizes(const TrainTiles *tiles)
{
    return tiles->sizes;
}

/* Of patches.folder: as it says, and of what it does not say, as the configuration's file does. */
static gboolean recipe_of_images(const TrainTiles *tiles, TileRecipe *out, GError **error)
{
    const Config *config = tiles->config;
    if (!patch_folder_recipe(config->patches_folder, out, error)) {
        return FALSE;
    }
    double mpp = out->cut.mpp > 0 ? out->cut.mpp : tiles->mpp;
    mpp *= (double)sizes_side(tiles->sizes) / config->tiles_size;
    if (config->tiles_mpp > 0 && mpp > 0 && fabs(mpp / config->tiles_mpp - 1) > 1e-6) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "tiles.mpp is %g in the configuration, but the images of %s are of %g um/px at %d px: "
                    "give that "
                    "value or leave the key out",
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
        traintiles_note(tiles,
                        "%s: how the images were made of slides is unknown (%s): the model will score "
                        "images, but no slides; a tiles.json beside them, or these keys in the "
                        "configuration, would say it",
                        tiles->config->patches_folder, unknown);
    }
    return TRUE;
}

gboolean traintiles_recipe(const TrainTiles *tiles, TileRecipe *out, GError **error)
{
    *out = tiles->recipe;
    return *tiles->config->patches_folder || tile_recipe_of_config(tiles->config, out, error);
}

/* ---- all together ---- */

static gboolean use_manifest(TrainTiles *tiles, const char *manifest, GError **error)
{
    g_autoptr(GPtrArray) patches = patch_folder_manifest(manifest, error);
    if (!patches) {
        return FALSE;
    }
    gboolean shards = patches->len > 0 && strstr(((const Patch *)patches->pdata[0])->file, ".tar/");
    return shards ? note_unlisted(tiles, error) && traintiles_use_shards(tiles, manifest, patches, error)
                  : use_images(tiles, manifest, patches, error);
}

/* A manifest beside the patches says whose they are; else shards say it themselves, and images by their names. */
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
        return traintiles_use_shard_folder(tiles, folder, error);
    }
    if (of_manifest != FILE_ABSENT) {
        return use_manifest(tiles, manifest, error);
    }
    return *shards && !images ? traintiles_use_shard_folder(tiles, folder, error)
                              : use_image_folder(tiles, error);
}

/* The same image in train and in valid or test. */
static gboolean check_repeats(TrainTiles *tiles, GError **error)
{
    Repeats repeats;
    if (!repeats_of_folder(tiles->config, tiles->config->patches_folder, &repeats, error)) {
        return FALSE;
    }
    g_autofree char *text = repeats_text(&repeats);
    if (text) {
        traintiles_note(tiles, "%s", text);
    }
    return TRUE;
}

TrainTiles *traintiles_new(const Config *config, const char *manifest, const char *normals,
                           const GPtrArray *slides, const GPtrArray *fits, GError **error)
{
    g_autoptr(TrainTiles) tiles = tiles_new(config);
    gboolean ok = *config->patches_folder ? use_folder(tiles, error) && measure_sizes(tiles, error) &&
                                                find_recipe(tiles, error) && check_repeats(tiles, error)
                  : normals ? traintiles_use_slides(tiles, normals, slides, fits, error)
                            : use_manifest(tiles, manifest, error);
    return ok ? g_steal_pointer(&tiles) : NULL;
}

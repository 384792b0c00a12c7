/* Tiles to train on.
 *
 * This is what all sources share (train_images.c, train_shards.c, train_slides.c).  A model reads tiles by number.  Whatever the source, a
 * tile has an origin: patient, slide and position.  The hold-out and the draw of train.max_tiles follow from origins alone, so they are the
 * same for images, shards and slides. */
#include "pipeline/training/train_tiles.h"
#include "pipeline/training/train_tiles_private.h"
#include "base/error.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/training/model_config.h"
#include <string.h>

const TileSet *train_tiles_set(const TrainTiles *tiles)
{
    return &tiles->set;
}

const GPtrArray *train_tiles_notes(const TrainTiles *tiles)
{
    return tiles->notes;
}

void train_tiles_note(TrainTiles *tiles, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(tiles->notes, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void class_init(Class *class)
{
    class->refs = g_array_new(FALSE, FALSE, sizeof(TileRef));
    tile_origins_init(&class->origins);
}

static void class_clear(Class *class)
{
    g_array_unref(class->refs);
    tile_origins_clear(&class->origins);
}

TrainTiles *train_tiles_new(const Config *config)
{
    TrainTiles *tiles = g_new0(TrainTiles, 1);
    tiles->config = config;
    tiles->files = g_string_chunk_new(4096);
    tiles->shards = g_ptr_array_new_with_free_func((GDestroyNotify)shard_free);
    tiles->notes = g_ptr_array_new_with_free_func(g_free);
    class_init(&tiles->normal);
    class_init(&tiles->anomalous);
    g_mutex_init(&tiles->lock);
    return tiles;
}

void train_tiles_free(TrainTiles *tiles)
{
    if (!tiles) {
        return;
    }
    class_clear(&tiles->normal);
    class_clear(&tiles->anomalous);
    g_clear_pointer(&tiles->anomaly, g_byte_array_unref);
    g_clear_pointer(&tiles->hard, g_byte_array_unref);
    g_string_chunk_free(tiles->files);
    g_ptr_array_unref(tiles->shards);
    g_clear_pointer(&tiles->sources, g_array_unref);
    g_ptr_array_unref(tiles->notes);
    g_free(tiles->slides);
    g_clear_pointer(&tiles->sizes, g_array_unref);
    g_mutex_clear(&tiles->lock);
    g_free(tiles);
}

/* ---- what all sources share ---- */

void train_tiles_add(TrainTiles *tiles, TileRef ref, gboolean normal, const Origin *origin)
{
    Class *class = normal ? &tiles->normal : &tiles->anomalous;
    g_array_append_val(class->refs, ref);
    tile_origins_add(&class->origins, origin);
}

Origin train_tiles_origin(const Patch *patch)
{
    const char *slash = strrchr(patch->file, '/');
    return (Origin){.patient = patch_patient(patch),
                    .slide = patch->slide,
                    .name = slash ? slash + 1 : patch->file,
                    .position = {(double)patch->x, (double)patch->y, patch->side}};
}

/* Appends the labelled anomalies to the normal tiles, when they are needed. */
static gboolean append_anomalous(TrainTiles *tiles, const char *where, GError **error)
{
    guint normals = tiles->normal.refs->len, n = tiles->anomalous.refs->len;
    if (!model_config_needs_anomalies(tiles->config)) {
        return TRUE;
    }
    if (n == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no labelled anomaly to train on", where);
        return FALSE;
    }
    g_array_append_vals(tiles->normal.refs, tiles->anomalous.refs->data, n);
    tile_origins_append(&tiles->normal.origins, &tiles->anomalous.origins);
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
    if (most == 0 || most >= class->refs->len) {
        return;
    }
    g_autoptr(GArray) chosen = tile_origins_draw(&class->origins, most, (uint64_t)tiles->config->run_seed);
    train_tiles_note(
        tiles, "train.max_tiles: %u of %u normal tiles are drawn, evenly over patients, slides and positions",
        most, class->refs->len);
    for (guint i = 0; i < most; i++) {
        g_array_index(class->refs, TileRef, i) =
            g_array_index(class->refs, TileRef, g_array_index(chosen, guint, i));
    }
    g_array_set_size(class->refs, most);
    tile_origins_keep(&class->origins, chosen);
}

/* Marks the hard normals, when there are any. */
static void mark_hard(TrainTiles *tiles)
{
    guint count = 0;
    g_autoptr(GByteArray) hard = g_byte_array_new();
    for (guint i = 0; i < tiles->normal.refs->len; i++) {
        const guint8 mark = g_array_index(tiles->normal.refs, TileRef, i).hard != FALSE;
        g_byte_array_append(hard, &mark, 1);
        count += mark;
    }
    if (count > 0) {
        train_tiles_note(
            tiles,
            "%u normal tiles are hard: a person says that they are normal although they look like lesion; %s",
            count,
            tiles->config->loss_labels
                ? "they have the share loss.anomaly_fraction of each batch, as anomalies do"
                : "without loss.labels they count like the others");
        tiles->hard = g_steal_pointer(&hard);
    }
}

gboolean train_tiles_end(TrainTiles *tiles, TileSource read, const char *where, GError **error)
{
    if (tiles->normal.refs->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no normal tile to train on", where);
        return FALSE;
    }
    draw_normals(tiles);
    gboolean ok = append_anomalous(tiles, where, error);
    mark_hard(tiles);
    tiles->set = (TileSet){.count = tiles->normal.refs->len,
                           .read = read,
                           .data = tiles,
                           .anomaly = tiles->anomaly ? tiles->anomaly->data : NULL,
                           .hard = tiles->hard ? tiles->hard->data : NULL};
    tile_origins_give(&tiles->normal.origins, &tiles->set);
    return ok;
}

int64_t train_tiles_unreadable(const TrainTiles *tiles)
{
    return tiles->unreadable;
}

GArray *train_tiles_sizes(const TrainTiles *tiles)
{
    return tiles->sizes;
}

gboolean train_tiles_recipe(const TrainTiles *tiles, TileRecipe *out, GError **error)
{
    *out = tiles->recipe;
    return *tiles->config->patches_folder || tile_recipe_of_config(tiles->config, out, error);
}

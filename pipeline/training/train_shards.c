/* Training tiles from tar shards.  With the index of a shard, each sample is one read. */
#include "pipeline/training/train_shards.h"
#include "base/error.h"
#include "pipeline/patchset/image_fit.h"
#include "pipeline/training/train_tiles_private.h"
#include "tiler/cut/cut.h"
#include <math.h>
#include <string.h>

static gboolean read_sample(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    const TrainTiles *tiles = data;
    const TileRef *ref = &g_array_index(tiles->normal.refs, TileRef, index);
    g_autoptr(Image) image = shard_image(tiles->shards->pdata[ref->source], ref->entry, error);
    return image && image_fit(image, tiles->config->tiles_size, rgb, error);
}

static Shard *add_shard(TrainTiles *tiles, const char *path, GError **error)
{
    Shard *shard = shard_open(path, error);
    if (shard) {
        g_ptr_array_add(tiles->shards, shard);
    }
    return shard;
}

/* Whether the facts of a sample call it normal or an anomaly; other labels are neither.  FALSE when there is no label: such a tile may be
 * anything. */
static gboolean label_of(const json_t *facts, gboolean *normal, gboolean *anomalous)
{
    const json_t *label = json_object_get(facts, "label");
    const char *text = json_string_value(label);
    *normal = text ? g_str_equal(text, "good") : json_integer_value(label) == 0;
    *anomalous = text ? g_str_equal(text, "Ungood") : !*normal;
    return json_is_string(label) || json_is_integer(label);
}

/* A string, or a number as string, as other programs write it; "" when there is none.  Caller frees. */
static char *name_of(const json_t *facts, const char *key)
{
    const json_t *value = json_object_get(facts, key);
    return json_is_integer(value) ? g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                  : g_strdup(json_is_string(value) ? json_string_value(value) : "");
}

/* The position of a sample; side 0 when it is unknown. */
static TilePosition position_of(const json_t *facts)
{
    double x = json_number_value(json_object_get(facts, "x")),
           y = json_number_value(json_object_get(facts, "y"));
    double side = json_number_value(json_object_get(facts, "side"));
    gboolean known = fabs(x) < 1e12 && fabs(y) < 1e12 && side > 0 && side < 1e9;
    return known ? (TilePosition){floor(x + 0.5), floor(y + 0.5), side} : (TilePosition){0, 0, 0};
}

/* Whether enough of a tile could be read.  Shards of other programs need not say it: such samples are used, and counted.  FALSE with an error
 * when the fraction has its former name or is not a number from 0 to 1. */
static gboolean readable_of(TrainTiles *tiles, const json_t *facts, const char *name, gboolean *readable,
                            GError **error)
{
    const json_t *fraction = json_object_get(facts, "readable_fraction");
    double value = json_number_value(fraction);
    if (!patchset_facts_check_names(facts, name, error)) {
        return FALSE;
    }
    if (json_is_number(fraction) && value >= 0 && value <= 1) {
        *readable = cut_readable(value);
        return TRUE;
    }
    *readable = !fraction || json_is_null(fraction);
    tiles->unstated += *readable;
    return *readable || wsi_error_input(error, "%s: \"readable_fraction\" is not a number from 0 to 1", name);
}

/* Adds a sample, unless it is neither normal nor an anomaly, or could not be read. */
static gboolean list_sample(TrainTiles *tiles, const Shard *shard, int entry, GError **error)
{
    gboolean normal, anomalous, readable;
    const char *key = shard_entry(shard, entry)->key;
    g_autofree char *name = g_strdup_printf("%s: %s.json", shard_path(shard), key);
    json_auto_t *facts = shard_facts(shard, entry, error);
    if (!facts) {
        return FALSE;
    }
    if (!label_of(facts, &normal, &anomalous)) {
        return wsi_error_input(error, "%s has no \"label\" (\"good\" or 0 for a normal tile)", name);
    }
    if (!readable_of(tiles, facts, name, &readable, error)) {
        return FALSE;
    }
    double mpp = json_number_value(json_object_get(facts, "mpp"));
    gboolean first = entry == 0 && tiles->shards->len == 1;
    tiles->mpp = first ? MAX(mpp, 0) : tiles->mpp == mpp ? mpp : 0;
    tiles->unreadable += !readable;
    if (readable && (normal || anomalous)) {
        g_autofree char *patient = name_of(facts, "patient"), *slide = name_of(facts, "slide");
        const Origin origin = {.patient = *patient ? patient : slide,
                               .slide = slide,
                               .name = key,
                               .position = position_of(facts)};
        const TileRef ref = {.source = (int)tiles->shards->len - 1,
                             .entry = entry,
                             .hard = json_number_value(json_object_get(facts, "hard")) > 0};
        train_tiles_add(tiles, ref, normal, &origin);
    }
    return TRUE;
}

gboolean train_shards_use_folder(TrainTiles *tiles, const char *folder, GError **error)
{
    g_auto(GStrv) names = shards_list(folder, "train-", error);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        Shard *shard = add_shard(tiles, path, error);
        for (int i = 0; shard && i < shard_count(shard); i++) {
            if (!list_sample(tiles, shard, i, error)) {
                return FALSE;
            }
        }
        if (!shard) {
            return FALSE;
        }
    }
    if (tiles->unstated > 0) {
        train_tiles_note(
            tiles,
            "%s: %" G_GINT64_FORMAT
            " samples do not say how much of them could be read (readable_fraction); all are used",
            folder, tiles->unstated);
    }
    return names && train_tiles_end(tiles, read_sample, folder, error);
}

/* Adds the patch "SHARD.tar/KEY.EXTENSION". */
static gboolean add_sample(TrainTiles *tiles, const char *root, const Patch *patch, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(patch->file, "/", 2);
    if (!parts[0] || !parts[1]) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s/manifest.csv: \"%s\" is not a sample of a shard (SHARD.tar/KEY.png)", root,
                    patch->file);
        return FALSE;
    }
    g_autofree char *path = g_build_filename(root, parts[0], NULL);
    guint n = tiles->shards->len;
    Shard *shard = n ? tiles->shards->pdata[n - 1]
                     : NULL; /* the last one, as the manifest is in the order of the shards */
    if ((!shard || !g_str_equal(shard_path(shard), path)) && !(shard = add_shard(tiles, path, error))) {
        return FALSE;
    }
    char *dot = strchr(parts[1], '.');
    *(dot ? dot : parts[1]) = 0;
    int entry = shard_find(shard, parts[1]);
    if (entry < 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no sample %s, although manifest.csv lists it",
                    path, parts[1]);
        return FALSE;
    }
    const Origin origin = train_tiles_origin(patch);
    const TileRef ref = {.source = (int)tiles->shards->len - 1, .entry = entry, .hard = patch->hard};
    train_tiles_add(tiles, ref, g_str_equal(patch->label, "good"), &origin);
    return TRUE;
}

gboolean train_shards_use_manifest(TrainTiles *tiles, const char *manifest, const GPtrArray *patches,
                                   GError **error)
{
    g_autofree char *root = g_path_get_dirname(manifest);
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        gboolean wanted = g_str_equal(patch->split, "train") &&
                          (g_str_equal(patch->label, "good") || g_str_equal(patch->label, "Ungood"));
        if (wanted && !add_sample(tiles, root, patch, error)) {
            return FALSE;
        }
    }
    return train_tiles_end(tiles, read_sample, manifest, error);
}

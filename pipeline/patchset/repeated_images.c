/* Repeated images.
 *
 * An image in both the training and the test split makes the metrics too good, like a slide in two splits.  Images without tissue may well
 * be the same, so they are only counted.  Copies between training and hold-out tiles are handled by flows/training/fit_repeats.c. */
#include "pipeline/patchset/repeated_images.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/pool.h"
#include "tiler/imagefile/imagefile.h"
#include "tiler/patches/shard.h"
#include "tiler/tissue/quality.h"
#include <string.h>

static gboolean leak(const char *one, const char *other, const char *advice, GError **error)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "leak: %s and %s are the same image: %s", one, other,
                advice);
    return FALSE;
}

gboolean repeated_images_of_patches(const GPtrArray *patches, RepeatedImages *out, GError **error)
{
    g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
    *out = (RepeatedImages){0};
    for (guint i = 0; i < patches->len; i++) {
        Patch *patch = patches->pdata[i], *other = g_hash_table_lookup(first, patch->sha256);
        if (!other) {
            g_hash_table_insert(first, patch->sha256, patch);
        } else if (g_str_equal(patch->split, other->split)) {
            out->within_split++;
        } else if (patch->flags & QUALITY_BLANK) {
            out->blank_across_splits++;
        } else {
            g_autofree char *advice = g_strdup_printf(
                "give slides %s and %s the same patient, or remove one of them", other->slide, patch->slide);
            return leak(other->file, patch->file, advice, error);
        }
    }
    return TRUE;
}

/* ---- folders ---- */

typedef struct {
    char *name;
    gboolean train;
    Shard *shard; /* borrowed; NULL: the item is the file `name` */
    int entry;
    gboolean one_colour;
    char sha256[65]; /* of the pixels */
} Item;

typedef struct {
    const char *folder;
    GArray *items;     /* Item */
    GPtrArray *shards; /* Shard*, owned */
} Listing;

static void item_clear(gpointer data)
{
    g_free(((Item *)data)->name);
}

static gboolean list_files(Listing *list, const char *split, const char *folder, GError **error)
{
    g_auto(GStrv) names = imagefile_list(folder, error);
    for (char **name = names; name && *name; name++) {
        Item item = {.name = g_build_filename(folder, *name, NULL), .train = g_str_equal(split, "train")};
        g_array_append_val(list->items, item);
    }
    return names != NULL;
}

/* A split without a folder has no images. */
static gboolean list_folders(Listing *list, const char *split, GError **error)
{
    g_autofree char *path = g_build_filename(list->folder, split, NULL);
    g_autoptr(GPtrArray) labels = listing_read_if_there(path, error);
    for (guint i = 0; labels && i < labels->len; i++) {
        g_autofree char *folder = g_build_filename(path, labels->pdata[i], NULL);
        FileKind kind;
        if (!listing_kind(folder, &kind, error) ||
            (kind == FILE_FOLDER && !list_files(list, split, folder, error))) {
            return FALSE;
        }
    }
    return labels != NULL;
}

static gboolean list_shards(Listing *list, const char *split, GError **error)
{
    g_autofree char *prefix = g_strdup_printf("%s-", split);
    g_auto(GStrv) names = shards_list(list->folder, prefix, error);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(list->folder, *name, NULL);
        Shard *shard = shard_open(path, error);
        if (!shard) {
            return FALSE;
        }
        g_ptr_array_add(list->shards, shard);
        for (int i = 0; i < shard_count(shard); i++) {
            const ShardEntry *entry = shard_entry(shard, i);
            Item item = {.name = g_strdup_printf("%s/%s.%s", path, entry->key, entry->extension),
                         .train = g_str_equal(split, "train"),
                         .shard = shard,
                         .entry = i};
            g_array_append_val(list->items, item);
        }
    }
    return names != NULL;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const Item *p = a, *q = b;
    return p->train != q->train ? q->train - p->train : strcmp(p->name, q->name); /* training first */
}

/* Hashes the pixels, since the same image may be stored in different ways. */
static gboolean hash_item(int64_t index, int worker, void *data, GError **error)
{
    const Listing *list = data;
    Item *item = &g_array_index(list->items, Item, index);
    g_autoptr(Image) image =
        item->shard ? shard_image(item->shard, item->entry, error) : imagefile_read(item->name, error);
    if (!image) {
        return FALSE;
    }
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    const int size[] = {image->width, image->height, image->channels};
    gsize bytes = image_bytes(image), channels = (gsize)image->channels, same = 0;
    g_checksum_update(sum, (const guchar *)size, sizeof size);
    g_checksum_update(sum, image->pixels, (gssize)bytes);
    g_strlcpy(item->sha256, g_checksum_get_string(sum), sizeof item->sha256);
    while (same < bytes && image->pixels[same] == image->pixels[same % channels]) {
        same++;
    }
    item->one_colour = same == bytes;
    return TRUE;
}

static gboolean compare(const Config *config, const Listing *list, RepeatedImages *out, GError **error)
{
    g_autoptr(GHashTable) trained = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < list->items->len; i++) { /* training first */
        Item *item = &g_array_index(list->items, Item, i);
        const char *other = item->train ? NULL : g_hash_table_lookup(trained, item->sha256);
        if (item->train) {
            g_hash_table_insert(trained, item->sha256, item->name);
        } else if (other && !item->one_colour && !g_str_equal(config->patches_repeats, "count")) {
            return leak(other, item->name, "remove one of them, or set patches.repeats: count", error);
        }
        out->blank_across_splits += other && item->one_colour;
        out->across_splits += other && !item->one_colour;
    }
    return TRUE;
}

/* Whether there are images outside of train. */
static gboolean has_others(const Listing *list)
{
    return list->items->len > 0 && !g_array_index(list->items, Item, list->items->len - 1).train;
}

gboolean repeated_images_of_folder(const Config *config, const char *folder, RepeatedImages *out,
                                   GError **error)
{
    /* A run keeps the valid split in the folder next to its patch set. */
    static const char *const splits[] = {"train", "valid", "test", "../dataset_valid"};
    Listing list = {folder, g_array_new(FALSE, FALSE, sizeof(Item)),
                    g_ptr_array_new_with_free_func((GDestroyNotify)shard_free)};
    g_array_set_clear_func(list.items, item_clear);
    gboolean ok = TRUE;
    *out = (RepeatedImages){0};
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        ok = ok && list_folders(&list, splits[s], error) && list_shards(&list, splits[s], error);
    }
    g_array_sort(list.items, by_name);
    ok = ok && (!has_others(&list) ||
                (pool_run(pool_processors(), FALSE, list.items->len, hash_item, &list, error) &&
                 compare(config, &list, out, error)));
    g_array_unref(list.items);
    g_ptr_array_unref(list.shards);
    return ok;
}

char *repeated_images_text(const RepeatedImages *r)
{
    const struct {
        const char *what;
        int64_t count;
    } parts[] = {
        {"images of valid and test that are also trained on, which makes the metrics too good",
         r->across_splits},
        {"further copies of images within a split", r->within_split},
        {"images without tissue that are both in train and in another split", r->blank_across_splits},
    };
    g_autoptr(GString) out = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].count > 0) {
            g_string_append_printf(out, "%s%s: %" G_GINT64_FORMAT, out->len ? "; " : "", parts[i].what,
                                   parts[i].count);
        }
    }
    return out->len ? g_strdup(out->str) : NULL;
}

json_t *repeated_images_json(const RepeatedImages *r)
{
    return json_pack("{s:I, s:I, s:I}", "within_split", (json_int_t)r->within_split, "across_splits",
                     (json_int_t)r->across_splits, "blank_across_splits", (json_int_t)r->blank_across_splits);
}

void repeated_images_of_json(const json_t *json, RepeatedImages *out)
{
    *out = (RepeatedImages){.within_split = json_integer_value(json_object_get(json, "within_split")),
                            .across_splits = json_integer_value(json_object_get(json, "across_splits")),
                            .blank_across_splits =
                                json_integer_value(json_object_get(json, "blank_across_splits"))};
}

/* Reuse.
 *
 * A patch is known by its position on the slide.  Position and `pixels` (slide, grid, cut, encoding) decide every byte of its image; label,
 * split and number in the grid may have changed.  The bytes are hashed before they are used, so a file that was damaged, or that a kill left
 * under its former or its new name, is only cut again.
 *
 * The job table treats a job as done while its artefacts exist, and images are too many to be artefacts.  So the table that
 * names them is moved away before they change.  Otherwise a run that was killed, or that left a slide out, and is then started with its
 * former configuration, would skip the cutting. */
#include "pipeline/patchset/reuse.h"
#include "base/durable.h"
#include "base/listing.h"
#include "tiler/patches/shard.h"
#include <string.h>

/* The former table of a slide's patches; the files that it names may have changed. */
#define FORMER_TABLE "patches.former.csv"

typedef struct {
    char *file;  /* of the patch set, or NULL */
    guint shard; /* index in shards */
    int entry;
    double readable_fraction;
    unsigned flags;
    char sha256[65];
} Known;

struct Reuse {
    char *dataset;
    GPtrArray *shards; /* Shard* */
    GHashTable *known; /* "x,y" -> Known */
};

static void known_free(gpointer data)
{
    Known *known = data;
    g_free(known->file);
    g_free(known);
}

static char *position_of(const Patch *patch)
{
    return g_strdup_printf("%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT, patch->x, patch->y);
}

/* When two different images claim one position, neither is used. */
static void learn(Reuse *reuse, const Patch *patch, char *file, guint shard, int entry)
{
    g_autofree char *position = position_of(patch);
    Known *other = g_hash_table_lookup(reuse->known, position);
    if (other) {
        other->sha256[0] = g_str_equal(other->sha256, patch->sha256) ? other->sha256[0] : 0;
        g_free(file);
        return;
    }
    Known *known = g_new0(Known, 1);
    *known = (Known){.file = file,
                     .shard = shard,
                     .entry = entry,
                     .readable_fraction = patch->readable_fraction,
                     .flags = patch->flags};
    g_strlcpy(known->sha256, patch->sha256, sizeof known->sha256);
    g_hash_table_insert(reuse->known, g_steal_pointer(&position), known);
}

static void learn_files(Reuse *reuse, const char *folder, const char *name, const char *pixels)
{
    g_autofree char *table = g_build_filename(folder, name, NULL);
    g_autoptr(GPtrArray) patches = patchset_read_manifest(table, NULL);
    for (guint i = 0; patches && i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        if (g_str_equal(patch->pixels, pixels) && !strstr(patch->file, ".tar/")) {
            learn(reuse, patch, g_strdup(patch->file), 0, 0);
        }
    }
}

static void learn_shard(Reuse *reuse, const char *path, const char *pixels)
{
    g_autoptr(Shard) shard = shard_open(path, NULL);
    for (int i = 0; shard && i < shard_count(shard); i++) {
        Patch patch = {0};
        json_t *facts = shard_facts(shard, i, NULL);
        if (facts && patchset_facts_parse(facts, path, &patch, NULL) && g_str_equal(patch.pixels, pixels)) {
            learn(reuse, &patch, NULL, reuse->shards->len, i);
        }
        patch_clear(&patch);
        json_decref(facts);
    }
    if (shard) {
        g_ptr_array_add(reuse->shards, g_steal_pointer(&shard));
    }
}

Reuse *reuse_open(const char *dataset, const char *folder, const char *stem, const char *pixels)
{
    Reuse *reuse = g_new0(Reuse, 1);
    reuse->dataset = g_strdup(dataset);
    reuse->shards = g_ptr_array_new_with_free_func((GDestroyNotify)shard_free);
    reuse->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
    g_autofree char *prefix = g_strdup_printf("%s-", stem);
    g_auto(GStrv) names = shards_list(folder, prefix, NULL);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        learn_shard(reuse, path, pixels);
    }
    learn_files(reuse, folder, PATCHES_TABLE, pixels);
    learn_files(reuse, folder, FORMER_TABLE, pixels);
    return reuse;
}

gboolean reuse_invalidate(const char *folder, GError **error)
{
    g_autofree char *table = g_build_filename(folder, PATCHES_TABLE, NULL);
    g_autofree char *former = g_build_filename(folder, FORMER_TABLE, NULL);
    FileKind kind;
    return listing_kind(table, &kind, error) && (kind == FILE_ABSENT || durable_move(table, former, error));
}

void reuse_forget(const char *folder)
{
    g_autofree char *former = g_build_filename(folder, FORMER_TABLE, NULL);
    durable_discard(former);
}

void reuse_free(Reuse *reuse)
{
    if (reuse) {
        g_free(reuse->dataset);
        g_ptr_array_unref(reuse->shards);
        g_hash_table_unref(reuse->known);
        g_free(reuse);
    }
}

static GByteArray *checked(GByteArray *bytes, const char *sha256)
{
    char got[65];
    if (bytes) {
        durable_hash_bytes(bytes->data, bytes->len, got);
        if (g_str_equal(got, sha256)) {
            return bytes;
        }
        g_byte_array_unref(bytes);
    }
    return NULL;
}

/* Looks for the file under its former name, its new name (after a kill that followed the move), and among those left out by sampling. */
static GByteArray *from_file(const Reuse *reuse, const Known *known, const Patch *patch, char **file)
{
    g_autofree char *unused = patchset_unused_name(known->file);
    const char *const names[] = {known->file, patch->file, unused};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = patchset_path(reuse->dataset, names[i]);
        char *data = NULL;
        gsize size;
        gboolean read = g_file_get_contents(path, &data, &size, NULL);
        GByteArray *bytes = checked(read ? g_byte_array_new_take((guint8 *)data, size) : NULL, known->sha256);
        if (bytes) {
            *file = g_steal_pointer(&path);
            return bytes;
        }
    }
    return NULL;
}

GByteArray *reuse_take(const Reuse *reuse, Patch *patch, char **file)
{
    g_autofree char *position = position_of(patch);
    const Known *known = g_hash_table_lookup(reuse->known, position);
    *file = NULL;
    if (!known || !known->sha256[0]) {
        return NULL;
    }
    GByteArray *bytes = NULL;
    if (known->file) {
        bytes = from_file(reuse, known, patch, file);
    } else {
        const Shard *shard = reuse->shards->pdata[known->shard];
        bytes = checked(shard_read(shard, &shard_entry(shard, known->entry)->image, NULL), known->sha256);
    }
    if (bytes) {
        patch->readable_fraction = known->readable_fraction;
        patch->flags = known->flags;
    }
    return bytes;
}

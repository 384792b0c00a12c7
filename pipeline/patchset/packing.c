/* Packing.
 *
 * All tiles of a slide are in one split, so no sample changes its shard, and a hard link is enough: it costs neither time nor disk.  Only a
 * shard with samples that are not in the patch set is written again, from the encoded images. */
#include "pipeline/patchset/packing.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/patchset/sha256sums.h"
#include "tiler/patches/shard_writer.h"
#include "tiler/patches/shard.h"
#include <string.h>

static const char *const splits[] = {"train", "valid", "test"};

/* The patches of one shard of a slide. */
typedef struct {
    GPtrArray *patches; /* Patch*, borrowed, in the order of the shard */
    int dropped;
} Part;

static void part_free(gpointer data)
{
    Part *part = data;
    g_ptr_array_unref(part->patches);
    g_free(part);
}

/* "SLIDE/patches-000000.tar" */
static char *part_name(const Patch *patch)
{
    const char *slash = strchr(patch->file, '/');
    return g_strdup_printf("%s/%.*s", patch->slide, slash ? (int)(slash - patch->file) : 0, patch->file);
}

static Part *part_of(GHashTable *parts, const Patch *patch)
{
    g_autofree char *name = part_name(patch);
    Part *part = g_hash_table_lookup(parts, name);
    if (!part) {
        part = g_new0(Part, 1);
        part->patches = g_ptr_array_new();
        g_hash_table_insert(parts, g_steal_pointer(&name), part);
    }
    return part;
}

static GHashTable *sort_parts(const GPtrArray *patches, const GPtrArray *dropped)
{
    GHashTable *parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, part_free);
    for (guint i = 0; i < patches->len; i++) {
        g_ptr_array_add(part_of(parts, patches->pdata[i])->patches, patches->pdata[i]);
    }
    for (guint i = 0; i < dropped->len; i++) {
        part_of(parts, dropped->pdata[i])->dropped++;
    }
    return parts;
}

/* Copies the samples of the part's patches to a new shard; sha256 receives its hash. */
static gboolean copy_samples(const char *from, const char *folder, const char *split, int number,
                             const Part *part, char sha256[65], GError **error)
{
    g_autoptr(Shard) shard = shard_open(from, error);
    g_autoptr(ShardWriter) writer = shard_writer_new(folder, split, number, G_MAXINT64);
    for (guint i = 0; shard && i < part->patches->len; i++) {
        const Patch *patch = part->patches->pdata[i];
        g_autofree char *key = g_path_get_basename(patch->file);
        *strchr(key, '.') = 0;
        int at = shard_find(shard, key);
        if (at < 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s has no sample %s, although patches.csv of the slide lists it", from, key);
            return FALSE;
        }
        const ShardEntry *entry = shard_entry(shard, at);
        g_autoptr(GByteArray) image = shard_read(shard, &entry->image, error);
        g_autoptr(GByteArray) json = image ? shard_read(shard, &entry->json, error) : NULL;
        g_autoptr(GByteArray) mask =
            json && entry->mask.bytes > 0 ? shard_read(shard, &entry->mask, error) : NULL;
        if (!json || (entry->mask.bytes > 0 && !mask)) {
            return FALSE;
        }
        g_byte_array_append(json, (const guint8 *)"", 1);
        ShardSample sample = {key, entry->extension, image, (const char *)json->data, mask};
        if (shard_writer_add(writer, &sample, error) < 0) {
            return FALSE;
        }
    }
    const GPtrArray *files = shard ? shard_writer_finish(writer, error) : NULL;
    if (files) {
        g_strlcpy(sha256, ((const ShardFile *)files->pdata[0])->sha256, 65);
    }
    return files != NULL;
}

static const Artefact *part_artefact(const Work *work, const char *slide, const char *name)
{
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *input = work->inputs->pdata[i];
        if (g_str_equal(input->stage, "cut") && g_str_equal(input->unit, slide) &&
            g_str_equal(input->artefact->name, name)) {
            return input->artefact;
        }
    }
    return NULL;
}

/* Puts one shard of a slide into the patch set, under its number there. */
static gboolean pack_part(Work *work, const Artefact *artefact, const char *split, int number, Part *part,
                          GString *sums, GError **error)
{
    g_autofree char *name = shard_name(split, number), *folder = work_output(work, "dataset");
    g_autofree char *to = g_build_filename(folder, name, NULL);
    g_autofree char *from = g_build_filename(work->run->folder, artefact->path, NULL);
    char sha256[65];
    g_strlcpy(sha256, artefact->sha256, sizeof sha256);
    gboolean ok = part->dropped == 0 ? durable_link(from, to, error)
                                     : copy_samples(from, folder, split, number, part, sha256, error);
    for (guint i = 0; ok && i < part->patches->len; i++) {
        Patch *patch = part->patches->pdata[i];
        g_autofree char *base = g_path_get_basename(patch->file);
        g_free(patch->file);
        patch->file = g_strdup_printf("%s/%s", name, base);
    }
    sha256sums_add(sums, sha256, name);
    g_autofree char *title = g_strndup(name, strlen(name) - 4);
    return ok && work_publish(work, title, to, sha256, error);
}

/* The shards of a split are those of its slides, in the order of the run. */
static gboolean pack_split(Work *work, GHashTable *parts, const char *split, int *count, GString *sums,
                           GError **error)
{
    *count = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        const Artefact *artefact;
        if (!g_str_equal(entry->split, split)) {
            continue;
        }
        for (guint k = 0;; k++) {
            g_autofree char *title = g_strdup_printf("shard-%06u", k);
            if (!(artefact = part_artefact(work, entry->id, title))) {
                break;
            }
            g_autofree char *base = g_path_get_basename(artefact->path);
            g_autofree char *name = g_strdup_printf("%s/%s", entry->id, base);
            Part *part = g_hash_table_lookup(parts, name);
            if (part && part->patches->len > 0 &&
                !pack_part(work, artefact, split, (*count)++, part, sums, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

gboolean packing_shards(Work *work, GPtrArray *patches, const GPtrArray *dropped, GString *sums,
                        GError **error)
{
    g_autoptr(GHashTable) parts = sort_parts(patches, dropped);
    g_autofree char *folder = work_output(work, "dataset");
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        int count;
        if (!pack_split(work, parts, splits[s], &count, sums, error)) {
            return FALSE;
        }
        shards_remove(folder, splits[s], count);
    }
    return TRUE;
}

void packing_remove(const Work *work)
{
    g_autofree char *folder = work_output(work, "dataset");
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        shards_remove(folder, splits[s], 0);
    }
}

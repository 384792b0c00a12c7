/* Reads tar shards, and lists them.
 *
 * A tar file has no directory, but its headers hold sizes.  Reading the headers and skipping the data takes one small read per member; then any
 * sample is one positioned read.  So there is no index file that could be out of date.  Compressed tar files have no positions and are
 * refused. */
#include "tiler/patches/shard.h"
#include "tiler/imagefile/imagefile.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>

/* Bytes: no image is larger (see imagefile.c), and facts are short. */
#define MAX_IMAGE ((int64_t)2 << 30)
#define MAX_FACTS ((int64_t)1 << 20)
#define BLOCK_BYTES (1 << 18)

char *shard_name(const char *stem, int number)
{
    return g_strdup_printf("%s-%06d.tar", stem, number);
}

/* ---- folders of shards ---- */

/* For listing_select(): a visible .tar file with the prefix. */
static gboolean has_shard_name(const char *name, const void *prefix)
{
    return name[0] != '.' && g_str_has_prefix(name, prefix) && g_str_has_suffix(name, ".tar");
}

char **shards_list(const char *folder, const char *prefix, GError **error)
{
    return listing_select(folder, has_shard_name, prefix, error);
}

void shards_remove(const char *folder, const char *stem, int first)
{
    g_autofree char *prefix = g_strdup_printf("%s-", stem);
    g_auto(GStrv) names = shards_list(folder, prefix, NULL);
    for (char **name = names; name && *name; name++) {
        char *end;
        /* Only names that shard_name() makes are removed. */
        gint64 number = g_ascii_strtoll(*name + strlen(prefix), &end, 10);
        if (g_str_equal(end, ".tar") && number >= first) {
            g_autofree char *path = g_build_filename(folder, *name, NULL);
            durable_discard(path);
        }
    }
}

/* ---- reading ---- */

struct Shard {
    char *path;
    int fd;
    GArray *entries;   /* ShardEntry */
    GHashTable *index; /* key (of the entry) -> number + 1 */
};

static void entry_clear(gpointer data)
{
    ShardEntry *entry = data;
    g_free(entry->key);
    g_free(entry->extension);
}

/* The entry of that key.  It is a new one unless the last member has the same key: the members of a sample are consecutive. */
static ShardEntry *entry_of(Shard *shard, const char *key, size_t length)
{
    guint n = shard->entries->len;
    ShardEntry *last = n ? &g_array_index(shard->entries, ShardEntry, n - 1) : NULL;
    if (last && strlen(last->key) == length && strncmp(last->key, key, length) == 0) {
        return last;
    }
    ShardEntry fresh = {.key = g_strndup(key, length)};
    g_array_append_val(shard->entries, fresh);
    return &g_array_index(shard->entries, ShardEntry, n);
}

static gboolean too_large(const Shard *shard, const char *name, int64_t bytes, GError **error)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s is too large: %" G_GINT64_FORMAT " bytes",
                shard->path, name, bytes);
    return FALSE;
}

/* Adds a member to the index when it is an image, a mask or facts; ignores all others. */
static gboolean index_member(Shard *shard, const char *name, ShardPart part, GError **error)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const char *dot = strchr(base, '.');
    /* Folders and hidden files are not members of samples. */
    if (!dot || dot == base) {
        return TRUE;
    }
    /* Everything after the first dot: "png", "json", "mask.png". */
    g_autofree char *suffix = g_ascii_strdown(dot + 1, -1);
    /* The ending says what a member of a sample is; the image may be PNG or JPEG. */
    gboolean image = g_str_equal(suffix, "png") || g_str_equal(suffix, "jpg") || g_str_equal(suffix, "jpeg");
    gboolean facts = g_str_equal(suffix, "json"), mask = g_str_equal(suffix, "mask.png");
    if (!image && !facts && !mask) {
        return TRUE;
    }
    /* Sizes come from the file, and are limited before anything is read. */
    if (part.bytes > (facts ? MAX_FACTS : MAX_IMAGE)) {
        return too_large(shard, name, part.bytes, error);
    }
    /* The key is the name up to its first dot, folders included. */
    ShardEntry *entry = entry_of(shard, name, (size_t)(dot - name));
    if (image) {
        entry->image = part;
        g_free(entry->extension);
        entry->extension = g_steal_pointer(&suffix);
    }
    entry->json = facts ? part : entry->json;
    entry->mask = mask ? part : entry->mask;
    return TRUE;
}

static gboolean not_a_tar(const Shard *shard, struct archive *tar, GError **error)
{
    /* errno of the system, or one of the numbers that libarchive uses for malformed files. */
    int number = archive_errno(tar);
    if (number > 0 && number != EILSEQ && number != EINVAL) {
        errno = number;
        return wsi_error_errno(error, "cannot read", shard->path);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a complete, uncompressed tar file: %s",
                shard->path, archive_error_string(tar));
    return FALSE;
}

static gboolean index_all(Shard *shard, struct archive *tar, GError **error)
{
    struct archive_entry *header;
    int code;
    while ((code = archive_read_next_header(tar, &header)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(header);
        /* After a header libarchive is at the first byte of the data. */
        ShardPart part = {archive_filter_bytes(tar, 0), archive_entry_size(header)};
        /* Links and sparse files do not have their bytes at this position. */
        gboolean plain = archive_entry_filetype(header) == AE_IFREG && !archive_entry_hardlink(header) &&
                         archive_entry_sparse_count(header) == 0 && part.bytes > 0;
        if (name && plain && !index_member(shard, name, part, error)) {
            return FALSE;
        }
    }
    /* A warning ends the walk as well: a damaged header is not passed over. */
    if (code != ARCHIVE_EOF) {
        return not_a_tar(shard, tar, error);
    }
    return TRUE;
}

/* Removes samples without image, checks that the others are inside the file, and indexes them by key. */
static gboolean finish_index(Shard *shard, GError **error)
{
    /* From the end, because removing moves what follows. */
    for (guint i = shard->entries->len; i-- > 0;) {
        if (g_array_index(shard->entries, ShardEntry, i).image.bytes == 0) {
            g_array_remove_index(shard->entries, i);
        }
    }
    /* libarchive skips data without reading it, so a truncated last member is found only here. */
    off_t end = lseek(shard->fd, 0, SEEK_END);
    for (guint i = 0; i < shard->entries->len; i++) {
        const ShardEntry *entry = &g_array_index(shard->entries, ShardEntry, i);
        /* Of image and mask the one that is later in the file. */
        const ShardPart *last = entry->mask.offset > entry->image.offset ? &entry->mask : &entry->image;
        if (last->offset > end || last->bytes > end - last->offset) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is truncated within %s", shard->path,
                        entry->key);
            return FALSE;
        }
        if (!g_hash_table_insert(shard->index, entry->key, GINT_TO_POINTER(i + 1))) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has two samples with the key %s", shard->path,
                        entry->key);
            return FALSE;
        }
    }
    return TRUE;
}

Shard *shard_open(const char *path, GError **error)
{
    g_autoptr(Shard) shard = g_new0(Shard, 1);
    shard->path = g_strdup(path);
    shard->entries = g_array_new(FALSE, FALSE, sizeof(ShardEntry));
    g_array_set_clear_func(shard->entries, entry_clear);
    shard->index = g_hash_table_new(g_str_hash, g_str_equal);
    shard->fd = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (shard->fd < 0) {
        wsi_error_errno(error, "cannot open", path);
        return NULL;
    }
    struct archive *tar = archive_read_new();
    archive_read_support_format_tar(tar);
    /* A shard without samples is allowed. */
    archive_read_support_format_empty(tar);
    /* Small blocks, since only headers are read. */
    gboolean ok = archive_read_open_fd(tar, shard->fd, BLOCK_BYTES / 16) == ARCHIVE_OK;
    if (!ok) {
        not_a_tar(shard, tar, error);
    }
    ok = ok && index_all(shard, tar, error);
    archive_read_free(tar);
    return ok && finish_index(shard, error) ? g_steal_pointer(&shard) : NULL;
}

void shard_free(Shard *shard)
{
    if (!shard) {
        return;
    }
    if (shard->fd >= 0) {
        close(shard->fd);
    }
    g_hash_table_unref(shard->index);
    g_array_unref(shard->entries);
    g_free(shard->path);
    g_free(shard);
}

const char *shard_path(const Shard *shard)
{
    return shard->path;
}

int shard_count(const Shard *shard)
{
    return (int)shard->entries->len;
}

const ShardEntry *shard_entry(const Shard *shard, int i)
{
    return &g_array_index(shard->entries, ShardEntry, i);
}

int shard_find(const Shard *shard, const char *key)
{
    /* NULL, for a missing key, gives -1. */
    return GPOINTER_TO_INT(g_hash_table_lookup(shard->index, key)) - 1;
}

GByteArray *shard_read(const Shard *shard, const ShardPart *part, GError **error)
{
    uint8_t *data = wsi_try_alloc((size_t)MAX(part->bytes, 1), 1, "a sample", error);
    int64_t done = 0;
    while (data && done < part->bytes) {
        /* Positioned, so that threads can share the descriptor. */
        ssize_t got = pread(shard->fd, data + done, (size_t)(part->bytes - done), part->offset + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        /* The index was checked against the file's size, so an early end is an error. */
        if (got <= 0) {
            got < 0 ? (void)wsi_error_errno(error, "cannot read", shard->path)
                    : g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s ends too early", shard->path);
            g_free(data);
            return NULL;
        }
        done += got;
    }
    return data ? g_byte_array_new_take(data, (gsize)part->bytes) : NULL;
}

Image *shard_image(const Shard *shard, int i, GError **error)
{
    const ShardEntry *entry = shard_entry(shard, i);
    g_autoptr(GByteArray) data = shard_read(shard, &entry->image, error);
    g_autofree char *name = g_strdup_printf("%s: %s.%s", shard->path, entry->key, entry->extension);
    return data ? imagefile_decode(data->data, data->len, name, error) : NULL;
}

json_t *shard_facts(const Shard *shard, int i, GError **error)
{
    const ShardEntry *entry = shard_entry(shard, i);
    /* Shards of other programs may have no facts. */
    if (entry->json.bytes == 0) {
        return json_object();
    }
    json_error_t why;
    g_autoptr(GByteArray) data = shard_read(shard, &entry->json, error);
    json_t *facts = data ? json_loadb((const char *)data->data, data->len, 0, &why) : NULL;
    if (data && !json_is_object(facts)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s.json: %s", shard->path, entry->key,
                    facts ? "not an object" : why.text);
        g_clear_pointer(&facts, json_decref);
    }
    return facts;
}

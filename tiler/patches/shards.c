/* Tar shards.
 *
 * libarchive writes the headers into a durable file, so a shard appears whole or not at all; times, owners and modes are fixed, so
 * bytes follow from the samples alone.  A shard is closed before it would pass its limit: where shards end follows from the sizes of
 * the samples, not from when they were written.
 *
 * Tar has no directory, but headers hold sizes: reading them and skipping the data costs one small read a member, after which any
 * sample is one positioned read.  No index file can be stale that way.  Compressed tars have no positions and are refused. */
#include "tiler/patches/shards.h"
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

/* A sample's image is never larger (see imagefile.c); facts are short. */
#define MAX_IMAGE ((int64_t)2 << 30)
#define MAX_FACTS ((int64_t)1 << 20)
#define BLOCK_BYTES (1 << 18)

char *shard_name(const char *stem, int number)
{
    return g_strdup_printf("%s-%06d.tar", stem, number);
}

/* ---- writing ---- */

struct ShardWriter {
    char *folder, *stem;
    int first;
    int64_t max_bytes, bytes; /* of the shard being written */
    int samples;
    GPtrArray *files;
    struct archive *tar; /* NULL between shards */
    Durable *file;
    GError *why; /* of the last write */
};

static void shard_file_free(gpointer data)
{
    ShardFile *file = data;
    g_free(file->path);
    g_free(file);
}

ShardWriter *shard_writer_new(const char *folder, const char *stem, int first, int64_t max_bytes)
{
    ShardWriter *writer = g_new0(ShardWriter, 1);
    writer->folder = g_strdup(folder);
    writer->stem = g_strdup(stem);
    writer->first = first;
    writer->max_bytes = max_bytes;
    writer->files = g_ptr_array_new_with_free_func(shard_file_free);
    return writer;
}

static la_ssize_t write_block(struct archive *tar, void *data, const void *block, size_t bytes)
{
    ShardWriter *writer = data;
    if (!writer->why && durable_write(writer->file, block, bytes, &writer->why)) {
        return (la_ssize_t)bytes;
    }
    archive_set_error(tar, EIO, "write");
    return -1;
}

static gboolean tar_failed(ShardWriter *writer, GError **error)
{
    if (writer->why) {
        g_propagate_error(error, g_steal_pointer(&writer->why));
        return FALSE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s/%s: %s", writer->folder, writer->stem,
                archive_error_string(writer->tar));
    return FALSE;
}

static gboolean begin_shard(ShardWriter *writer, GError **error)
{
    g_autofree char *name = shard_name(writer->stem, writer->first + (int)writer->files->len);
    g_autofree char *path = g_build_filename(writer->folder, name, NULL);
    writer->file = durable_open(path, error);
    writer->tar = writer->file ? archive_write_new() : NULL;
    if (!writer->tar) {
        return FALSE;
    }
    gboolean ok = archive_write_set_format_pax_restricted(writer->tar) == ARCHIVE_OK &&
                  archive_write_set_bytes_per_block(writer->tar, BLOCK_BYTES) == ARCHIVE_OK &&
                  archive_write_set_bytes_in_last_block(writer->tar, 1) == ARCHIVE_OK &&
                  archive_write_open(writer->tar, writer, NULL, write_block, NULL) == ARCHIVE_OK;
    return ok || tar_failed(writer, error);
}

static gboolean end_shard(ShardWriter *writer, GError **error)
{
    g_autofree char *name = shard_name(writer->stem, writer->first + (int)writer->files->len);
    ShardFile *done = g_new0(ShardFile, 1);
    done->path = g_build_filename(writer->folder, name, NULL);
    done->samples = writer->samples;
    g_ptr_array_add(writer->files, done);
    if (archive_write_close(writer->tar) != ARCHIVE_OK) {
        return tar_failed(writer, error);
    }
    g_clear_pointer(&writer->tar, archive_write_free);
    gboolean ok = durable_commit(writer->file, done->sha256, &done->bytes, error);
    g_clear_pointer(&writer->file, durable_free);
    writer->bytes = writer->samples = 0;
    return ok;
}

static gboolean add_member(ShardWriter *writer, const char *key, const char *suffix, const void *data,
                           size_t bytes, GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.%s", key, suffix);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)bytes);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    gboolean ok = archive_write_header(writer->tar, entry) == ARCHIVE_OK &&
                  archive_write_data(writer->tar, data, bytes) == (la_ssize_t)bytes;
    archive_entry_free(entry);
    return ok || tar_failed(writer, error);
}

/* In a tar: a header, and the data to the next multiple of 512. */
static int64_t member_bytes(size_t bytes)
{
    return 512 + (int64_t)((bytes + 511) / 512) * 512;
}

int shard_writer_add(ShardWriter *writer, const ShardSample *sample, GError **error)
{
    size_t json_bytes = strlen(sample->json);
    int64_t more = member_bytes(sample->image->len) + member_bytes(json_bytes) +
                   (sample->mask ? member_bytes(sample->mask->len) : 0);
    if (!*sample->key || strpbrk(sample->key, "./") || strpbrk(sample->extension, "./")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "\"%s\" is not a key of a sample", sample->key);
        return -1;
    }
    if (writer->tar && writer->bytes + more > writer->max_bytes && !end_shard(writer, error)) {
        return -1;
    }
    if (!writer->tar && !begin_shard(writer, error)) {
        return -1;
    }
    writer->bytes += more;
    writer->samples++;
    gboolean ok =
        add_member(writer, sample->key, sample->extension, sample->image->data, sample->image->len, error) &&
        add_member(writer, sample->key, "json", sample->json, json_bytes, error) &&
        (!sample->mask ||
         add_member(writer, sample->key, "mask.png", sample->mask->data, sample->mask->len, error));
    return ok ? writer->first + (int)writer->files->len : -1;
}

const GPtrArray *shard_writer_finish(ShardWriter *writer, GError **error)
{
    return !writer->tar || end_shard(writer, error) ? writer->files : NULL;
}

void shard_writer_free(ShardWriter *writer)
{
    if (!writer) {
        return;
    }
    if (writer->tar) {
        archive_write_fail(writer->tar); /* nothing more is to be written */
        archive_write_free(writer->tar);
    }
    durable_free(writer->file);
    g_clear_error(&writer->why);
    g_ptr_array_unref(writer->files);
    g_free(writer->folder);
    g_free(writer->stem);
    g_free(writer);
}

/* ---- folders of shards ---- */

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

/* The sample of that key; a new one when the key is not that of the last member: samples stand together. */
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
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s has %" G_GINT64_FORMAT " bytes: too many",
                shard->path, name, bytes);
    return FALSE;
}

static gboolean index_member(Shard *shard, const char *name, ShardPart part, GError **error)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    const char *dot = strchr(base, '.');
    if (!dot || dot == base) {
        return TRUE;
    }
    g_autofree char *suffix = g_ascii_strdown(dot + 1, -1);
    gboolean image = g_str_equal(suffix, "png") || g_str_equal(suffix, "jpg") || g_str_equal(suffix, "jpeg");
    gboolean facts = g_str_equal(suffix, "json"), mask = g_str_equal(suffix, "mask.png");
    if (!image && !facts && !mask) {
        return TRUE;
    }
    if (part.bytes > (facts ? MAX_FACTS : MAX_IMAGE)) {
        return too_large(shard, name, part.bytes, error);
    }
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
    int number =
        archive_errno(tar); /* of the system, or one of three that libarchive gives to files that are wrong */
    if (number > 0 && number != EILSEQ && number != EINVAL) {
        errno = number;
        return wsi_error_errno(error, "cannot read", shard->path);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: no whole, uncompressed tar file: %s", shard->path,
                archive_error_string(tar));
    return FALSE;
}

static gboolean index_all(Shard *shard, struct archive *tar, GError **error)
{
    struct archive_entry *header;
    int code;
    while ((code = archive_read_next_header(tar, &header)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(header);
        /* After a header libarchive stands at the first byte of the data. */
        ShardPart part = {archive_filter_bytes(tar, 0), archive_entry_size(header)};
        gboolean plain = archive_entry_filetype(header) == AE_IFREG && !archive_entry_hardlink(header) &&
                         archive_entry_sparse_count(header) == 0 && part.bytes > 0;
        if (name && plain && !index_member(shard, name, part, error)) {
            return FALSE;
        }
    }
    if (code != ARCHIVE_EOF) {
        return not_a_tar(shard, tar, error);
    }
    return TRUE;
}

/* Drops samples without image and names the others. */
static gboolean finish_index(Shard *shard, GError **error)
{
    for (guint i = shard->entries->len; i-- > 0;) {
        if (g_array_index(shard->entries, ShardEntry, i).image.bytes == 0) {
            g_array_remove_index(shard->entries, i);
        }
    }
    off_t end = lseek(shard->fd, 0, SEEK_END);
    for (guint i = 0; i < shard->entries->len; i++) {
        const ShardEntry *entry = &g_array_index(shard->entries, ShardEntry, i);
        const ShardPart *last = entry->mask.offset > entry->image.offset ? &entry->mask : &entry->image;
        if (last->offset > end || last->bytes > end - last->offset) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is cut off within %s", shard->path,
                        entry->key);
            return FALSE;
        }
        if (!g_hash_table_insert(shard->index, entry->key, GINT_TO_POINTER(i + 1))) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has two samples %s", shard->path, entry->key);
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
    archive_read_support_format_empty(tar);
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
    return GPOINTER_TO_INT(g_hash_table_lookup(shard->index, key)) - 1;
}

GByteArray *shard_read(const Shard *shard, const ShardPart *part, GError **error)
{
    uint8_t *data = wsi_try_alloc((size_t)MAX(part->bytes, 1), 1, "a sample", error);
    int64_t done = 0;
    while (data && done < part->bytes) {
        ssize_t got = pread(shard->fd, data + done, (size_t)(part->bytes - done), part->offset + done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            got < 0 ? (void)wsi_error_errno(error, "cannot read", shard->path)
                    : g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s ends early", shard->path);
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
    if (entry->json.bytes == 0) {
        return json_object();
    }
    json_error_t why;
    g_autoptr(GByteArray) data = shard_read(shard, &entry->json, error);
    json_t *facts = data ? json_loadb((const char *)data->data, data->len, 0, &why) : NULL;
    if (data && !json_is_object(facts)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s.json: %s", shard->path, entry->key,
                    facts ? "no object" : why.text);
        g_clear_pointer(&facts, json_decref);
    }
    return facts;
}

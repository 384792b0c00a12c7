/* Writes tar shards.
 *
 * libarchive writes into a durable file, so a shard appears complete or not at all.  Times, owners and modes are fixed, so
 * the bytes depend only on the samples.  A shard is closed before it would exceed its limit: where shards end depends on the sizes of
 * the samples, not on when they were written. */
#include "tiler/patches/shard_writer.h"
#include "tiler/patches/shard.h"
#include "base/durable.h"
#include "base/error.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define BLOCK_BYTES (1 << 18)

struct ShardWriter {
    char *folder, *stem;
    int first;
    int64_t max_bytes, bytes; /* of the shard being written */
    int samples;
    GPtrArray *files;
    struct archive *tar; /* NULL between shards */
    Durable *file;
    GError *why; /* error of the last write */
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

/* libarchive's output goes to the durable file; its error is kept, since libarchive has only numbers. */
static la_ssize_t write_block(struct archive *tar, void *data, const void *block, size_t bytes)
{
    /* After an error nothing more is written. */
    ShardWriter *writer = data;
    if (!writer->why && durable_write(writer->file, block, bytes, &writer->why)) {
        return (la_ssize_t)bytes;
    }
    archive_set_error(tar, EIO, "write");
    return -1;
}

/* The error of the durable file, or else libarchive's. */
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

/* Plain pax where a member needs it, ustar otherwise; the last block is not padded beyond tar's end mark. */
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

/* Completes and publishes the current shard. */
static gboolean end_shard(ShardWriter *writer, GError **error)
{
    g_autofree char *name = shard_name(writer->stem, writer->first + (int)writer->files->len);
    ShardFile *done = g_new0(ShardFile, 1);
    done->path = g_build_filename(writer->folder, name, NULL);
    done->samples = writer->samples;
    g_ptr_array_add(writer->files, done);
    /* Writes the end mark; then the file is complete and can be published. */
    if (archive_write_close(writer->tar) != ARCHIVE_OK) {
        return tar_failed(writer, error);
    }
    g_clear_pointer(&writer->tar, archive_write_free);
    gboolean ok = durable_commit(writer->file, done->sha256, &done->bytes, error);
    g_clear_pointer(&writer->file, durable_free);
    writer->bytes = writer->samples = 0;
    return ok;
}

/* A regular file with fixed mode and time. */
static gboolean add_member(ShardWriter *writer, const char *key, const char *suffix, const void *data,
                           size_t bytes, GError **error)
{
    g_autofree char *name = g_strdup_printf("%s.%s", key, suffix);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)bytes);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    /* Time 0, and no owner: the bytes must not depend on when and where the shard is written. */
    archive_entry_set_mtime(entry, 0, 0);
    gboolean ok = archive_write_header(writer->tar, entry) == ARCHIVE_OK &&
                  archive_write_data(writer->tar, data, bytes) == (la_ssize_t)bytes;
    archive_entry_free(entry);
    return ok || tar_failed(writer, error);
}

/* Bytes of a member in a tar file: a header of 512, and the data padded to a multiple of 512. */
static int64_t member_bytes(size_t bytes)
{
    return 512 + (int64_t)((bytes + 511) / 512) * 512;
}

int shard_writer_add(ShardWriter *writer, const ShardSample *sample, GError **error)
{
    size_t json_bytes = strlen(sample->json);
    /* What the sample adds to the shard. */
    int64_t more = member_bytes(sample->image->len) + member_bytes(json_bytes) +
                   (sample->mask ? member_bytes(sample->mask->len) : 0);
    /* A dot would end the key, and a slash would make a folder of it. */
    if (!*sample->key || strpbrk(sample->key, "./") || strpbrk(sample->extension, "./")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "\"%s\" is not a sample key", sample->key);
        return -1;
    }
    /* Only a sample that is larger than the limit makes a larger shard. */
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
    /* The number of the shard that holds the sample. */
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
        archive_write_fail(writer->tar); /* write nothing more */
        archive_write_free(writer->tar);
    }
    durable_free(writer->file);
    g_clear_error(&writer->why);
    g_ptr_array_unref(writer->files);
    g_free(writer->folder);
    g_free(writer->stem);
    g_free(writer);
}

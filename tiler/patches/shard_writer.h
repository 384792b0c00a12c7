/* Writes tar shards (shard.h). */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    const char *key;       /* letters, digits, '_' and '-'; no dot */
    const char *extension; /* "png" or "jpg" */
    const GByteArray *image;
    const char *json;       /* one object */
    const GByteArray *mask; /* PNG, or NULL */
} ShardSample;

/* A finished shard. */
typedef struct {
    char *path;
    char sha256[65];
    int64_t bytes;
    int samples;
} ShardFile;

typedef struct ShardWriter ShardWriter;
/* Writes FOLDER/STEM-NNNNNN.tar, numbered from `first` on, of at most max_bytes each (or one sample).  A shard gets its name when it is
 * complete and on disk.  The same samples give the same bytes: there are no times and no owners.  One thread at a time. */
ShardWriter *shard_writer_new(const char *folder, const char *stem, int first, int64_t max_bytes);
/* Adds a sample.  Returns the number of its shard; -1 with error. */
int shard_writer_add(ShardWriter *writer, const ShardSample *sample, GError **error);
/* Publishes the last shard.  Returns all shards: ShardFile*, owned by the writer; NULL with error. */
const GPtrArray *shard_writer_finish(ShardWriter *writer, GError **error);
/* Discards a shard that was not published. */
void shard_writer_free(ShardWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShardWriter, shard_writer_free)

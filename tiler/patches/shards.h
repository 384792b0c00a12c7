/* Tar shards as WebDataset reads them: plain tar, the members of a sample stand together and share their name up to the first
 * dot: KEY.png or KEY.jpg, KEY.json, and with a mask KEY.mask.png.
 * (WebDataset: https://github.com/webdataset/webdataset, "The WebDataset format"; tar: POSIX.1-2001 pax, ustar where it suffices.) */
#pragma once
#include "base/image.h"
#include <jansson.h>

/* ---- writing ---- */

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
 * complete and on disk; the same samples give the same bytes: no times, no owners.  One thread at a time. */
ShardWriter *shard_writer_new(const char *folder, const char *stem, int first, int64_t max_bytes);
/* Number of the shard that the sample went to, or -1 with error. */
int shard_writer_add(ShardWriter *writer, const ShardSample *sample, GError **error);
/* Publishes the last shard.  Returns ShardFile*, owned by the writer; NULL with error. */
const GPtrArray *shard_writer_finish(ShardWriter *writer, GError **error);
/* What was not published is gone. */
void shard_writer_free(ShardWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShardWriter, shard_writer_free)
/* "STEM-000012.tar". Caller frees. */
char *shard_name(const char *stem, int number);
/* Removes FOLDER/STEM-NNNNNN.tar from number `first` on. */
void shards_remove(const char *folder, const char *stem, int first);
/* Names of the .tar files of a folder that begin with `prefix`, sorted by strcmp; NULL-terminated, g_strfreev. */
char **shards_list(const char *folder, const char *prefix, GError **error);

/* ---- reading ---- */

typedef struct {
    int64_t offset, bytes; /* of a member's data in the file; bytes 0 = there is none */
} ShardPart;
typedef struct {
    char *key, *extension; /* of the image, lower case */
    ShardPart image, json, mask;
} ShardEntry;

/* An open shard and the index of its samples, which one pass over the headers makes: the data is skipped.  Samples without image
 * are left out.  Reads are positioned, so threads may share it; a shard that is replaced on disk stays readable. */
typedef struct Shard Shard;
Shard *shard_open(const char *path, GError **error);
void shard_free(Shard *shard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shard, shard_free)
const char *shard_path(const Shard *shard);
int shard_count(const Shard *shard);
/* Borrowed; 0 <= i < count, in the order of the file. */
const ShardEntry *shard_entry(const Shard *shard, int i);
/* The sample of that key, or -1. */
int shard_find(const Shard *shard, const char *key);
/* A member's bytes. Caller unrefs. */
GByteArray *shard_read(const Shard *shard, const ShardPart *part, GError **error);
/* The image as RGB. */
Image *shard_image(const Shard *shard, int i, GError **error);
/* The .json member, a new reference; an empty object when there is none. */
json_t *shard_facts(const Shard *shard, int i, GError **error);

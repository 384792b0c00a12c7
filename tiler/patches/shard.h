/* Tar shards as WebDataset reads them: plain tar files in which the members of a sample are consecutive and share their name up to the first
 * dot: KEY.png or KEY.jpg, KEY.json, and with a mask KEY.mask.png.
 * (WebDataset: https://github.com/webdataset/webdataset, "The WebDataset format"; tar: POSIX.1-2001 pax, ustar where it suffices.) */
#pragma once
#include "base/image.h"
#include <jansson.h>

/* ---- folders of shards ---- */

/* "STEM-000012.tar".  Caller frees. */
char *shard_name(const char *stem, int number);
/* Removes FOLDER/STEM-NNNNNN.tar from number `first` on. */
void shards_remove(const char *folder, const char *stem, int first);
/* Names of the .tar files of a folder that begin with `prefix`, sorted by strcmp; NULL-terminated, g_strfreev. */
char **shards_list(const char *folder, const char *prefix, GError **error);

/* ---- reading ---- */

typedef struct {
    int64_t offset, bytes; /* of a member's data in the file; bytes 0 = no such member */
} ShardPart;
typedef struct {
    char *key, *extension; /* of the image; the extension in lower case */
    ShardPart image, json, mask;
} ShardEntry;

/* An open shard and the index of its samples, which one pass over the headers makes.  Samples without image
 * are left out.  Reads are positioned, so threads may share it.  A shard that is replaced on disk stays readable. */
typedef struct Shard Shard;
Shard *shard_open(const char *path, GError **error);
void shard_free(Shard *shard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shard, shard_free)
const char *shard_path(const Shard *shard);
int shard_count(const Shard *shard);
/* Borrowed; 0 <= i < count, in the order of the file. */
const ShardEntry *shard_entry(const Shard *shard, int i);
/* The number of the sample with that key, or -1. */
int shard_find(const Shard *shard, const char *key);
/* The bytes of a member.  Caller unrefs. */
GByteArray *shard_read(const Shard *shard, const ShardPart *part, GError **error);
/* The image of sample i as RGB. */
Image *shard_image(const Shard *shard, int i, GError **error);
/* The .json member of sample i, a new reference; an empty object when there is none. */
json_t *shard_facts(const Shard *shard, int i, GError **error);

/* Images that were cut before: a changed label moves a patch, it does not cut it again. */
#pragma once
#include "tiler/patches/patchset.h"

typedef struct Reuse Reuse;
/* Knows the patches of a slide that an earlier run left in `dataset` (files, as the table FOLDER/patches.csv says) and in
 * FOLDER/STEM-*.tar, and whose images were decided by the same `pixels`.  What cannot be read is not known: no error. */
Reuse *reuse_open(const char *dataset, const char *folder, const char *stem, const char *pixels);
void reuse_free(Reuse *reuse);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reuse, reuse_free)
/* The bytes of the image of the patch at patch->x, y, checked by their hash, or NULL; sets readable_fraction and flags.  file: where they lie (absolute,
 * caller frees), NULL when in a shard. Thread-safe. */
GByteArray *reuse_take(const Reuse *reuse, Patch *patch, char **file);

/* Files of a slide's patches are named, with their hashes, by this table in its folder. */
#define PATCHES_TABLE "patches.csv"
/* Before a file that the table of a slide names may change: moves the table aside, so that the result is not remembered as whole when
 * what comes next is killed; reuse_open still learns from it. */
gboolean reuse_invalidate(const char *folder, GError **error);
/* Removes what reuse_invalidate moved aside: a new table is there. */
void reuse_forget(const char *folder);

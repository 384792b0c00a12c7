/* Images that an earlier run cut: a patch whose label changes is moved, not cut again. */
#pragma once
#include "tiler/patches/patchset.h"

typedef struct Reuse Reuse;
/* Lists the patches of a slide that an earlier run left in `dataset` (files named in FOLDER/patches.csv) and in FOLDER/STEM-*.tar, and that
 * have the same `pixels`.  What cannot be read is skipped without an error. */
Reuse *reuse_open(const char *dataset, const char *folder, const char *stem, const char *pixels);
void reuse_free(Reuse *reuse);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reuse, reuse_free)
/* The image bytes of the patch at (patch->x, patch->y), checked by their hash, or NULL; sets readable_fraction and flags of the patch.
 * *file: the file that holds them (absolute, caller frees); NULL when they are in a shard.  Thread-safe. */
GByteArray *reuse_take(const Reuse *reuse, Patch *patch, char **file);

/* The table in a slide's folder that lists the files of its patches and their hashes. */
#define PATCHES_TABLE "patches.csv"
/* Moves the table of a slide away; call it before a file that it names may change, so that the job does not count as done if the process is
 * killed before it has written a new table.  reuse_open still reads the former table. */
gboolean reuse_invalidate(const char *folder, GError **error);
/* Removes the former table, once the new one is written. */
void reuse_forget(const char *folder);

/* Packing the shards of the slides into the patch set. */
#pragma once
#include "pipeline/job/work.h"
#include "tiler/patches/patchset.h"

/* Puts the shards of all slides into the patch set as dataset/SPLIT-NNNNNN.tar.  A shard whose samples are all in `patches` is linked; when
 * some are in `dropped`, the others are copied.  Sets Patch.file, publishes the shards, adds their hashes to `sums` (sha256sums.h) and
 * removes shards of earlier configurations. */
gboolean packing_shards(Work *work, GPtrArray *patches, const GPtrArray *dropped, GString *sums,
                        GError **error);
/* Removes all shards of the patch set. */
void packing_remove(const Work *work);

/* The shards of the slides become the shards of the patch set. */
#pragma once
#include "pipeline/job/work.h"
#include "tiler/patches/patchset.h"

/* Gives each slide's shards a number in the patch set, dataset/SPLIT-NNNNNN.tar: by a link where all of their samples are in `patches`,
 * as a copy of those that are where some are in `dropped`.  Sets the files of the patches, publishes the shards, adds their hashes to
 * `sums` (sha256sums.h) and removes shards of earlier configurations. */
gboolean packing_shards(Work *work, GPtrArray *patches, const GPtrArray *dropped, GString *sums,
                        GError **error);
/* Removes all shards of the patch set. */
void packing_remove(const Work *work);

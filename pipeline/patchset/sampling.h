/* Which patches of all that were cut belong to the patch set. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/patches/patchset.h"

/* Keeps in `patches` at most dataset.max_per_class of each label of a split, and with dataset.balance as many of each as of the rarer one;
 * the order stays.  What is not kept is returned: array of Patch*, owned.  A patch's chance follows from run.seed and its place, so a
 * further slide changes few of the others. */
GPtrArray *sampling_choose(const Config *config, GPtrArray *patches);

/* The sample: which of the patches that were cut are in the patch set. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/patches/patchset.h"

/* Keeps at most dataset.max_per_class patches per label and split and, with dataset.balance, as many of each label as of the rarer one.  The
 * order stays.  Returns the others: array of Patch*, owned by the caller.  The choice follows from run.seed and the position of each patch,
 * so an additional slide changes it for few others. */
GPtrArray *sampling_choose(const Config *config, GPtrArray *patches);

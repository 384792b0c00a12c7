/* Splits and folds for which metrics cannot be computed. */
#pragma once
#include "pipeline/cohort/cohort.h"

#define MISSING_METRICS_FILE "missing_metrics.json" /* of a run's patch set: {"notes": [...]} */

/* Array of sentences (char*) in a fixed order: a valid or test split without tiles of one label, no test split at all, folds without an
 * annotated slide.  patches: the patch set (Patch*); NULL where there is none, and then only slides are counted.  Caller unrefs. */
GPtrArray *missing_metrics_find(const GPtrArray *slides, const GPtrArray *patches, const Config *config);

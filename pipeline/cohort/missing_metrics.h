/* Parts of a cohort that figures cannot be computed from. */
#pragma once
#include "pipeline/cohort/cohort.h"

#define MISSING_METRICS_FILE "missing_metrics.json" /* of a run's patch set: {"notes": [...]} */

/* Sentences (char*, owned), in a fixed order: a tested or validating split without tiles of one label, no test at all, folds without an
 * annotated slide.  patches: of the patch set (Patch*); NULL where there is none: then only slides are looked at. */
GPtrArray *missing_metrics_find(const GPtrArray *slides, const GPtrArray *patches, const Config *config);

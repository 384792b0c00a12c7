/* Images of a run's own patch set that somebody removed or changed since they were cut. */
#pragma once
#include "pipeline/job/work.h"

/* Before planning: looks at every image and mask that the slides' tables name, and hashes those that are younger than their table.  The
 * table of a slide with an image that is gone or differs is moved aside, so that the plan cuts what is missing again; jobs of the cohort that
 * may have failed for it are retried.  What was found is told on standard error.  FALSE with error when the system does not say. */
gboolean mending_check(const Run *run, Store *store, GError **error);

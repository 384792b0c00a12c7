/* Patches of a run's own patch set that were removed or changed after they were cut. */
#pragma once
#include "pipeline/job/work.h"

/* To be called before planning.  Checks every patch and mask in the slides' tables, and hashes those that are younger than their table.  The
 * table of a slide with a missing or changed patch is moved aside, so that the plan cuts what is missing; jobs of the cohort, which may have
 * failed because of it, are retried.  Prints what it found to standard error.  FALSE with an error when the state of a file is unknown. */
gboolean patch_set_repair(const Run *run, Store *store, GError **error);

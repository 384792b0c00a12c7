/* From the configuration and the slides to the jobs of a run. */
#pragma once
#include "db/store.h"
#include "pipeline/job/work.h"

/* Writes the jobs that the configuration asks for to the job table, and stores the cohort there.  last: name of the last wanted stage, NULL =
 * all. */
gboolean plan_make(const Run *run, Store *store, const char *last, GError **error);

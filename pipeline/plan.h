/* From the configuration and the slides to the jobs of a run. */
#pragma once
#include "db/store.h"
#include "pipeline/stage.h"

/* Makes the job table of the run folder describe what the configuration asks for; last: name of the last stage wanted, NULL = all. */
gboolean plan_make(const Run *run, Store *store, const char *last, GError **error);
/* The cohort that the plan was made for. */
Cohort *plan_cohort(Store *store, GError **error);

/* From the configuration and the slides to the jobs of a run. */
#pragma once
#include "db/store.h"
#include "pipeline/job/work.h"

/* Whether there is something to do for what is asked: FALSE with an error that says what to set when every slide that could be trained on, or
 * cut, is unknown or on another side. */
gboolean plan_check(const Run *run, const char *last, GError **error);
/* Makes the job table of the run folder describe what the configuration asks for; last: name of the last stage wanted, NULL = all. */
gboolean plan_make(const Run *run, Store *store, const char *last, GError **error);

/* Whether a run can be planned at all. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/run/plan.h"

/* FALSE with an error that says what to set when there is nothing to do, when an input of a later stage is missing, or when no slide could be
 * trained on or cut.  last: name of the last wanted stage, NULL = all. */
gboolean plan_check(const Run *run, const char *last, GError **error);

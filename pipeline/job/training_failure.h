/* Why a run that trains has no model. */
#pragma once
#include <glib.h>

/* "STAGE: REASON" of the job of the cohort that failed first on the way to the model: its patch set, its normal tiles, or the training itself.  NULL
 * when the run has a model, does not train, or has not got so far.  jobs: JobRow* (db/store.h).  Caller frees. */
char *training_failure(const GPtrArray *jobs);

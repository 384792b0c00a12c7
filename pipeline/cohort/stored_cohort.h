/* The cohort in the job table: the plan stores it, workers and commands read it. */
#pragma once
#include "db/store.h"
#include "pipeline/cohort/cohort.h"

gboolean stored_cohort_write(Store *store, const Cohort *cohort, GError **error);
/* The cohort that the run was planned with. */
Cohort *stored_cohort_read(Store *store, GError **error);

/* The cohort as text, and back: the same for every path and name.  Caller frees. */
char *stored_cohort_text(const Cohort *cohort);
Cohort *stored_cohort_parse(const char *text, GError **error);

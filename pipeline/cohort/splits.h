/* Who is trained on and who tests. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Sets split, fold and use of all slides by dataset.split, dataset.by, dataset.folds and the fractions; slides that are no longer of
 * their set go to cohort->unused. */
gboolean splits_assign(const Config *config, Cohort *cohort, GError **error);

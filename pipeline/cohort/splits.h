/* The splits: which slides are for training, validation and test. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Sets split, fold and use of all slides by dataset.split, dataset.by, dataset.folds and the fractions; slides that were withdrawn from
 * their data set go to cohort->unused. */
gboolean splits_assign(const Config *config, Cohort *cohort, GError **error);

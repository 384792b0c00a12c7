/* Who is trained on and who tests. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Sets split, fold and use of all slides by dataset.split, dataset.by, dataset.folds and the fractions; slides that are no longer of
 * their set go to cohort->unused. */
gboolean splits_assign(const Config *config, Cohort *cohort, GError **error);

/* Where something of a slide is, for the check below.  Borrowed. */
typedef struct {
    const char *slide, *patient, *split;
    char fingerprint[65]; /* SlideInfo.fingerprint; "" = unknown */
} SplitContent;
/* FALSE with WSI_ERROR_INPUT when a patient, or a slide of the same content under another name, is in two splits (array of
 * SplitContent). */
gboolean splits_check_leak(const GArray *contents, GError **error);

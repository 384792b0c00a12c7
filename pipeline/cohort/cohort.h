/* The slides of a run, and the files that it does not use. */
#pragma once
#include "pipeline/cohort/slide_entry.h"
#include "pipeline/cohort/unused_files.h"

typedef struct {
    GPtrArray *slides; /* SlideEntry*, sorted by id, owned */
    GPtrArray *unused; /* Unused*, in a fixed order, owned */
} Cohort;

/* Without slides and without unused files. */
Cohort *cohort_new(void);
void cohort_free(Cohort *cohort);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cohort, cohort_free)
/* Whether any slide (SlideEntry*) has a patient other than its id.  If none has, no patients were given and each slide counts as one. */
gboolean cohort_names_patients(const GPtrArray *slides);

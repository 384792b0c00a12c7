/* From the configuration to the slides of a run: which files, patients, splits, labels and annotations. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Reads slides.folder, slides.pattern, slides.manifest and slides.annotations; without any of them the cohort has no slides.
 *
 * A slide with an annotation is annotated.  For a slide without one, the manifest's column `label` decides, then slides.unannotated.  When
 * that is auto, the slide is normal if no source of labels is given (neither slides.annotations nor a column annotation or label),
 * and unknown otherwise.  A slide is also unknown when a file next to it may be its annotation and no key names that file.
 * Names match without regard to case.  splits.h describes the splits: the manifest's, an official one, or assigned by patient or centre.
 * The supervisor reads the cohort once per run; workers use stored_cohort_read. */
Cohort *cohort_read(const Config *config, GError **error);

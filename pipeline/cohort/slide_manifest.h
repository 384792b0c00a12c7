/* slides.manifest: a CSV with one row per slide. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Adds the slides of the manifest; *labelled: whether it has a column of annotations or labels. */
gboolean slide_manifest_read(const Config *config, Cohort *cohort, gboolean *labelled, GError **error);

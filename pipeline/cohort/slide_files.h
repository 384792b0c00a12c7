/* Which files of slides.folder are slides. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* Adds the slides of slides.folder that match slides.pattern.  Other files go to cohort->unused: also masks, recognised by their name, and files
 * that are not slides by their content, unless their suffix is one of slides or the pattern names it. */
gboolean slide_files_add(const Config *config, Cohort *cohort, GError **error);
/* With a manifest: files of slides.folder that match slides.pattern and that the manifest does not name go to cohort->unused. */
gboolean slide_files_list_unnamed(const Config *config, Cohort *cohort, GError **error);

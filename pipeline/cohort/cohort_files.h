/* Which files of folders are slides and which are annotations: the parts of cohort_read that look at disks. */
#pragma once
#include "pipeline/cohort/cohort.h"

SlideEntry *slide_entry_new(const Config *config, const char *path);
void slide_entry_free(SlideEntry *entry);

/* The slides of slides.folder that match slides.pattern; what else is in the folder goes to cohort->unused.  So do masks by
 * their name, and files that are no slides by their content when neither their suffix is one of slides nor the pattern names it. */
gboolean cohort_list_folder(const Config *config, Cohort *cohort, GError **error);
/* With a manifest: files of slides.folder that match slides.pattern and that the manifest does not name go to cohort->unused. */
gboolean cohort_list_rest(const Config *config, Cohort *cohort, GError **error);
/* Gives slides without annotation the file of slides.annotations that has their name; files that fit none go to cohort->unused.
 * beside: set of the slides (SlideEntry*) next to which, or in a folder beside them, a file lies that may be
 * their annotation or mask, though no key names it. */
gboolean cohort_find_annotations(const Config *config, Cohort *cohort, GHashTable *beside, GError **error);

/* Rows of slides.manifest; *labelled: it has a column of annotations or labels. */
gboolean cohort_read_manifest(const Config *config, Cohort *cohort, gboolean *labelled, GError **error);

/* Which file is the annotation of which slide. */
#pragma once
#include "pipeline/cohort/cohort.h"

/* The table that the review page writes beside its outlines.  It says the same, so it is no unused file. */
#define REVIEW_TABLE "review.csv"

/* Gives slides without annotation the file of slides.annotations that has their name; files that match no slide go to cohort->unused.
 * unread: receives the slides (SlideEntry*) that have, in their folder or in a folder next to them, a file that may be their annotation or
 * mask and that no key names. */
gboolean annotation_files_assign(const Config *config, Cohort *cohort, GHashTable *unread, GError **error);

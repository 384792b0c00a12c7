/* Records: what stages wrote of slides and of the cohort for later stages and for people, as JSON.
 *
 * The job table says which there are.  One that is in the table and cannot be read is an error, never an empty record: a slide without
 * a fingerprint would pass the check for leaks, and warnings would be gone. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct Records Records;

/* Reads the records among the artefacts (JobInput*) of the run in `folder`.  NULL with error when one cannot be read. */
Records *records_read(const char *folder, const GPtrArray *artefacts, GError **error);
/* What `stage` wrote as `name` of a slide or of the cohort; NULL when it wrote none, or when `records` is NULL.  Owned by `records`; may be
 * called by any thread. */
json_t *records_get(const Records *records, const char *stage, const char *unit, const char *name);
void records_free(Records *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Records, records_free)

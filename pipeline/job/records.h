/* Records: JSON files that stages wrote for later stages and for people.
 *
 * The job table says which records exist.  A record in the table that cannot be read is an error, never an empty record: a slide without
 * a fingerprint would pass the leak check, and warnings would be lost. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef struct Records Records;

/* Reads the records among the artefacts (JobInput*) of the run in `folder`.  NULL with error when one cannot be read. */
Records *records_read(const char *folder, const GPtrArray *artefacts, GError **error);
/* What `stage` published as `name` for the unit, a slide or the cohort; NULL when there is none, or when `records` is NULL.  Owned by
 * `records`; safe from any thread. */
json_t *records_get(const Records *records, const char *stage, const char *unit, const char *name);
void records_free(Records *records);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Records, records_free)

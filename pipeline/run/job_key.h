/* The part of a job's key that the plan makes: hashes over the configuration and over the files outside of the run.
 *
 * db/ adds the artefacts of the needed jobs to it.  A job with another key is done again. */
#pragma once
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"

typedef struct {
    char config_sha256[65]; /* of the configuration keys that the stage reads, and of its version */
    char input_sha256[65];  /* of what it reads from outside of the run */
} JobKey;

/* slide NULL: of the cohort.  FALSE with an error when the system does not say whether a file is there. */
gboolean job_key_make(const Run *run, const Stage *stage, const SlideEntry *slide, JobKey *key,
                      GError **error);

/* The progress of a run: one live line on a terminal, plain lines otherwise.
 *
 * The job table is the only source, so the supervisor and any other process that may read the table show the same. */
#pragma once
#include "db/store.h"
#include <stdio.h>

typedef struct Progress Progress;
typedef struct {
    FILE *out;
    gboolean terminal; /* whether to draw a live line */
    int workers; /* processes that share the work, for the time left; 0: as many as there are running jobs */
    gboolean
        elapsed; /* whether to show the time since progress_new: the supervisor knows it, others do not */
} ProgressSpec;
Progress *progress_new(const ProgressSpec *spec);
void progress_free(Progress *progress);
/* Prints what changed since the last call; rows: JobRow* as store_jobs returns them. */
void progress_update(Progress *progress, const GPtrArray *rows);
/* Ends the live line and prints the number of jobs that are done, failed and left. */
void progress_finish(Progress *progress, const GPtrArray *rows);

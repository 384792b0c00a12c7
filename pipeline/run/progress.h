/* The progress of a run on standard error: one live line on a terminal, plain lines otherwise. */
#pragma once
#include "db/store.h"

typedef struct Progress Progress;
/* terminal: whether to draw a live line.  workers: number of worker processes, for the estimate of the time left. */
Progress *progress_new(gboolean terminal, int workers);
void progress_free(Progress *progress);
/* Prints what changed since the last call; rows: JobRow* as store_jobs returns them. */
void progress_update(Progress *progress, const GPtrArray *rows);
/* Ends the live line and prints the number of jobs that are done, failed and left. */
void progress_finish(Progress *progress, const GPtrArray *rows);

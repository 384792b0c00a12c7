/* What a person sees of a run: one live line on a terminal, plain lines otherwise. Both go to standard error. */
#pragma once
#include "db/store.h"

typedef struct Progress Progress;
/* terminal: whether to draw a live line. workers: for the estimate of the time left. */
Progress *progress_new(gboolean terminal, int workers);
void progress_free(Progress *progress);
/* Tells what changed since the last call: rows as store_jobs gives them. */
void progress_update(Progress *progress, const GPtrArray *rows);
/* Ends the live line and prints one line a stage, and what failed with its reason. */
void progress_finish(Progress *progress, const GPtrArray *rows);

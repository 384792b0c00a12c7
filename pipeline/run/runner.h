/* A run: the folder, the supervisor and its worker processes. */
#pragma once
#include "pipeline/config/config.h"

typedef struct {
    int workers; /* processes; 0 = one a processor */
    int patience; /* seconds for which faults of the system are tried again before a job is parked or the run ends */
    const char *last; /* the stage to stop after; NULL = all */
} RunnerOptions;

/* Does everything that the configuration asks for in `folder`.  Resumes what was interrupted.  Returns an exit code; error is set for
 * EXIT_FAILED when there is a message. */
int runner_run(const Config *config, const char *folder, const RunnerOptions *options, GError **error);
/* Prints what such a run would do, and does nothing.  Returns the exit code that slides and annotations which cannot be read would give
 * it: every one is opened. */
int runner_dry_run(const Config *config, const char *folder, const char *last, GError **error);

/* A run: the folder, the supervisor and its worker processes. */
#pragma once
#include "pipeline/config/config.h"

typedef struct {
    int workers;  /* processes; 0 = one per processor */
    int patience; /* seconds of retries after faults of the system, before a job is parked or the run ends */
    const char *last; /* the stage to stop after; NULL = all */
} RunnerOptions;

/* Does everything that the configuration asks for in `folder`, and resumes an interrupted run.  Returns an exit code; with EXIT_FAILED, error may
 * be set. */
int runner_run(const Config *config, const char *folder, const RunnerOptions *options, GError **error);
/* Prints what such a run would do, and writes nothing.  Opens every slide and annotation, and returns the exit code that the run would have
 * because of those that cannot be read. */
int runner_dry_run(const Config *config, const char *folder, const char *last, GError **error);

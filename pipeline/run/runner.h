/* A run: the folder, the supervisor and its worker processes. */
#pragma once
#include "pipeline/run/crew.h"
#include "pipeline/run/stage.h"

/* Exit codes of the program. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTIAL = 3, EXIT_INTERRUPTED = 130 };

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
int runner_tell(const Config *config, const char *folder, const char *last, GError **error);
/* Main function of a worker process. */
int runner_worker(const WorkerSpec *spec, GError **error);

/* The lock that says a supervisor is at work in the folder; -1 with error when another one is. Close the descriptor to release. */
int runner_lock(const char *folder, GError **error);
/* Whether a supervisor holds that lock; TRUE, too, when that cannot be seen. */
gboolean runner_at_work(const char *folder);
/* The configuration stored with the run. */
Config *runner_stored_config(const char *folder, GError **error);

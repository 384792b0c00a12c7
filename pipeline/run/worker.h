/* A worker process. */
#pragma once
#include <glib.h>

/* Exit code of a worker, in addition to EXIT_DONE and EXIT_FAILED, when the system failed it (a full disk, a job table that cannot be read at the
 * moment): another worker may succeed later. */
enum { EXIT_TRY_AGAIN = 75 };

/* How a worker is started: the arguments of the hidden command `worker`. */
typedef struct {
    const char *folder, *owner;
    int threads;    /* processors for all workers together */
    int supervisor; /* process id */
    int patience;   /* seconds for which faults of the system are retried */
} WorkerSpec;

/* Main function of a worker process; returns its exit code. */
int worker_main(const WorkerSpec *spec, GError **error);

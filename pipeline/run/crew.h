/* The worker processes of a run, and the supervisor that watches them. */
#pragma once
#include "db/store.h"

/* What a worker process says by its exit code, besides EXIT_DONE and EXIT_FAILED: the system failed it (a full disk, a job table that
 * cannot be read for the moment), and another one may do better later. */
enum { EXIT_TRY_AGAIN = 75 };

/* How a worker is started: the arguments of the hidden command. */
typedef struct {
    const char *folder, *owner;
    int threads;    /* processors for all workers together */
    int supervisor; /* process id */
    int patience;   /* seconds for which faults of the system are tried again */
} WorkerSpec;

/* Starts `workers` processes and watches them until nothing is left to do.  FALSE with error when the run cannot go on; *interrupted
 * tells whether it was stopped by a signal. */
gboolean crew_work(Store *store, const char *folder, int workers, int patience, gboolean *interrupted,
                   GError **error);

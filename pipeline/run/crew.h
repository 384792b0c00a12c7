/* The worker processes of a run, and the supervisor that watches them. */
#pragma once
#include "db/store.h"

/* Starts `workers` processes and watches them until nothing is left to do.  FALSE with error when the run cannot go on; *interrupted
 * tells whether it was stopped by a signal. */
gboolean crew_work(Store *store, const char *folder, int workers, int patience, gboolean *interrupted,
                   GError **error);

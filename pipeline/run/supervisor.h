/* The supervisor of a run: starts worker processes and watches them. */
#pragma once
#include "db/store.h"

/* Starts `workers` processes and watches them until no job is left.  FALSE with error when the run cannot continue; *interrupted: whether a
 * signal stopped it. */
gboolean supervisor_run(Store *store, const char *folder, int workers, int patience, gboolean *interrupted,
                        GError **error);

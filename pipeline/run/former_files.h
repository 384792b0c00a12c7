/* Files that earlier versions published under names that no stage uses now. */
#pragma once
#include "db/store.h"

/* Removes those that this job published with another key, so a run that is continued has no result under two names.  Files that the job
 * table does not know stay.  Call it under the lease, when the job has published its files.  FALSE with error. */
gboolean former_files_remove(Store *store, const Job *job, const char *folder, GError **error);

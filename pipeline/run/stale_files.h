/* Published files that are still in the folder of a run and are not its results. */
#pragma once
#include "db/store.h"

/* "4 files of an earlier configuration, or of jobs that have failed since, ...: overlay.tif (3), mask.tif (1)"; "" when there are none.  Only files that exist count.
 * Caller frees; NULL with error. */
char *stale_files_text(Store *store, const char *folder, GError **error);

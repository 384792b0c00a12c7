/* The lock file that keeps a second supervisor out of a run's folder. */
#pragma once
#include <glib.h>

/* The lock of the folder as a descriptor, to be closed to release it; -1 with an error that names the process when another one has it. */
int run_lock_take(const char *folder, GError **error);
/* Whether a supervisor holds the lock; also TRUE when that cannot be determined. */
gboolean run_lock_is_held(const char *folder);

/* Locks of a run folder that the kernel drops when their holder dies: who may write to the job table now, and which
 * workers live.  And the check that the folder is on a disk where such locks and SQLite's shared memory work. */
#pragma once
#include <glib.h>

/* NULL when SQLite's WAL works on the file system of that statfs type, else the file system's name. */
const char *guard_refused(long file_system_type);

/* Checks the file system and opens DIRECTORY/wsiflow.lock (made when `create`).  Returns a descriptor, -1 on error. */
int guard_open(const char *directory, gboolean create, GError **error);
/* Waits until this descriptor alone holds the lock: in the kernel and for ever (seconds 0), or for so many seconds, by asking.  Every
 * write transaction, checkpoint, open and close of the job table happens inside. */
gboolean guard_lock(int guard, int seconds, GError **error);
void guard_unlock(int guard);

/* Takes DIRECTORY/workers/OWNER.lock for as long as the descriptor is open, and writes the process id into it.  -1 on error, or when
 * OWNER lives already. */
int guard_worker_begin(const char *directory, const char *owner, GError **error);
/* Gives it back and removes the file. */
void guard_worker_end(const char *directory, const char *owner, int descriptor);
/* Whether some process holds the lock of OWNER.  The lock file of a dead one is removed. */
gboolean guard_worker_alive(const char *directory, const char *owner);
/* Ends the workers that hold locks: they get `grace` seconds to end by themselves, then SIGKILL, then up to `patience` seconds until the
 * kernel has ended what they were in the middle of.  Whatever they did has happened when this returns TRUE.  FALSE with error when one still
 * lives, for example another user's. */
gboolean guard_end_workers(const char *directory, int grace, int patience, GError **error);
/* Removes the lock files of all dead workers. */
void guard_sweep(const char *directory);

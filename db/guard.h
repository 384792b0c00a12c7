/* File locks of a run folder, which the kernel drops when their holder dies: one decides who may write to the job table, the others show which
 * workers live.  And the check that the folder is on a file system where such locks and SQLite's shared memory work. */
#pragma once
#include <glib.h>

/* NULL when SQLite's WAL works on file systems of this statfs type, otherwise the file system's name. */
const char *guard_refused(long file_system_type);

/* Checks the file system and opens DIRECTORY/wsiflow.lock (creates it with `create`).  Returns a descriptor, -1 on error. */
int guard_open(const char *directory, gboolean create, GError **error);
/* Takes the lock for this descriptor alone.  seconds 0: waits in the kernel, for ever; otherwise polls for so many seconds.  Every write
 * transaction, checkpoint, open and close of the job table happens inside it. */
gboolean guard_lock(int guard, int seconds, GError **error);
void guard_unlock(int guard);

/* Takes DIRECTORY/workers/OWNER.lock for as long as the returned descriptor is open, and writes the process id into it.  -1 on error, or
 * when OWNER is already running. */
int guard_worker_begin(const char *directory, const char *owner, GError **error);
/* Whether a process holds the lock of OWNER.  Removes the lock file of a dead one. */
gboolean guard_worker_alive(const char *directory, const char *owner);
/* Ends the workers that hold locks.  They get `grace` seconds to end by themselves, then SIGKILL, then up to `patience` seconds for the
 * kernel to finish their system calls.  After TRUE they can no longer write to the disk.  FALSE with error when one still lives, for
 * example another user's. */
gboolean guard_end_workers(const char *directory, int grace, int patience, GError **error);
/* Removes the lock files of all dead workers. */
void guard_sweep(const char *directory);

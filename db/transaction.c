/* Write transactions of the job table.
 *
 * A transaction runs inside the guard lock, all of it or nothing, and leaves the table in a state that needs nothing else to happen: a
 * process may be killed between any two instructions.
 *
 * Contents of files are never read while the table is locked.  A transaction that needs a hash it does not have is rolled back, the
 * files are hashed, and it runs again (artefact_files.c). */
#include "db/store_private.h"
#include "db/guard.h"
#include "base/error.h"

enum {
    ROUNDS = 100
}; /* each round hashes every file that the round before found unknown, so one or two are normal */

double store_now(void)
{
    return (double)g_get_real_time() / 1e6;
}

/* One attempt: commits only when every hash that the work needed was known. */
static gboolean write_once(Store *store, StoreWork work, const void *data, GError **error)
{
    if (!guard_lock(store->guard, store->lock_seconds, error)) {
        return FALSE;
    }
    gboolean begun = sql_exec(store->sql, "BEGIN IMMEDIATE", error);
    gboolean ok = begun && work(store, data, error);
    gboolean commit = ok && store->unknown->len == 0;
    if (commit) {
        commit = ok = sql_exec(store->sql, "COMMIT", error);
    }
    if (begun && !commit) {
        sql_exec(store->sql, "ROLLBACK", NULL);
    }
    guard_unlock(store->guard);
    return ok;
}

gboolean store_write(Store *store, StoreWork work, const void *data, GError **error)
{
    for (int round = 0; round < ROUNDS; round++) {
        g_ptr_array_set_size(store->unknown, 0);
        if (!write_once(store, work, data, error)) {
            return FALSE;
        }
        if (store->unknown->len == 0) {
            return TRUE;
        }
        artefact_files_hash(store);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_IO,
                "%s: the files of the run keep changing while they are checked", store->directory);
    return FALSE;
}

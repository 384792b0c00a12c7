/* Opening and closing a job table.
 *
 * Opening, closing and checkpoints happen inside the guard lock, as every write transaction does (guard.h says why).  The integrity check
 * reads every page, so it runs after the lock is free. */
#include "db/store_private.h"
#include "db/guard.h"
#include "base/durable.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <unistd.h>

static void close_worker(gpointer descriptor)
{
    close(GPOINTER_TO_INT(descriptor));
}

/* Opens the file and the schema inside the guard. */
static gboolean open_inside(Store *store, int flags, GError **error)
{
    /* SQLite treats names such as ":memory:" and "file:x" specially; an absolute path never starts like one. */
    g_autofree char *absolute =
        g_canonicalize_filename(store->snapshot ? store->snapshot : store->directory, NULL);
    g_autofree char *path = g_build_filename(absolute, "wsiflow.db", NULL);
    if (!guard_lock(store->guard, store->lock_seconds, error)) {
        return FALSE;
    }
    store->sql = sql_open(path, flags, error);
    gboolean ok = store->sql && schema_open(store->sql, (flags & SQLITE_OPEN_CREATE) != 0, error);
    GStatBuf table;
    if (ok && g_stat(path, &table) == 0) {
        store->table.device = table.st_dev;
        store->table.inode = table.st_ino;
    }
    guard_unlock(store->guard);
    return ok && schema_check(store->sql, error);
}

/* SQLITE_OPEN_CREATE in the flags means a writer; a reader without permission gets a copy. */
static Store *open_store(const char *directory, int flags, GError **error)
{
    int guard = guard_open(directory, (flags & SQLITE_OPEN_CREATE) != 0, error);
    if (guard < 0) {
        return NULL;
    }
    g_autoptr(Store) store = g_new0(Store, 1);
    store->directory = g_strdup(directory);
    store->guard = guard;
    store->lock_seconds = flags & SQLITE_OPEN_CREATE ? 0 : STORE_WAIT;
    store->workers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_worker);
    store->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    store->unknown = g_ptr_array_new_with_free_func(g_free);
    gboolean copied = !(flags & SQLITE_OPEN_CREATE) && snapshot_needed(directory);
    store->snapshot = copied ? snapshot_make(directory, guard, store->lock_seconds, error) : NULL;
    return (!copied || store->snapshot) && open_inside(store, flags, error) ? g_steal_pointer(&store) : NULL;
}

Store *store_open(const char *directory, GError **error)
{
    return durable_folder(directory, error)
               ? open_store(directory, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error)
               : NULL;
}

Store *store_open_existing(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "wsiflow.db", NULL);
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a run folder: it has no wsiflow.db",
                    directory);
        return NULL;
    }
    return open_store(directory, SQLITE_OPEN_READWRITE, error);
}

void store_bound_wait(Store *store, int seconds)
{
    store->lock_seconds = seconds;
}

gboolean store_in_place(const Store *store, GError **error)
{
    g_autofree char *path = g_build_filename(store->directory, "wsiflow.db", NULL);
    GStatBuf now;
    if (g_stat(path, &now) == 0 && now.st_dev == store->table.device && now.st_ino == store->table.inode) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_LOST, "%s was replaced, moved or removed since it was opened",
                store->directory);
    return FALSE;
}

void store_free(Store *store)
{
    if (!store) {
        return;
    }
    /* The last connection to close writes the WAL back: a checkpoint, so inside the guard. */
    gboolean locked = guard_lock(store->guard, store->lock_seconds, NULL);
    sql_close(store->sql);
    if (locked) {
        guard_unlock(store->guard);
    }
    g_hash_table_unref(store->workers);
    g_hash_table_unref(store->known);
    g_ptr_array_unref(store->unknown);
    close(store->guard);
    if (store->snapshot) {
        snapshot_remove(store->snapshot);
    }
    g_free(store->snapshot);
    g_free(store->directory);
    g_free(store);
}

char *db_versions(void)
{
    return g_strdup_printf("SQLite %s (WAL, writers serialised by flock)", sqlite3_libversion());
}

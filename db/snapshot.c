/* The job table for a reader without write permission.
 *
 * SQLite writes even when it only reads: processes share memory through a file next to the table, which also locates changes that are not
 * yet in the table itself.  A reader that may not write there (no permission, a read-only disk) gets a copy of table and journal in a
 * temporary folder.  The copy is made under the guard lock, which needs no write permission, so it shows one moment of the table. */
#include "db/store_private.h"
#include "db/guard.h"
#include "base/error.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

static const char *const files[] = {"wsiflow.db", "wsiflow.db-wal"};

gboolean snapshot_needed(const char *directory)
{
    g_autofree char *table = g_build_filename(directory, files[0], NULL);
    return access(directory, W_OK) != 0 || access(table, W_OK) != 0;
}

/* Copies a file; with may_miss a missing one is not an error. */
static gboolean copy(const char *from, const char *to, gboolean may_miss, GError **error)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) why = NULL;
    gsize bytes;
    if (!g_file_get_contents(from, &data, &bytes, &why)) {
        return (may_miss && g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) ||
               wsi_error_glib(error, why);
    }
    return g_file_set_contents(to, data, (gssize)bytes, &why) || wsi_error_glib(error, why);
}

char *snapshot_make(const char *directory, int guard, int lock_seconds, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *folder = g_dir_make_tmp("wsiflow-XXXXXX", &why);
    if (!folder) {
        wsi_error_glib(error, why);
        return NULL;
    }
    gboolean ok = guard_lock(guard, lock_seconds, error);
    for (size_t i = 0; ok && i < G_N_ELEMENTS(files); i++) {
        g_autofree char *from = g_build_filename(directory, files[i], NULL);
        g_autofree char *to = g_build_filename(folder, files[i], NULL);
        ok = copy(from, to, i > 0, error);
    }
    guard_unlock(guard);
    if (!ok) {
        snapshot_remove(folder);
    }
    return ok ? g_steal_pointer(&folder) : NULL;
}

void snapshot_remove(const char *folder)
{
    static const char *const all[] = {"wsiflow.db", "wsiflow.db-wal", "wsiflow.db-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autofree char *path = g_build_filename(folder, all[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
}

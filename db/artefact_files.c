/* Whether the files of an earlier result are still in place.
 *
 * Stages overwrite their files in place.  While the paths hold what this very key wrote, the size shows whether somebody removed or
 * truncated a file.  Once another key has used the paths, only the content shows it, and hashing can take minutes: too long to keep the job
 * table locked.  So a transaction that needs a hash it does not have notes the path, goes on as if the file were intact (to find all other
 * paths that it needs), is rolled back, and runs again with the hashes (transaction.c).  A hash counts only while size, time and inode of
 * the file stay the same. */
#include "db/store_private.h"
#include "base/durable.h"
#include "base/pool.h"
#include <sys/stat.h>

typedef struct {
    struct stat seen; /* when it was hashed */
    char sha256[65];  /* "" when it could not be read */
} KnownFile;

/* Whether a file is still the one that was hashed. */
static gboolean unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whether one artefact is in place, as far as that is known without reading it. */
static gboolean file_intact(Store *store, const char *name, const char *sha256, int64_t bytes,
                            gboolean present)
{
    g_autofree char *path = g_build_filename(store->directory, name, NULL);
    struct stat now;
    if (stat(path, &now) != 0 || !S_ISREG(now.st_mode) || now.st_size != bytes) {
        return FALSE;
    }
    if (present) {
        return TRUE;
    }
    const KnownFile *known = g_hash_table_lookup(store->known, path);
    if (known && unchanged(&known->seen, &now)) {
        return g_str_equal(known->sha256, sha256);
    }
    g_ptr_array_add(store->unknown, g_steal_pointer(&path));
    return TRUE;
}

gboolean artefact_files_intact(Store *store, int64_t job, const char *key, gboolean present, gboolean *intact,
                               GError **error)
{
    sqlite3_stmt *rows = sql_query(
        store->sql, error, "SELECT path, sha256, bytes FROM artefact WHERE job = ? AND key = ? ORDER BY name",
        "ls", job, key);
    int more = rows ? sql_step(rows, error) : -1;
    *intact = TRUE;
    while (more > 0 && *intact) {
        *intact =
            file_intact(store, (const char *)sqlite3_column_text(rows, 0),
                        (const char *)sqlite3_column_text(rows, 1), sqlite3_column_int64(rows, 2), present);
        more = *intact ? sql_step(rows, error) : more;
    }
    if (more > 0) {
        sql_end(rows);
    }
    return more >= 0;
}

typedef struct {
    const GPtrArray *paths;
    KnownFile *known;
} Hashing;

/* A file that cannot be read gets the hash "", which no artefact has. */
static gboolean hash_one(int64_t index, int worker, void *data, GError **error)
{
    Hashing *hashing = data;
    const char *path = hashing->paths->pdata[index];
    KnownFile *known = &hashing->known[index];
    if (stat(path, &known->seen) != 0 || !durable_hash_file(path, known->sha256, NULL, NULL)) {
        known->sha256[0] = 0;
    }
    return TRUE;
}

void artefact_files_hash(Store *store)
{
    GPtrArray *paths = store->unknown;
    Hashing hashing = {paths, g_new0(KnownFile, paths->len)};
    pool_run(pool_processors(), FALSE, paths->len, hash_one, &hashing, NULL);
    for (guint i = 0; i < paths->len; i++) {
        g_hash_table_insert(store->known, g_strdup(paths->pdata[i]),
                            g_memdup2(&hashing.known[i], sizeof(KnownFile)));
    }
    g_free(hashing.known);
    g_ptr_array_set_size(paths, 0);
}

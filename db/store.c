/* Opening a job table, and what a worker does with it: claim, beat, finish (how attempts end badly: attempt_end.c).
 *
 * Every change is one transaction inside the guard lock, and leaves the table in a state that needs nothing else to
 * happen: a process may be killed between any two instructions.
 *
 * The token of a lease is (job, attempt) of a job that is 'leased'.  The attempt number only grows, so no two leases
 * ever had the same one, and every statement of a worker carries it: a worker that was given up cannot
 * finish, fail or even report progress, nor give a file its final name (store_lease_hold).  A worker also holds a lock for as long as it lives (db/guard.c); the
 * deadline of the lease is only for those that live but do nothing. */
#include "db/internal.h"
#include "db/guard.h"
#include "base/durable.h"
#include "base/error.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOOK_GAP (2 * (int64_t)G_USEC_PER_SEC) /* idle workers ask twenty times a second */
#define GRACE_SECONDS 3 /* a worker that was asked to end does so at its next safe place */

double store_now(void)
{
    return (double)g_get_real_time() / 1e6;
}

/* ---- life of a Store ---- */

static void close_worker(gpointer descriptor)
{
    close(GPOINTER_TO_INT(descriptor));
}

static gboolean open_inside(Store *store, int flags, GError **error)
{
    /* An absolute path: SQLite gives names such as ":memory:" and "file:x" a meaning. */
    g_autofree char *absolute =
        g_canonicalize_filename(store->snapshot ? store->snapshot : store->directory, NULL);
    g_autofree char *path = g_build_filename(absolute, "wsiflow.db", NULL);
    if (!guard_lock(store->guard, store->lock_seconds, error)) {
        return FALSE;
    }
    store->sql = sql_open(path, flags, error);
    gboolean ok = store->sql && schema_open(store->sql, (flags & SQLITE_OPEN_CREATE) != 0, error);
    guard_unlock(store->guard);
    return ok && schema_check(store->sql, error);
}

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
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s holds no run: there is no wsiflow.db", directory);
        return NULL;
    }
    return open_store(directory, SQLITE_OPEN_READWRITE, error);
}

void store_bound_wait(Store *store, int seconds)
{
    store->lock_seconds = seconds;
}

void store_free(Store *store)
{
    if (!store) {
        return;
    }
    /* The last one to close writes the WAL back: inside the guard like every checkpoint. */
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

/* ---- transactions ---- */

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
    for (int round = 0; round < 100; round++) {
        g_ptr_array_set_size(store->unknown, 0);
        if (!write_once(store, work, data, error)) {
            return FALSE;
        }
        if (store->unknown->len == 0) {
            return TRUE;
        }
        files_learn(store);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s: the files of the run change while they are checked",
                store->directory);
    return FALSE;
}

/* ---- leases ---- */

gboolean store_end_workers(const char *directory, int patience, GError **error)
{
    return guard_end_workers(directory, GRACE_SECONDS, patience, error);
}

gboolean store_worker_begin(Store *store, const char *owner, GError **error)
{
    if (g_hash_table_contains(store->workers, owner)) {
        return TRUE;
    }
    int descriptor = guard_worker_begin(store->directory, owner, error);
    if (descriptor >= 0) {
        g_hash_table_insert(store->workers, g_strdup(owner), GINT_TO_POINTER(descriptor));
    }
    return descriptor >= 0;
}

void store_worker_end(Store *store, const char *owner)
{
    if (g_hash_table_remove(store->workers, owner)) {
        guard_worker_alive(store->directory, owner); /* removes the file of what is now a dead worker */
    }
}

gboolean store_end_attempt(Store *store, int64_t job, int attempt, const char *outcome, const char *message,
                           gboolean parks, GError **error)
{
    return sql_run(store->sql, error,
                   "UPDATE attempt SET outcome = ?3, message = ?4, parks = ?5, ended = ?6"
                   " WHERE job = ?1 AND attempt = ?2 AND outcome IS NULL",
                   "lissid", job, attempt, outcome, message, (int)parks, store_now()) >= 0;
}

gboolean store_still_ours(int changed, const Job *job, GError **error)
{
    if (changed == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST,
                    "the lease of %s of %s (attempt %d) was given to somebody else", job->stage, job->unit,
                    job->attempt);
    }
    return changed > 0;
}

typedef struct {
    const char *owner;
    int lease_seconds;
    Job **job;
} Claim;

static gboolean claim_one(Store *store, const void *data, GError **error)
{
    const Claim *claim = data;
    int64_t now = g_get_monotonic_time(), deadline = now + (int64_t)claim->lease_seconds * G_USEC_PER_SEC;
    sqlite3_stmt *query = sql_query(
        store->sql, error,
        "UPDATE job SET state = 'leased', attempt = attempt + 1, owner = ?1, deadline = ?2, holds = NULL,"
        " done = 0, total = 0, what = NULL"
        " WHERE id = (SELECT id FROM job WHERE state = 'ready' AND run_after <= ?3"
        "             ORDER BY priority, position LIMIT 1)"
        " RETURNING id, stage, unit, key, attempt",
        "sll", claim->owner, deadline, now);
    int more = query ? sql_step(query, error) : -1;
    g_autoptr(Job) job = NULL;
    if (more > 0) {
        job = g_new(Job, 1);
        *job = (Job){sqlite3_column_int64(query, 0), sql_text(query, 1), sql_text(query, 2),
                     sql_text(query, 3), sqlite3_column_int(query, 4)};
        more = sql_step(query, error); /* the change is made only when the statement has run to its end */
    }
    if (more < 0 ||
        (job && sql_run(store->sql, error,
                        "INSERT INTO attempt(job, attempt, key, owner, started) VALUES(?, ?, ?, ?, ?)",
                        "lissd", job->id, job->attempt, job->key, claim->owner, store_now()) < 0)) {
        return FALSE;
    }
    job_free(*claim->job);
    *claim->job = g_steal_pointer(&job);
    return TRUE;
}

void store_set_grace(Store *store, int seconds)
{
    store->watch.grace = (int64_t)seconds * G_USEC_PER_SEC;
}

/* Whether this process may say that another gave no sign of life: who was asleep itself cannot know. */
static gboolean may_validate(Store *store)
{
    int64_t now = g_get_monotonic_time();
    if (store->watch.last == 0 || now - store->watch.last > LOOK_GAP) {
        store->watch.since = now;
    }
    store->watch.last = now;
    return now - store->watch.since >= store->watch.grace;
}

Job *store_claim(Store *store, const char *owner, int lease_seconds, GError **error)
{
    /* Idle workers ask often: a look without lock tells them that there is nothing. */
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT EXISTS(SELECT 1 FROM job WHERE state = 'ready' AND run_after <= ?1),"
                  " EXISTS(SELECT 1 FROM job WHERE state = 'leased' AND deadline < ?1)",
                  "l", g_get_monotonic_time());
    if (!query || sql_step(query, error) != 1) {
        return NULL;
    }
    gboolean ready = sqlite3_column_int(query, 0), expired = sqlite3_column_int(query, 1);
    sql_end(query);
    expired = may_validate(store) && expired;
    if ((!ready && !expired) || !store_worker_begin(store, owner, error) ||
        (expired && !store_write(store, store_crash_expired, NULL, error))) {
        return NULL;
    }
    g_autoptr(Job) job = NULL;
    return store_write(store, claim_one, &(Claim){owner, lease_seconds, &job}, error) ? g_steal_pointer(&job)
                                                                                      : NULL;
}

/* What a worker says about its job; each kind of message uses its part. */
typedef struct {
    const Job *job;
    const GPtrArray *artefacts;
    int lease_seconds;
    int64_t done, total;
    const char *what;
} Report;

static gboolean beat(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    return store_still_ours(
        sql_run(store->sql, error,
                "UPDATE job SET deadline = ?3 WHERE id = ?1 AND attempt = ?2 AND state = 'leased'", "lil",
                report->job->id, report->job->attempt,
                g_get_monotonic_time() + (int64_t)report->lease_seconds * G_USEC_PER_SEC),
        report->job, error);
}

gboolean store_heartbeat(Store *store, const Job *job, int lease_seconds, GError **error)
{
    return store_write(store, beat, &(Report){.job = job, .lease_seconds = lease_seconds}, error);
}

gboolean store_lease_hold(Store *store, const Job *job, GError **error)
{
    if (!guard_lock(store->guard, store->lock_seconds, error)) {
        return FALSE;
    }
    sqlite3_stmt *query =
        sql_query(store->sql, error, "SELECT 1 FROM job WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                  "li", job->id, job->attempt);
    int found = query ? sql_step(query, error) : -1;
    if (found > 0) {
        sql_end(query);
    }
    if (found < 0 || !store_still_ours(found, job, error)) {
        guard_unlock(store->guard);
        return FALSE;
    }
    return TRUE;
}

void store_lease_release(Store *store)
{
    guard_unlock(store->guard);
}

static gboolean note_progress(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    return store_still_ours(sql_run(store->sql, error,
                                    "UPDATE job SET done = ?3, total = ?4, what = ?5"
                                    " WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                                    "lills", report->job->id, report->job->attempt, report->done,
                                    report->total, report->what),
                            report->job, error);
}

gboolean store_progress(Store *store, const Job *job, int64_t done, int64_t total, const char *what,
                        GError **error)
{
    return store_write(store, note_progress,
                       &(Report){.job = job, .done = done, .total = total, .what = what}, error);
}

/* An artefact lies inside of the run folder. */
static gboolean check_path(const Artefact *artefact, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(artefact->path, "/", -1);
    gboolean inside = artefact->path[0] && !g_path_is_absolute(artefact->path) &&
                      !g_strv_contains((const char *const *)parts, "..");
    if (!inside) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "the artefact \"%s\" is not inside of the run folder", artefact->path);
    }
    return inside;
}

static gboolean record(Store *store, const Job *job, const GPtrArray *artefacts, GError **error)
{
    if (sql_run(store->sql, error, "DELETE FROM artefact WHERE job = ? AND key = ?", "ls", job->id,
                job->key) < 0) {
        return FALSE;
    }
    for (guint i = 0; artefacts && i < artefacts->len; i++) {
        const Artefact *a = artefacts->pdata[i];
        if (!check_path(a, error) ||
            sql_run(store->sql, error,
                    "INSERT INTO artefact(job, key, name, path, sha256, bytes) VALUES(?, ?, ?, ?, ?, ?)",
                    "lssssl", job->id, job->key, a->name, a->path, a->sha256, a->bytes) < 0) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean finish(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    const Job *job = report->job;
    int changed =
        sql_run(store->sql, error,
                "UPDATE job SET state = 'done', holds = key, owner = NULL, deadline = NULL, error = NULL,"
                " stalls = 0, stalled_at = 0"
                " WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                "li", job->id, job->attempt);
    return store_still_ours(changed, job, error) && record(store, job, report->artefacts, error) &&
           store_end_attempt(store, job->id, job->attempt, "done", NULL, FALSE, error) &&
           resolve_dependants(store, job->id, error);
}

gboolean store_finish(Store *store, const Job *job, const GPtrArray *artefacts, GError **error)
{
    return store_write(store, finish, &(Report){.job = job, .artefacts = artefacts}, error);
}

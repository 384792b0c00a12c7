/* Leases: claiming a job, signs of life, and proof that the job is still ours.  How attempts end: attempt_end.c.
 *
 * A worker also holds a file lock for as long as it lives (guard.h), so its death is seen at once.  The deadline of a lease is only for
 * workers that live but hang. */
#include "db/store_private.h"
#include "db/guard.h"

#define GRACE_SECONDS 3 /* a worker that is asked to end does so at its next safe point */
#define CLAIM_GAP (2 * (int64_t)G_USEC_PER_SEC) /* idle workers ask twenty times a second */

/* ---- the worker's own lock ---- */

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
        guard_worker_alive(store->directory, owner); /* the lock is free now, so this removes its file */
    }
}

/* ---- claiming ---- */

typedef struct {
    const char *owner;
    int lease_seconds;
    Job **job;
} Claim;

/* Takes the ready job that comes first and records the attempt. */
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
        /* The change takes effect only when the statement has run to its end. */
        more = sql_step(query, error);
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

/* Whether this process may conclude that another gave no sign of life.  A process that was suspended itself cannot know: it counts only
 * the time for which it has been asking without a gap. */
static gboolean may_expire(Store *store)
{
    int64_t now = g_get_monotonic_time();
    if (store->watch.last == 0 || now - store->watch.last > CLAIM_GAP) {
        store->watch.since = now;
    }
    store->watch.last = now;
    return now - store->watch.since >= store->watch.grace;
}

Job *store_claim(Store *store, const char *owner, int lease_seconds, GError **error)
{
    /* Idle workers ask often, so they look without the lock first and take it only when there is something to do. */
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
    expired = may_expire(store) && expired;
    if ((!ready && !expired) || !store_worker_begin(store, owner, error) ||
        (expired && !store_write(store, attempt_crash_expired, NULL, error))) {
        return NULL;
    }
    g_autoptr(Job) job = NULL;
    return store_write(store, claim_one, &(Claim){owner, lease_seconds, &job}, error) ? g_steal_pointer(&job)
                                                                                      : NULL;
}

/* ---- while the job runs ---- */

/* What a worker reports about its job; heartbeat and progress each use their part. */
typedef struct {
    const Job *job;
    int lease_seconds;
    int64_t done, total;
    const char *what;
} Report;

static gboolean extend_lease(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    return attempt_check_lease(
        sql_run(store->sql, error,
                "UPDATE job SET deadline = ?3 WHERE id = ?1 AND attempt = ?2 AND state = 'leased'", "lil",
                report->job->id, report->job->attempt,
                g_get_monotonic_time() + (int64_t)report->lease_seconds * G_USEC_PER_SEC),
        report->job, error);
}

gboolean store_heartbeat(Store *store, const Job *job, int lease_seconds, GError **error)
{
    return store_write(store, extend_lease, &(Report){.job = job, .lease_seconds = lease_seconds}, error);
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
    if (found < 0 || !attempt_check_lease(found, job, error)) {
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
    return attempt_check_lease(sql_run(store->sql, error,
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

/* How attempts end: finished, failed, crashed, stalled, given back.
 *
 * Finishing a job, recording its artefacts and moving on the jobs that need it are one transaction.
 *
 * A failure parks the job at once, a crash after MAX_CRASHES.  A stall does not count: the system failed (a network disk is away, no
 * descriptors or memory are left), which says nothing about the job.  It is tried again after a wait that doubles from two seconds to five
 * minutes, and is parked only when it has stalled for longer than its worker's patience.  The wait varies at random by a quarter, so that
 * jobs that stalled together do not come back together. */
#include "db/store_private.h"
#include "db/guard.h"
#include "base/error.h"
#include "base/rng.h"
#include <string.h>

#define MAX_CRASHES 3
#define MAX_MESSAGE 4000
#define FIRST_WAIT 2.0
#define LONGEST_WAIT 300.0

/* ---- with a result ---- */

/* Artefacts are inside the run folder. */
static gboolean check_path(const Artefact *artefact, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(artefact->path, "/", -1);
    gboolean inside = artefact->path[0] && !g_path_is_absolute(artefact->path) &&
                      !g_strv_contains((const char *const *)parts, "..");
    if (!inside) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "the artefact \"%s\" is outside the run folder",
                    artefact->path);
    }
    return inside;
}

/* Replaces the artefacts that are recorded for this key. */
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

typedef struct {
    const Job *job;
    const GPtrArray *artefacts;
} Result;

/* The lease is checked by the first statement, so an attempt that lost it changes nothing. */
static gboolean finish(Store *store, const void *data, GError **error)
{
    const Result *result = data;
    const Job *job = result->job;
    int changed =
        sql_run(store->sql, error,
                "UPDATE job SET state = 'done', holds = key, owner = NULL, deadline = NULL, error = NULL,"
                " stalls = 0, stalled_at = 0"
                " WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                "li", job->id, job->attempt);
    return attempt_check_lease(changed, job, error) && record(store, job, result->artefacts, error) &&
           attempt_close(store, job->id, job->attempt, "done", NULL, FALSE, error) &&
           resolve_dependants(store, job->id, error);
}

gboolean store_finish(Store *store, const Job *job, const GPtrArray *artefacts, GError **error)
{
    return store_write(store, finish, &(Result){job, artefacts}, error);
}

/* ---- without a result ---- */

typedef struct {
    const char *outcome, *message;
} Ending;

/* Ends an attempt without a result: the job becomes ready again, or parked when it has used up its chances. */
static gboolean end_badly(Store *store, int64_t id, int attempt, const Ending *ending, GError **error)
{
    gboolean crash = g_str_equal(ending->outcome, "crashed");
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "UPDATE job SET owner = NULL, deadline = NULL, error = ?2, failures = failures + ?3, "
                  "crashes = crashes + ?4, stalls = 0, stalled_at = 0,"
                  " state = iif(?3 OR crashes + ?4 >= ?5, 'parked', 'ready'), run_after = 0"
                  " WHERE id = ?1 RETURNING state = 'parked'",
                  "lsiii", id, ending->message, (int)!crash, (int)crash, MAX_CRASHES);
    int more = query ? sql_step(query, error) : -1;
    gboolean parked = more > 0 && sqlite3_column_int(query, 0);
    while (more > 0) {
        more = sql_step(query, error);
    }
    return more == 0 && attempt_close(store, id, attempt, ending->outcome, ending->message, parked, error) &&
           (!parked || resolve_dependants(store, id, error));
}

typedef struct {
    int64_t id;
    int attempt;
} Lease;

/* The leases that a query of (id, attempt) returns: array of Lease; NULL with error. */
static GArray *leases(sqlite3_stmt *query, GError **error)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Lease));
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        Lease lease = {sqlite3_column_int64(query, 0), sqlite3_column_int(query, 1)};
        g_array_append_val(found, lease);
    }
    return more < 0 ? NULL : g_steal_pointer(&found);
}

/* Counts a crash for each of these leases. */
static gboolean crash_all(Store *store, GArray *found, const char *message, GError **error)
{
    const Ending ending = {"crashed", message};
    for (guint i = 0; found && i < found->len; i++) {
        const Lease *lease = &g_array_index(found, Lease, i);
        if (!end_badly(store, lease->id, lease->attempt, &ending, error)) {
            return FALSE;
        }
    }
    return found != NULL;
}

gboolean attempt_crash_expired(Store *store, const void *data, GError **error)
{
    sqlite3_stmt *query =
        sql_query(store->sql, error, "SELECT id, attempt FROM job WHERE state = 'leased' AND deadline < ?",
                  "l", g_get_monotonic_time());
    g_autoptr(GArray) found = leases(query, error);
    return crash_all(store, found, "the worker sent no heartbeat before its lease ran out", error);
}

/* A message that the table can hold: what a program prints last may be long and not UTF-8.  Caller frees. */
static char *shortened(const char *message)
{
    g_autofree char *valid = g_utf8_make_valid(message ? message : "", -1);
    g_strstrip(valid);
    gsize length = strlen(valid);
    const char *from = valid;
    while (length > MAX_MESSAGE) { /* the end is the informative part */
        const char *next = g_utf8_next_char(from);
        length -= (gsize)(next - from);
        from = next;
    }
    return g_strdup(from);
}

/* How a worker reports that its attempt ends without a result. */
typedef struct {
    const Job *job;
    const Ending *ending;
    int patience; /* of a stall, seconds; -1 = for ever */
} Report;

/* Setting the deadline checks the lease and changes nothing that matters. */
static gboolean fail(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    int changed = sql_run(store->sql, error,
                          "UPDATE job SET deadline = 0 WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                          "li", report->job->id, report->job->attempt);
    return attempt_check_lease(changed, report->job, error) &&
           end_badly(store, report->job->id, report->job->attempt, report->ending, error);
}

gboolean store_fail(Store *store, const Job *job, const char *message, GError **error)
{
    g_autofree char *text = shortened(message);
    const Ending ending = {"failed", text};
    return store_write(store, fail, &(Report){job, &ending, 0}, error);
}

/* 2 s, 4 s, 8 s ... 5 min, each +-25 %.  The random number is named by the job and its attempt, so it does not depend on who asks. */
static int64_t wait_us(const Job *job, int stalls)
{
    Rng chance = rng_at(rng_name(job->key), (uint64_t)job->id, (uint32_t)job->attempt);
    double seconds = MIN(FIRST_WAIT * (double)(1 << MIN(stalls, 16)), LONGEST_WAIT);
    return (int64_t)(seconds * (0.75 + 0.5 * rng_uniform(&chance)) * G_USEC_PER_SEC);
}

/* How often this job has stalled in a row, and since when (0 = it has not). */
static gboolean stalls_of(Store *store, const Job *job, int *stalls, int64_t *since, GError **error)
{
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT stalls, stalled_at FROM job WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                  "li", job->id, job->attempt);
    int found = query ? sql_step(query, error) : -1;
    if (found > 0) {
        *stalls = sqlite3_column_int(query, 0);
        *since = sqlite3_column_int64(query, 1);
        sql_end(query);
    }
    return found >= 0 && attempt_check_lease(found, job, error);
}

/* Ready again after a wait, or parked when the patience is over. */
static gboolean stall(Store *store, const void *data, GError **error)
{
    const Report *report = data;
    const Job *job = report->job;
    int64_t now = g_get_monotonic_time(), since = 0;
    int stalls = 0;
    if (!stalls_of(store, job, &stalls, &since, error)) {
        return FALSE;
    }
    since = stalls ? since : now;
    int64_t left = since + (int64_t)report->patience * G_USEC_PER_SEC - now, wait = wait_us(job, stalls);
    if (report->patience >= 0 && left <= 0) {
        return end_badly(store, job->id, job->attempt, report->ending, error);
    }
    wait = report->patience >= 0 ? MIN(wait, left) : wait;
    return sql_run(
               store->sql, error,
               "UPDATE job SET state = 'ready', owner = NULL, deadline = NULL, error = ?2, run_after = ?3,"
               " stalls = ?4, stalled_at = ?5 WHERE id = ?1",
               "lslil", job->id, report->ending->message, now + wait, stalls + 1, since) >= 0 &&
           attempt_close(store, job->id, job->attempt, "released", report->ending->message, FALSE, error);
}

gboolean store_stall(Store *store, const Job *job, const char *message, int patience, GError **error)
{
    g_autofree char *text = shortened(message);
    const Ending ending = {"failed", text};
    return store_write(store, stall, &(Report){job, &ending, patience}, error);
}

static gboolean release(Store *store, const void *data, GError **error)
{
    const Job *job = data;
    int changed = sql_run(store->sql, error,
                          "UPDATE job SET state = 'ready', owner = NULL, deadline = NULL"
                          " WHERE id = ?1 AND attempt = ?2 AND state = 'leased'",
                          "li", job->id, job->attempt);
    return attempt_check_lease(changed, job, error) &&
           attempt_close(store, job->id, job->attempt, "released", NULL, FALSE, error);
}

gboolean store_release(Store *store, const Job *job, GError **error)
{
    return store_write(store, release, job, error);
}

typedef struct {
    const char *owner, *words;
} Death;

static gboolean record_crash(Store *store, const void *data, GError **error)
{
    const Death *death = data;
    g_autoptr(GArray) found = leases(
        sql_query(store->sql, error, "SELECT id, attempt FROM job WHERE state = 'leased' AND owner = ?", "s",
                  death->owner),
        error);
    return crash_all(store, found, death->words, error);
}

gboolean store_worker_died(Store *store, const char *owner, const char *last_words, GError **error)
{
    g_autofree char *text = shortened(last_words);
    guard_worker_alive(store->directory, owner); /* removes the lock file of the dead worker */
    return store_write(store, record_crash,
                       &(Death){owner, text[0] ? text : "the worker died without an error message"}, error);
}

gboolean attempt_return_leases(Store *store, const char *owner, const char *why, GError **error)
{
    return sql_run(store->sql, error,
                   "UPDATE attempt SET outcome = 'lost', message = ?2, ended = ?3"
                   " WHERE outcome IS NULL AND (job, attempt) IN"
                   "       (SELECT id, attempt FROM job WHERE state = 'leased' AND owner = ?1)",
                   "ssd", owner, why, store_now()) >= 0 &&
           sql_run(store->sql, error,
                   "UPDATE job SET state = 'ready', owner = NULL, deadline = NULL"
                   " WHERE state = 'leased' AND owner = ?",
                   "s", owner) >= 0;
}

static gboolean give_back(Store *store, const void *data, GError **error)
{
    return attempt_return_leases(store, data, "the worker gave up", error);
}

gboolean store_worker_left(Store *store, const char *owner, GError **error)
{
    guard_worker_alive(store->directory, owner); /* removes its lock file */
    return store_write(store, give_back, owner, error);
}

/* Planning: makes the table describe the jobs that are wanted now, and lets resolve_all derive their states.
 *
 * Nothing is thrown away.  A job that is no longer wanted stays as 'gone' with its attempts and artefacts.  When it is wanted again under the
 * same key and its files are in place, it is done at once. */
#include "db/store_private.h"
#include "db/guard.h"
#include "base/error.h"

typedef struct {
    const PlanJob *jobs;
    const PlanNeed *needs;
    int job_count, need_count;
    GPtrArray *dead; /* char*: owners of leases whose process no longer lives */
} Plan;

/* Every job once, and every need before the job that needs it. */
static gboolean check_plan(const Plan *plan, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < plan->job_count; i++) {
        const PlanJob *job = &plan->jobs[i];
        if (!g_hash_table_add(seen, g_strdup_printf("%zu:%s%s", strlen(job->stage), job->stage, job->unit))) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s of %s is in the plan twice", job->stage,
                        job->unit);
            return FALSE;
        }
    }
    for (int i = 0; i < plan->need_count; i++) {
        const PlanNeed *need = &plan->needs[i];
        if (need->needs < 0 || need->needs >= need->job || need->job >= plan->job_count) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                        "plan: job %d of %d cannot need job %d: needs come first", need->job, plan->job_count,
                        need->needs);
            return FALSE;
        }
    }
    return TRUE;
}

/* Returns the leases of dead workers.  The whole program was killed or the machine went down, which says nothing against the jobs, so no
 * crash is counted. */
static gboolean return_leases(Store *store, const Plan *plan, GError **error)
{
    for (guint i = 0; i < plan->dead->len; i++) {
        if (!attempt_return_leases(store, plan->dead->pdata[i], "the run was interrupted", error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Makes the positions of the old plan negative, then writes those of the new one.  Jobs whose position stays negative are not wanted. */
static gboolean put_jobs(Store *store, const Plan *plan, int64_t *ids, GError **error)
{
    if (!sql_exec(store->sql, "UPDATE job SET position = -1 - position WHERE state <> 'gone'", error)) {
        return FALSE;
    }
    for (int i = 0; i < plan->job_count; i++) {
        const PlanJob *job = &plan->jobs[i];
        sqlite3_stmt *query = sql_query(
            store->sql, error,
            "INSERT INTO job(stage, unit, config_hash, input_hash, priority, position, state)"
            " VALUES(?, ?, ?, ?, ?, ?, 'waiting')"
            " ON CONFLICT(stage, unit) DO UPDATE SET config_hash = excluded.config_hash,"
            " input_hash = excluded.input_hash, priority = excluded.priority,"
            " position = excluded.position, state = iif(state = 'gone', 'waiting', state) RETURNING id",
            "ssssii", job->stage, job->unit, job->config_hash, job->input_hash, job->priority, i);
        int more = query ? sql_step(query, error) : -1;
        if (more > 0) {
            ids[i] = sqlite3_column_int64(query, 0);
            more = sql_step(query, error);
        }
        if (more < 0) {
            return FALSE;
        }
    }
    return sql_run(store->sql, error,
                   "UPDATE attempt SET outcome = 'lost', message = 'the job is no longer wanted', ended = ?"
                   " WHERE outcome IS NULL AND job IN (SELECT id FROM job WHERE position < 0)",
                   "d", store_now()) >= 0 &&
           sql_exec(
               store->sql,
               "UPDATE job SET state = 'gone', position = NULL, owner = NULL, deadline = NULL, error = NULL"
               " WHERE position < 0",
               error);
}

/* A need that is given twice is hard when one of the two is. */
static gboolean put_needs(Store *store, const Plan *plan, const int64_t *ids, GError **error)
{
    if (!sql_exec(store->sql, "DELETE FROM need", error)) {
        return FALSE;
    }
    for (int i = 0; i < plan->need_count; i++) {
        const PlanNeed *need = &plan->needs[i];
        if (sql_run(
                store->sql, error,
                "INSERT INTO need(job, needs, hard, told) VALUES(?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET hard = max(hard, excluded.hard), told = max(told, excluded.told)",
                "llii", ids[need->job], ids[need->needs], (int)(need->kind == NEED_HARD),
                (int)(need->kind == NEED_TOLD)) < 0) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean put_plan(Store *store, const void *data, GError **error)
{
    const Plan *plan = data;
    g_autofree int64_t *ids = g_new0(int64_t, plan->job_count);
    return return_leases(store, plan, error) && put_jobs(store, plan, ids, error) &&
           put_needs(store, plan, ids, error) && resolve_all(store, error);
}

/* The owners of leases whose worker is dead: array of char*, owned; NULL with error. */
static GPtrArray *dead_owners(Store *store, GError **error)
{
    g_autoptr(GPtrArray) dead = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *query =
        sql_query(store->sql, error, "SELECT DISTINCT owner FROM job WHERE state = 'leased'", "");
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        g_autofree char *owner = sql_text(query, 0);
        if (!guard_worker_alive(store->directory, owner)) {
            g_ptr_array_add(dead, g_steal_pointer(&owner));
        }
    }
    guard_sweep(store->directory);
    return more < 0 ? NULL : g_steal_pointer(&dead);
}

gboolean store_plan(Store *store, const PlanJob *jobs, int job_count, const PlanNeed *needs, int need_count,
                    GError **error)
{
    Plan plan = {jobs, needs, job_count, need_count, NULL};
    if (!check_plan(&plan, error)) {
        return FALSE;
    }
    g_autoptr(GPtrArray) dead = dead_owners(store, error);
    plan.dead = dead;
    return dead && store_write(store, put_plan, &plan, error);
}

/* ---- retrying ---- */

typedef struct {
    const char *unit;
    int *count; /* out: jobs that are no longer parked or cancelled */
} Retry;

static gboolean without_result(Store *store, int64_t *count, GError **error)
{
    return sql_number(store->sql, "SELECT count(*) FROM job WHERE state IN ('parked', 'cancelled')", count,
                      error);
}

/* An attempt that no longer parks its key is forgotten, so resolve_all makes the job waiting or ready. */
static gboolean retry(Store *store, const void *data, GError **error)
{
    const Retry *wish = data;
    int64_t before, after;
    gboolean ok = without_result(store, &before, error) &&
                  sql_run(store->sql, error,
                          "UPDATE attempt SET parks = 0 WHERE parks AND job IN"
                          " (SELECT id FROM job WHERE state = 'parked' AND unit = coalesce(?, unit))",
                          "s", wish->unit) >= 0 &&
                  sql_run(store->sql, error,
                          "UPDATE job SET state = 'waiting', failures = 0, crashes = 0, error = NULL"
                          " WHERE state = 'parked' AND unit = coalesce(?, unit)",
                          "s", wish->unit) >= 0 &&
                  resolve_all(store, error) && without_result(store, &after, error);
    *wish->count = ok ? (int)(before - after) : -1;
    return ok;
}

int store_retry(Store *store, const char *unit, GError **error)
{
    int count = -1;
    return store_write(store, retry, &(Retry){unit, &count}, error) ? count : -1;
}

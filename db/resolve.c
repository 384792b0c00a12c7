/* The rule that decides the state of a job, from the jobs that it needs and from what was done before:
 *
 *   a hard need is parked or cancelled                       -> cancelled, naming the job that was parked
 *   a need has not ended                                     -> waiting
 *   otherwise all needs have ended, so its key is known, and under this key the job
 *     was done, and its files are in place                   -> done
 *     was parked, and not retried since                      -> parked
 *     is running under a lease                               -> leased
 *     none of these                                          -> ready
 *
 * The same rule serves planning (every job, in plan order, so needs come first), retrying (likewise) and the end of a job (its waiting
 * dependants, and theirs).  The key covers everything that the job reads, so "done under this key" is all there is to know.  A job that ran
 * without a parked soft need gets another key once that need is done. */
#include "db/store_private.h"
#include "base/error.h"

typedef struct {
    int64_t id;
    char *state, *key, *holds, *config_hash, *input_hash, *error;
    int attempt;
} Row;

static void row_free(Row *row)
{
    g_free(row->state);
    g_free(row->key);
    g_free(row->holds);
    g_free(row->config_hash);
    g_free(row->input_hash);
    g_free(row->error);
    g_free(row);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Row, row_free)

static Row *row_read(Store *store, int64_t id, GError **error)
{
    sqlite3_stmt *query = sql_query(
        store->sql, error,
        "SELECT state, key, holds, config_hash, input_hash, error, attempt FROM job WHERE id = ?", "l", id);
    int found = query ? sql_step(query, error) : -1;
    if (found <= 0) {
        if (found == 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "there is no job %" G_GINT64_FORMAT, id);
        }
        return NULL;
    }
    Row *row = g_new(Row, 1);
    *row = (Row){id,
                 sql_text(query, 0),
                 sql_text(query, 1),
                 sql_text(query, 2),
                 sql_text(query, 3),
                 sql_text(query, 4),
                 sql_text(query, 5),
                 sqlite3_column_int(query, 6)};
    sql_end(query);
    return row;
}

/* What the rule decides for a job; texts are owned. */
typedef struct {
    const char *state;
    char *key, *holds, *error;
} Resolution;

static void resolution_clear(Resolution *to)
{
    g_free(to->key);
    g_free(to->holds);
    g_free(to->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Resolution, resolution_clear)

/* 1: a need has not ended; 0: all have; -1: error.  Looks at the latest needs first: they are the likeliest to be open. */
static int needs_open(Store *store, int64_t id, GError **error)
{
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT 1 FROM need JOIN job ON job.id = need.needs WHERE need.job = ?"
                  " AND job.state NOT IN ('done', 'parked', 'cancelled') ORDER BY need.needs DESC LIMIT 1",
                  "l", id);
    int open = query ? sql_step(query, error) : -1;
    if (open > 0) {
        sql_end(query);
    }
    return open;
}

/* The same for a hard need that has no result; *reason (caller frees) names the job that was parked in the first place.  The query starts
 * from the few jobs that ended badly, not from the many needs. */
static int blocked(Store *store, int64_t id, char **reason, GError **error)
{
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT CASE bad.state WHEN 'parked' THEN printf('%s of %s was parked', bad.stage, "
                  "bad.unit) ELSE bad.error END"
                  " FROM job AS bad CROSS JOIN need ON need.job = ? AND need.needs = bad.id AND need.hard"
                  " WHERE bad.state IN ('parked', 'cancelled') ORDER BY bad.position LIMIT 1",
                  "l", id);
    int found = query ? sql_step(query, error) : -1;
    if (found > 0) {
        *reason = sql_text(query, 0);
        sql_end(query);
    }
    return found;
}

/* Adds a text to the key.  Its length goes first, so two different lists of texts never give the same bytes. */
static void mix(GChecksum *sum, const char *text)
{
    g_autofree char *length = g_strdup_printf("%zu:", strlen(text));
    g_checksum_update(sum, (const guchar *)length, -1);
    g_checksum_update(sum, (const guchar *)text, -1);
}

/* Adds the texts of all rows of a query; ends it.  FALSE with error, also for a query of NULL. */
static gboolean mix_rows(GChecksum *sum, sqlite3_stmt *query, int columns, GError **error)
{
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        for (int c = 0; c < columns; c++) {
            const char *text = (const char *)sqlite3_column_text(query, c);
            mix(sum, text ? text : "");
        }
    }
    return more >= 0;
}

#define TOLD_FAILURES                                            \
    "SELECT job.stage, job.unit, job.error"                      \
    " FROM need JOIN job ON job.id = need.needs"                 \
    " WHERE need.job = ? AND need.told AND job.state = 'parked'" \
    " ORDER BY 1, 2"

/* The key: configuration, outside inputs, the artefacts of the needs that are done, and why a need failed of which the job tells.  Artefacts for
 * people (".NAME") are left out.
 * Caller frees. */
static char *key_of(Store *store, const Row *row, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    mix(sum, row->config_hash);
    mix(sum, row->input_hash);
    sqlite3_stmt *inputs =
        sql_query(store->sql, error,
                  "SELECT job.stage, job.unit, artefact.name, artefact.sha256"
                  " FROM need JOIN job ON job.id = need.needs"
                  " JOIN artefact ON artefact.job = job.id AND artefact.key = job.key"
                  " WHERE need.job = ? AND job.state = 'done' AND artefact.name NOT LIKE '.%'"
                  " ORDER BY 1, 2, 3",
                  "l", row->id);
    return mix_rows(sum, inputs, 4, error) &&
                   mix_rows(sum, sql_query(store->sql, error, TOLD_FAILURES, "l", row->id), 3, error)
               ? g_strdup(g_checksum_get_string(sum))
               : NULL;
}

/* Whether this key was done or parked before: sets the state, and with it the error or the key of the files. */
static gboolean recall(Store *store, const Row *row, Resolution *to, GError **error)
{
    sqlite3_stmt *past = sql_query(store->sql, error,
                                   "SELECT outcome = 'done', message FROM attempt WHERE job = ? AND key = ?"
                                   " AND (outcome = 'done' OR parks) ORDER BY attempt DESC LIMIT 1",
                                   "ls", row->id, to->key);
    int found = past ? sql_step(past, error) : -1;
    to->state = "ready";
    if (found <= 0) {
        return found == 0;
    }
    gboolean done = sqlite3_column_int(past, 0), intact;
    g_autofree char *message = sql_text(past, 1);
    sql_end(past);
    if (!done) {
        to->state = "parked";
        to->error = g_steal_pointer(&message);
        return TRUE;
    }
    if (!artefact_files_intact(store, row->id, to->key, g_strcmp0(row->holds, to->key) == 0, &intact,
                               error)) {
        return FALSE;
    }
    if (intact) {
        to->state = "done";
        g_free(to->holds);
        to->holds = g_strdup(to->key);
    }
    return TRUE;
}

/* The rule at the head of this file. */
static gboolean apply_rule(Store *store, const Row *row, Resolution *to, GError **error)
{
    to->key = g_strdup(row->key);
    to->holds = g_strdup(row->holds);
    int block = blocked(store, row->id, &to->error, error);
    int open = block == 0 ? needs_open(store, row->id, error) : 0;
    if (block < 0 || open < 0) {
        return FALSE;
    }
    if (block || open) {
        to->state = block ? "cancelled" : "waiting";
        return TRUE;
    }
    g_free(to->key);
    to->key = key_of(store, row, error);
    if (!to->key) {
        return FALSE;
    }
    gboolean same = g_strcmp0(row->key, to->key) == 0;
    if (same && g_str_equal(row->state, "leased")) {
        to->state = "leased";
        return TRUE;
    }
    if (!recall(store, row, to, error)) {
        return FALSE;
    }
    if (same && g_str_equal(to->state, "ready")) {
        to->error = g_strdup(row->error); /* keep showing why the last attempt ended */
    }
    return TRUE;
}

static gboolean ended(const char *state)
{
    return g_str_equal(state, "done") || g_str_equal(state, "parked") || g_str_equal(state, "cancelled");
}

/* Applies the rule to one job and stores the result.  *now_ended (may be NULL): whether the job has ended, so its dependants follow. */
static gboolean resolve(Store *store, int64_t id, gboolean *now_ended, GError **error)
{
    g_autoptr(Row) row = row_read(store, id, error);
    g_auto(Resolution) to = {0};
    if (!row || !apply_rule(store, row, &to, error)) {
        return FALSE;
    }
    if (now_ended) {
        *now_ended = ended(to.state);
    }
    gboolean same_key = g_strcmp0(row->key, to.key) == 0;
    gboolean done = g_str_equal(to.state, "done");
    if (g_str_equal(to.state, "leased") ||
        (done && g_str_equal(row->state, "done") && same_key && g_strcmp0(row->holds, to.holds) == 0)) {
        return TRUE;
    }
    if (g_str_equal(row->state, "leased") &&
        !attempt_close(store, id, row->attempt, "lost", "the plan changed", FALSE, error)) {
        return FALSE;
    }
    return sql_run(store->sql, error,
                   "UPDATE job SET state = ?2, key = ?3, holds = ?4, error = ?5, run_after = 0, stalls = 0,"
                   " stalled_at = 0, owner = NULL, deadline = NULL, failures = failures * ?6, crashes = "
                   "crashes * ?6,"
                   " done = done * ?7, total = total * ?7, what = iif(?7, what, NULL) WHERE id = ?1",
                   "lssssii", id, to.state, to.key, to.holds, to.error, (int)same_key, (int)done) >= 0;
}

/* The ids that a query returns: array of int64_t; NULL with error. */
static GArray *ids(sqlite3_stmt *query, GError **error)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        int64_t id = sqlite3_column_int64(query, 0);
        g_array_append_val(found, id);
    }
    return more < 0 ? NULL : g_steal_pointer(&found);
}

gboolean resolve_all(Store *store, GError **error)
{
    g_autoptr(GArray) jobs = ids(
        sql_query(store->sql, error, "SELECT id FROM job WHERE position IS NOT NULL ORDER BY position", ""),
        error);
    for (guint i = 0; jobs && i < jobs->len; i++) {
        if (!resolve(store, g_array_index(jobs, int64_t, i), NULL, error)) {
            return FALSE;
        }
    }
    return jobs != NULL;
}

gboolean resolve_dependants(Store *store, int64_t job, GError **error)
{
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_val(queue, job);
    for (guint i = 0; i < queue->len; i++) {
        g_autoptr(GArray) next =
            ids(sql_query(store->sql, error,
                          "SELECT job.id FROM need JOIN job ON job.id = need.job"
                          " WHERE need.needs = ? AND job.state = 'waiting' ORDER BY job.position",
                          "l", g_array_index(queue, int64_t, i)),
                error);
        for (guint n = 0; next && n < next->len; n++) {
            gboolean now_ended;
            if (!resolve(store, g_array_index(next, int64_t, n), &now_ended, error)) {
                return FALSE;
            }
            if (now_ended) {
                g_array_append_vals(queue, &g_array_index(next, int64_t, n), 1);
            }
        }
        if (!next) {
            return FALSE;
        }
    }
    return TRUE;
}

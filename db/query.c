/* Queries of the job table, the plain values that they return, and notes.
 *
 * Every query is one SELECT.  It sees one moment of the table and takes no lock that a writer waits for. */
#include "db/store_private.h"

static const char *const state_names[] = {"waiting", "ready", "leased", "done", "parked", "cancelled"};

const char *job_state_name(JobState state)
{
    return (unsigned)state < G_N_ELEMENTS(state_names) ? state_names[state] : "unknown";
}

/* The states of the table are those names, and gone, which queries leave out. */
static JobState state_of(const char *name)
{
    guint state = 0;
    while (state < G_N_ELEMENTS(state_names) - 1 && !g_str_equal(state_names[state], name)) {
        state++;
    }
    return (JobState)state;
}

Artefact *artefact_new(const char *name, const char *path, const char *sha256, int64_t bytes)
{
    Artefact *artefact = g_new0(Artefact, 1);
    artefact->name = g_strdup(name);
    artefact->path = g_strdup(path);
    g_strlcpy(artefact->sha256, sha256, sizeof artefact->sha256);
    artefact->bytes = bytes;
    return artefact;
}

void artefact_free(Artefact *artefact)
{
    if (artefact) {
        g_free(artefact->name);
        g_free(artefact->path);
        g_free(artefact);
    }
}

void job_free(Job *job)
{
    if (job) {
        g_free(job->stage);
        g_free(job->unit);
        g_free(job->key);
        g_free(job);
    }
}

void job_row_free(JobRow *row)
{
    if (row) {
        g_free(row->stage);
        g_free(row->unit);
        g_free(row->error);
        g_free(row->what);
        g_free(row);
    }
}

static void job_input_free(gpointer data)
{
    JobInput *input = data;
    g_free(input->stage);
    g_free(input->unit);
    artefact_free(input->artefact);
    g_free(input);
}

GPtrArray *store_jobs(Store *store, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)job_row_free);
    sqlite3_stmt *query = sql_query(
        store->sql, error,
        "SELECT job.stage, job.unit, job.error, job.state, failures + crashes + (state IN ('leased', "
        "'done')),"
        " done, total, what, max(0.0, coalesce(ended, ?1) - started),"
        " iif(state = 'ready', stalls, 0), max(0, run_after - ?2) / 1e6"
        " FROM job LEFT JOIN attempt ON state IN ('leased', 'done', 'parked') AND job = id AND "
        "attempt.attempt ="
        "  (SELECT max(past.attempt) FROM attempt AS past WHERE past.job = id AND past.key = job.key)"
        " WHERE position IS NOT NULL ORDER BY position",
        "dl", store_now(), g_get_monotonic_time());
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        JobRow *row = g_new0(JobRow, 1);
        row->stage = sql_text(query, 0);
        row->unit = sql_text(query, 1);
        row->error = sql_text(query, 2);
        row->state = state_of((const char *)sqlite3_column_text(query, 3));
        row->attempt = sqlite3_column_int(query, 4);
        row->done = sqlite3_column_int64(query, 5);
        row->total = sqlite3_column_int64(query, 6);
        row->what = sql_text(query, 7);
        row->seconds = sqlite3_column_double(query, 8);
        row->stalls = sqlite3_column_int(query, 9);
        row->wait = sqlite3_column_double(query, 10);
        g_ptr_array_add(rows, row);
    }
    return more < 0 ? NULL : g_steal_pointer(&rows);
}

/* Rows of stage, unit, artefact name, path, sha256, bytes. */
static GPtrArray *inputs(sqlite3_stmt *query, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(job_input_free);
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        JobInput *input = g_new0(JobInput, 1);
        input->stage = sql_text(query, 0);
        input->unit = sql_text(query, 1);
        input->artefact = artefact_new(
            (const char *)sqlite3_column_text(query, 2), (const char *)sqlite3_column_text(query, 3),
            (const char *)sqlite3_column_text(query, 4), sqlite3_column_int64(query, 5));
        g_ptr_array_add(rows, input);
    }
    return more < 0 ? NULL : g_steal_pointer(&rows);
}

GPtrArray *store_inputs(Store *store, const Job *job, GError **error)
{
    return inputs(sql_query(store->sql, error,
                            "SELECT job.stage, job.unit, name, path, sha256, bytes FROM need"
                            " JOIN job ON job.id = need.needs"
                            " JOIN artefact ON artefact.job = job.id AND artefact.key = job.key"
                            " WHERE need.job = ? AND state = 'done' ORDER BY position, name",
                            "l", job->id),
                  error);
}

GPtrArray *store_artefacts(Store *store, GError **error)
{
    return inputs(sql_query(store->sql, error,
                            "SELECT job.stage, job.unit, name, path, sha256, bytes FROM job"
                            " JOIN artefact ON artefact.job = job.id AND artefact.key = job.key"
                            " WHERE state = 'done' ORDER BY position, name",
                            ""),
                  error);
}

/* The texts of the first column. */
static GPtrArray *texts(sqlite3_stmt *query, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        g_ptr_array_add(all, sql_text(query, 0));
    }
    return more < 0 ? NULL : g_steal_pointer(&all);
}

GPtrArray *store_former_paths(Store *store, const Job *job, GError **error)
{
    return texts(sql_query(store->sql, error,
                           "SELECT DISTINCT path FROM artefact WHERE job = ? AND key <> ? ORDER BY path",
                           "ls", job->id, job->key),
                 error);
}

GPtrArray *store_stale_paths(Store *store, GError **error)
{
    return texts(sql_query(store->sql, error,
                           "SELECT DISTINCT path FROM artefact WHERE path NOT IN (SELECT path FROM job"
                           " JOIN artefact ON artefact.job = job.id AND artefact.key = job.key"
                           " WHERE state = 'done') ORDER BY path",
                           ""),
                 error);
}

GHashTable *store_units(Store *store, GError **error)
{
    g_autoptr(GHashTable) units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    sqlite3_stmt *query = sql_query(store->sql, error, "SELECT DISTINCT unit FROM job", "");
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        g_hash_table_add(units, sql_text(query, 0));
    }
    return more < 0 ? NULL : g_steal_pointer(&units);
}

gboolean store_counts(Store *store, int counts[JOB_CANCELLED + 1], GError **error)
{
    sqlite3_stmt *query = sql_query(
        store->sql, error, "SELECT state, count(*) FROM job WHERE state <> 'gone' GROUP BY state", "");
    int more = query ? sql_step(query, error) : -1;
    memset(counts, 0, sizeof(int) * (JOB_CANCELLED + 1));
    for (; more > 0; more = sql_step(query, error)) {
        counts[state_of((const char *)sqlite3_column_text(query, 0))] = sqlite3_column_int(query, 1);
    }
    return more == 0;
}

typedef struct {
    const char *name, *text;
} Note;

static gboolean set_note(Store *store, const void *data, GError **error)
{
    const Note *note = data;
    return sql_run(store->sql, error,
                   "INSERT INTO note(name, text) VALUES(?, ?) ON CONFLICT DO UPDATE SET text = excluded.text",
                   "ss", note->name, note->text) >= 0;
}

gboolean store_set_note(Store *store, const char *name, const char *text, GError **error)
{
    return store_write(store, set_note, &(Note){name, text}, error);
}

char *store_get_note(Store *store, const char *name, GError **error)
{
    sqlite3_stmt *query = sql_query(store->sql, error, "SELECT text FROM note WHERE name = ?", "s", name);
    int found = query ? sql_step(query, error) : -1;
    char *text = found > 0 ? sql_text(query, 0) : NULL;
    if (found > 0) {
        sql_end(query);
    }
    return text;
}

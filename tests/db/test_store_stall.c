/* When the system fails a job: it waits longer each time, nothing is counted, and it is parked only when the failure lasts. */
#include "tests/store_fixture.h"
#include <sqlite3.h>

static void sql(const Run *run, const char *text)
{
    g_autofree char *path = g_build_filename(run->directory, "wsiflow.db", NULL);
    sqlite3 *raw;
    g_assert_cmpint(sqlite3_open(path, &raw), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(raw, text, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(raw);
}

/* Lets so many seconds pass. */
static void pass(const Run *run, double seconds)
{
    g_autofree char *text = g_strdup_printf(
        "UPDATE job SET run_after = run_after - %lld, stalled_at = stalled_at - %lld WHERE stalls > 0",
        (long long)(seconds * 1e6), (long long)(seconds * 1e6));
    sql(run, text);
}

static JobRow *row_of(Run *run, int position)
{
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    return g_ptr_array_steal_index(rows, (guint)position);
}

static void stall(Run *run, Job *job, int patience)
{
    g_autoptr(GError) error = NULL;
    g_assert_nonnull(job);
    store_stall(run->store, job, "cannot open x: Stale file handle", patience, &error);
    g_assert_no_error(error);
    job_free(job);
}

static void test_waits_double_with_jitter(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    double sum = 0, exact = 0;
    for (int n = 0; n < 12; n++) {
        stall(run, claim(run), -1);
        JobRow *row = row_of(run, MASK_A);
        double nominal = MIN(2 << n, 300);
        g_assert_cmpint(row->state, ==, JOB_READY);
        g_assert_cmpint(row->stalls, ==, n + 1);
        g_assert_cmpfloat(row->wait, >, 0.7 * nominal - 0.5);
        g_assert_cmpfloat(row->wait, <, 1.26 * nominal);
        g_assert_cmpstr(row->error, ==, "cannot open x: Stale file handle");
        sum += row->wait;
        exact += nominal;
        pass(run, row->wait + 0.1);
        job_row_free(row);
    }
    g_assert_cmpfloat(sum, >, 60); /* outlasts a minute */
    g_assert_cmpfloat(ABS(sum - exact), >, 0.01);
}

static void test_others_go_on_meanwhile(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    stall(run, claim(run), 3600);
    assert_work(run, "x", "mask b, tiles b");
    assert_states(run, "rdwdw");
    pass(run, 4);
    assert_work(run, "x", "mask a, tiles a, train all");
    JobRow *row = row_of(run, MASK_A);
    g_assert_cmpint(row->stalls, ==, 0);
    g_assert_null(row->error);
    job_row_free(row);
}

/* A hundred stalls and then two crashes: the third would park it. */
static void test_no_attempt_is_spent(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int n = 0; n < 100; n++) {
        stall(run, claim(run), -1);
        pass(run, 400);
    }
    for (int n = 0; n < 2; n++) {
        g_autoptr(Job) job = claim(run);
        g_assert_true(store_worker_died(run->store, "w", "bad", NULL));
        sql(run, "UPDATE job SET run_after = 0");
    }
    assert_states(run, "rrwww");
    g_autoptr(Job) job = claim(run);
    g_assert_cmpint(job->attempt, ==, 103);
    g_assert_true(store_worker_died(run->store, "w", "bad", NULL));
    assert_states(run, "prcww");
}

static void test_patience_ends(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    stall(run, claim(run), 120);
    pass(run, 100);
    stall(run, claim(run), 120);
    JobRow *row = row_of(run, MASK_A);
    g_assert_cmpint(row->state, ==, JOB_READY);
    g_assert_cmpfloat(row->wait, <=, 20); /* the last try is not after the end of the patience */
    job_row_free(row);
    pass(run, 30);
    stall(run, claim(run), 120);
    assert_states(run, "prcww");
    g_autofree char *why = error_of(run, MASK_A);
    g_assert_cmpstr(why, ==, "cannot open x: Stale file handle");
    g_assert_cmpint(store_retry(run->store, NULL, NULL), ==, 2);
    stall(run, claim(run), 120); /* the patience begins again */
    assert_states(run, "rrwww");
}

static void test_no_patience(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    stall(run, claim(run), 0);
    assert_states(run, "prcww");
}

static void test_a_new_run_tries_at_once(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int n = 0; n < 8; n++) {
        stall(run, claim(run), -1);
        pass(run, 400);
    }
    stall(run, claim(run), -1);
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_cmpstr(job->unit, ==, "a");
}

/* A worker that gave up holds no lease any more, and nothing was counted. */
static void test_worker_left(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int n = 0; n < 10; n++) {
        g_autoptr(Job) job = claim(run);
        g_assert_true(store_worker_left(run->store, "w", NULL));
        assert_all_lost(run, job);
    }
    assert_states(run, "rrwww");
}

/* A stall needs the lease, like every statement of a worker. */
static void test_stale_stall(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_worker_died(run->store, "w", "killed", NULL));
    assert_lost(store_stall(run->store, job, "no", 60, error));
}

/* A folder of the first schema is upgraded and keeps what was done. */
static void test_former_schema(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    finish_with(run, job, "x");
    store_free(run->store);
    sql(run, SCHEMA_2 "ALTER TABLE job DROP COLUMN stalls; ALTER TABLE "
                      "job DROP COLUMN stalled_at; PRAGMA "
                      "user_version = 1");
    run->store = store_open(run->directory, NULL);
    g_assert_nonnull(run->store);
    assert_states(run, "drrww");
    stall(run, claim(run), 60);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    RUN(waits_double_with_jitter);
    RUN(others_go_on_meanwhile);
    RUN(no_attempt_is_spent);
    RUN(patience_ends);
    RUN(no_patience);
    RUN(a_new_run_tries_at_once);
    RUN(worker_left);
    RUN(stale_stall);
    RUN(former_schema);
    return g_test_run();
}

/* The job table as its header describes it: the state diagram, leases and tokens, what a changed plan re-runs. */
#include "db/store.h"
#include "db/guard.h"
#include "base/durable.h"
#include "base/error.h"
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include <sqlite3.h>

#define LEASE 60

/* ---- a run folder and a plan to play with ---- */

typedef struct {
    char *directory;
    Store *store;
} Run;

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    g_remove(path);
}

static void set_up(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    run->directory = g_dir_make_tmp("wsiflow-store-XXXXXX", &error);
    g_assert_no_error(error);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
}

static void tear_down(Run *run, gconstpointer unused)
{
    store_free(run->store);
    remove_tree(run->directory);
    g_free(run->directory);
}

/* Two slides: mask(a), mask(b) -> tiles(a), tiles(b) (hard) -> train(all) (soft). */
enum { MASK_A, MASK_B, TILES_A, TILES_B, TRAIN, JOBS };
static const PlanJob base_jobs[JOBS] = {
    {"mask", "a", "m1", "slide a", 0}, {"mask", "b", "m1", "slide b", 0}, {"tiles", "a", "t1", "", 0},
    {"tiles", "b", "t1", "", 0},       {"train", "all", "n1", "", 0},
};
static const PlanNeed base_needs[] = {
    {TILES_A, MASK_A, TRUE}, {TILES_B, MASK_B, TRUE}, {TRAIN, TILES_A, FALSE}, {TRAIN, TILES_B, FALSE}};

static void plan(Run *run, const PlanJob *jobs)
{
    g_autoptr(GError) error = NULL;
    store_plan(run->store, jobs, JOBS, base_needs, G_N_ELEMENTS(base_needs), &error);
    g_assert_no_error(error);
}

static Job *claim(Run *run)
{
    g_autoptr(GError) error = NULL;
    Job *job = store_claim(run->store, "w", LEASE, &error);
    g_assert_no_error(error);
    return job;
}

/* Does the job as a stage would: one file, whose content is `text`, under a path that every run of the job uses. */
static void finish_with(Run *run, const Job *job, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) artefacts = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    g_autofree char *path = g_strdup_printf("%s/%s.out", job->stage, job->unit);
    g_autofree char *full = g_build_filename(run->directory, path, NULL);
    char sha256[65];
    durable_write_file(full, text, strlen(text), sha256, &error);
    g_assert_no_error(error);
    g_ptr_array_add(artefacts, artefact_new("out", path, sha256, (int64_t)strlen(text)));
    store_finish(run->store, job, artefacts, &error);
    g_assert_no_error(error);
}

/* Claims and finishes all that can be done; returns "stage unit" of each in order, separated by commas. */
static char *work_off(Run *run, const char *text)
{
    GString *done = g_string_new(NULL);
    for (;;) {
        g_autoptr(Job) job = claim(run);
        if (!job) {
            return g_string_free(done, FALSE);
        }
        g_string_append_printf(done, "%s%s %s", done->len ? ", " : "", job->stage, job->unit);
        finish_with(run, job, text);
    }
}

#define assert_work(run, text, expected)              \
    do {                                              \
        g_autofree char *work_ = work_off(run, text); \
        g_assert_cmpstr(work_, ==, expected);         \
    } while (0)

/* The states in plan order by their first letters: waiting, ready, leased, done, parked, cancelled. */
static char *states(Run *run)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = store_jobs(run->store, &error);
    g_assert_no_error(error);
    GString *letters = g_string_new(NULL);
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        g_string_append_c(letters, job_state_name(row->state)[0]);
    }
    return g_string_free(letters, FALSE);
}

#define assert_states(run, expected)            \
    do {                                        \
        g_autofree char *states_ = states(run); \
        g_assert_cmpstr(states_, ==, expected); \
    } while (0)

static char *error_of(Run *run, int position)
{
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    return g_strdup(((JobRow *)rows->pdata[position])->error);
}

static void reopen(Run *run)
{
    g_autoptr(GError) error = NULL;
    store_free(run->store);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
}

/* ---- the diagram ---- */

static void test_order(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    assert_states(run, "rrwww");
    g_autoptr(Job) first = claim(run);
    g_assert_cmpstr(first->stage, ==, "mask");
    g_assert_cmpstr(first->unit, ==, "a");
    g_assert_cmpint(first->attempt, ==, 1);
    g_assert_cmpuint(strlen(first->key), ==, 64);
    assert_states(run, "lrwww");
    finish_with(run, first, "x");
    assert_states(run, "drrww");
    assert_work(run, "x", "mask b, tiles a, tiles b, train all");
    assert_states(run, "ddddd");
    g_assert_null(claim(run));
}

static void test_priority(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    jobs[MASK_A].priority = 2; /* the slide b goes through first */
    jobs[TILES_A].priority = 2;
    plan(run, jobs);
    assert_work(run, "x", "mask b, tiles b, mask a, tiles a, train all");
}

static void test_parked(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_fail(run->store, job, "no tissue found", TRUE, &error));
    assert_states(run, "prcww");
    g_autofree char *why = error_of(run, MASK_A), *reason = error_of(run, TILES_A);
    g_assert_cmpstr(why, ==, "no tissue found");
    g_assert_cmpstr(reason, ==, "mask of a was parked");
    /* The soft need of train is cancelled; train goes on with what there is. */
    assert_work(run, "x", "mask b, tiles b, train all");
    assert_states(run, "pdcdd");

    /* The same plan again: what was parked stays parked, and nothing is done twice. */
    plan(run, base_jobs);
    assert_states(run, "pdcdd");

    /* Retry: the train that ran without slide a has to wait, and runs again because its inputs changed. */
    g_assert_cmpint(store_retry(run->store, "b", &error), ==, 0);
    assert_states(run, "pdcdd");
    g_assert_cmpint(store_retry(run->store, NULL, &error), ==, 2);
    assert_states(run, "rdwdw");
    assert_work(run, "x", "mask a, tiles a, train all");
    assert_states(run, "ddddd");
}

static void test_retry_in_vain(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_fail(run->store, job, "no tissue", TRUE, NULL));
    assert_work(run, "x", "mask b, tiles b, train all");
    g_assert_cmpint(store_retry(run->store, "a", NULL), ==, 2);
    g_autoptr(Job) again = claim(run);
    g_assert_cmpint(again->attempt, ==, 2);
    g_assert_cmpstr(again->key, ==, job->key);
    g_assert_true(store_fail(run->store, again, "still none", TRUE, NULL));
    /* train sees the same inputs as before: done, without work. */
    assert_states(run, "pdcdd");
    g_assert_null(claim(run));
}

static void test_transient_failures(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_assert_cmpint(store_retry(run->store, NULL, NULL), ==, 0);
    for (int failure = 1; failure <= 3; failure++) {
        g_autoptr(Job) other = NULL;
        g_autoptr(Job) job = NULL;
        gint64 start = g_get_monotonic_time();
        while (!(job = claim(run)) || g_str_equal(job->unit, "b")) {
            if (job) {
                other = g_steal_pointer(&job); /* taken while slide a is not to be tried yet */
            }
            g_usleep(20000);
        }
        double waited = (double)(g_get_monotonic_time() - start) / 1e6;
        double expected = failure == 1 ? 0 : failure == 2 ? 1 : 2;
        g_assert_cmpfloat(waited, >, expected - 0.2);
        g_assert_cmpfloat(waited, <, expected + 2);
        g_assert_true(store_fail(run->store, job, "disk full", FALSE, NULL));
        if (other) {
            finish_with(run, other, "x");
        }
    }
    g_autofree char *now = states(run);
    g_assert_cmpint(now[MASK_A], ==, 'p');
    g_assert_cmpint(now[TILES_A], ==, 'c');
}

static void test_crashes(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int crash = 1; crash <= 3; crash++) {
        g_autoptr(Job) job = claim(run);
        g_assert_cmpstr(job->unit, ==, "a");
        g_assert_true(store_worker_died(run->store, "w", "killed by signal 11", NULL));
    }
    assert_states(run, "prcww");
    g_autofree char *why = error_of(run, MASK_A);
    g_assert_cmpstr(why, ==, "killed by signal 11");
}

static void test_crashes_and_failures_are_counted_apart(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int crash = 1; crash <= 2; crash++) {
        g_autoptr(Job) job = claim(run);
        g_assert_true(store_worker_died(run->store, "w", NULL, NULL));
    }
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_fail(run->store, job, "busy", FALSE, NULL));
    g_autofree char *now = states(run);
    g_assert_cmpint(now[MASK_A], ==, 'r');
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_A])->attempt, ==, 3);
}

static void test_release_costs_nothing(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    for (int i = 0; i < 5; i++) {
        g_autoptr(Job) job = claim(run);
        g_assert_cmpstr(job->unit, ==, "a");
        g_assert_true(store_release(run->store, job, NULL));
    }
    assert_states(run, "rrwww");
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_A])->attempt, ==, 0);
}

/* ---- leases ---- */

#define assert_lost(call)                                  \
    do {                                                   \
        g_autoptr(GError) error_ = NULL;                   \
        GError **error = &error_;                          \
        g_assert_false(call);                              \
        g_assert_error(error_, WSI_ERROR, WSI_ERROR_LOST); \
    } while (0)

static void assert_all_lost(Run *run, const Job *job)
{
    assert_lost(store_heartbeat(run->store, job, LEASE, error));
    assert_lost(store_progress(run->store, job, 1, 2, "tiles", error));
    assert_lost(store_finish(run->store, job, NULL, error));
    assert_lost(store_fail(run->store, job, "no", TRUE, error));
    assert_lost(store_release(run->store, job, error));
}

static void test_token(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) zombie = claim(run);
    g_assert_true(store_heartbeat(run->store, zombie, LEASE, NULL));
    g_assert_true(store_worker_died(run->store, "w", "unplugged", NULL));
    assert_all_lost(run, zombie); /* nobody has it */
    g_autoptr(Job) heir = claim(run);
    g_assert_cmpint(heir->id, ==, zombie->id);
    assert_all_lost(run, zombie); /* somebody else has it */
    finish_with(run, heir, "x");
    assert_all_lost(run, zombie); /* it is done */
    assert_states(run, "drrww");
}

static void test_lease_runs_out(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) hung = store_claim(run->store, "hung", 0, &error);
    g_usleep(1000);
    g_autoptr(Job) heir = claim(run);
    g_assert_cmpint(heir->id, ==, hung->id);
    g_assert_cmpint(heir->attempt, ==, hung->attempt + 1);
    assert_all_lost(run, hung);
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_A])->attempt, ==, 2); /* a crash, and this one */
}

static void test_heartbeat_keeps_the_lease(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = store_claim(run->store, "w", 0, NULL);
    g_assert_true(store_heartbeat(run->store, job, LEASE, NULL));
    g_usleep(1000);
    g_autoptr(Job) next = claim(run);
    g_assert_cmpint(next->id, !=, job->id);
}

static void test_plan_keeps_the_leases_of_the_living(Run *run, gconstpointer unused)
{
    g_autoptr(Store) other = store_open(run->directory, NULL);
    plan(run, base_jobs);
    g_autoptr(Job) alive = store_claim(other, "alive", LEASE, NULL);
    g_autoptr(Job) dead = NULL;
    {
        g_autoptr(Store) third = store_open(run->directory, NULL);
        dead = store_claim(third, "dead", LEASE, NULL);
    } /* closed: its lock is free, as after a kill */
    assert_states(run, "llwww");
    plan(run, base_jobs);
    assert_states(run, "lrwww");
    assert_all_lost(run, dead);
    g_assert_true(store_heartbeat(other, alive, LEASE, NULL));
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    g_assert_cmpint(((JobRow *)rows->pdata[MASK_B])->attempt, ==,
                    0); /* an interrupted run is not its fault */
}

static void test_plan_takes_leases_that_make_no_sense(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    g_autoptr(Job) a = claim(run);
    g_autoptr(Job) b = claim(run);
    jobs[MASK_A].config_hash = "m2";
    plan(run, jobs);
    assert_states(run, "rlwww");
    assert_all_lost(run, a);
    finish_with(run, b, "x");
}

static void test_worker_names(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(store_worker_begin(run->store, "w-1", &error));
    g_assert_true(store_worker_begin(run->store, "w-1", &error));
    g_autoptr(Store) other = store_open(run->directory, NULL);
    g_assert_false(store_worker_begin(other, "w-1", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    store_worker_end(run->store, "w-1");
    g_assert_true(store_worker_begin(other, "w-1", NULL));
    const char *bad[] = {"", "../x", "a/b", ".hidden"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(store_worker_begin(other, bad[i], NULL));
    }
}

/* ---- changed plans ---- */

static void test_changed_config(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");

    /* Other tiles, other training: the masks stay. */
    jobs[TILES_A].config_hash = jobs[TILES_B].config_hash = "t2";
    plan(run, jobs);
    assert_states(run, "ddrrw");
    assert_work(run, "y", "tiles a, tiles b, train all");

    /* The masks are made anew but come out the same: whatever needs them is done, without work. */
    jobs[MASK_A].config_hash = jobs[MASK_B].config_hash = "m2";
    plan(run, jobs);
    assert_states(run, "rrwww");
    assert_work(run, "x", "mask a, mask b");
    assert_states(run, "ddddd");
}

static void test_changed_input(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    jobs[MASK_B].input_hash = "slide b scanned again";
    plan(run, jobs);
    assert_states(run, "drdww");
    assert_work(run, "z", "mask b, tiles b, train all");
}

static void test_config_back_and_forth(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "one", "mask a, mask b, tiles a, tiles b, train all");

    /* The files were overwritten with others of the same size: going back means doing it again ... */
    jobs[TRAIN].config_hash = "n2";
    plan(run, jobs);
    assert_work(run, "two", "train all");
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddr");
    plan(run, jobs); /* still, although the row has this key by now */
    assert_states(run, "ddddr");
    assert_work(run, "one", "train all");

    /* ... but not when nobody has touched them. */
    jobs[TRAIN].config_hash = "n3";
    plan(run, jobs);
    assert_states(run, "ddddr");
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddd");

    /* A whole chain that comes back is found again by content, link after link. */
    jobs[MASK_A].config_hash = jobs[TILES_A].config_hash = "other";
    plan(run, jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_release(run->store, job, NULL));
    plan(run, base_jobs);
    assert_states(run, "ddddd");
}

static void test_killed_while_overwriting(Run *run, gconstpointer unused)
{
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    plan(run, jobs);
    assert_work(run, "one", "mask a, mask b, tiles a, tiles b, train all");
    jobs[TRAIN].config_hash = "n2";
    plan(run, jobs);
    g_autoptr(Job) job = claim(run);
    g_autofree char *path = g_build_filename(run->directory, "train", "all.out", NULL);
    g_assert_true(durable_write_file(path, "two", 3, NULL, NULL));
    reopen(run); /* the worker is dead, its file of the same size is there */
    jobs[TRAIN].config_hash = "n1";
    plan(run, jobs);
    assert_states(run, "ddddr");
}

static void test_removed_slide(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    const PlanJob less[] = {base_jobs[MASK_B], base_jobs[TILES_B], base_jobs[TRAIN]};
    const PlanNeed needs[] = {{1, 0, TRUE}, {2, 1, FALSE}};
    store_plan(run->store, less, 3, needs, 2, &error);
    g_assert_no_error(error);
    assert_states(run, "ddr");
    g_autoptr(GPtrArray) artefacts = store_artefacts(run->store, &error);
    g_assert_cmpuint(artefacts->len, ==, 2);
    assert_work(run, "y", "train all");
    /* It comes back: its mask and tiles are remembered, only the training has to be done. */
    plan(run, base_jobs);
    assert_states(run, "ddddr");
}

static void test_missing_file(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    assert_work(run, "x", "mask a, mask b, tiles a, tiles b, train all");
    g_autofree char *gone = g_build_filename(run->directory, "mask", "a.out", NULL);
    g_autofree char *cut = g_build_filename(run->directory, "tiles", "b.out", NULL);
    g_assert_cmpint(g_unlink(gone), ==, 0);
    g_assert_cmpint(truncate(cut, 0), ==, 0);
    plan(run, base_jobs);
    assert_states(run, "rdwrw");
    assert_work(run, "x", "mask a, tiles b"); /* the same bytes: the rest stays */
    assert_states(run, "ddddd");
}

static void test_bad_plans(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL, second = NULL;
    const PlanJob twice[] = {base_jobs[0], base_jobs[0]};
    const PlanNeed forward[] = {{0, 1, TRUE}};
    g_assert_false(store_plan(run->store, twice, 2, NULL, 0, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "mask of a"));
    g_assert_false(store_plan(run->store, base_jobs, 2, forward, 1, &second));
    g_assert_error(second, WSI_ERROR, WSI_ERROR_INTERNAL);
    g_assert_true(store_plan(run->store, NULL, 0, NULL, 0, NULL));
    g_assert_null(claim(run));
}

/* ---- looking ---- */

static void test_inputs(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) bad = claim(run);
    g_assert_true(store_fail(run->store, bad, "broken", TRUE, NULL));
    for (int i = 0; i < 2; i++) {
        g_autoptr(Job) job = claim(run);
        finish_with(run, job, i ? "tiles" : "mask");
    }
    g_autoptr(Job) train = claim(run);
    g_assert_cmpstr(train->stage, ==, "train");
    g_autoptr(GPtrArray) inputs = store_inputs(run->store, train, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(inputs->len, ==, 1);
    const JobInput *input = inputs->pdata[0];
    g_assert_cmpstr(input->stage, ==, "tiles");
    g_assert_cmpstr(input->unit, ==, "b");
    g_assert_cmpstr(input->artefact->name, ==, "out");
    g_assert_cmpstr(input->artefact->path, ==, "tiles/b.out");
    g_assert_cmpint(input->artefact->bytes, ==, 5);
    char sha256[65];
    durable_hash_bytes("tiles", 5, sha256);
    g_assert_cmpstr(input->artefact->sha256, ==, sha256);
}

static void test_looking(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_assert_true(store_progress(run->store, job, 7, 20, "tiles", NULL));
    g_autoptr(Store) reader = store_open_existing(run->directory, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) rows = store_jobs(reader, &error);
    const JobRow *row = rows->pdata[MASK_A];
    g_assert_cmpint(row->done, ==, 7);
    g_assert_cmpint(row->total, ==, 20);
    g_assert_cmpstr(row->what, ==, "tiles");
    g_assert_cmpint(row->attempt, ==, 1);
    g_assert_cmpfloat(row->seconds, >=, 0);
    g_assert_cmpfloat(row->seconds, <, 60);
    int counts[JOB_CANCELLED + 1];
    g_assert_true(store_counts(reader, counts, NULL));
    g_assert_cmpint(counts[JOB_LEASED], ==, 1);
    g_assert_cmpint(counts[JOB_READY], ==, 1);
    g_assert_cmpint(counts[JOB_WAITING], ==, 3);
    g_assert_cmpint(counts[JOB_DONE] + counts[JOB_PARKED] + counts[JOB_CANCELLED], ==, 0);
    g_assert_false(store_set_note(reader, "x", "y", &error)); /* it only reads */
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
}

static void test_notes(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_get_note(run->store, "config", &error));
    g_assert_no_error(error);
    g_assert_true(store_set_note(run->store, "config", "a: 1", NULL));
    g_assert_true(store_set_note(run->store, "config", "a: 2\nb: \"\xC3\xA4\"", NULL));
    reopen(run);
    g_autofree char *text = store_get_note(run->store, "config", &error);
    g_assert_cmpstr(text, ==, "a: 2\nb: \"\xC3\xA4\"");
}

static void test_artefacts_stay_inside(Run *run, gconstpointer unused)
{
    static const char sha[] = "0000000000000000000000000000000000000000000000000000000000000000";
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    const char *bad[] = {"/etc/passwd", "../x", "a/../../x", ""};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
        g_ptr_array_add(list, artefact_new("out", bad[i], sha, 1));
        g_assert_false(store_finish(run->store, job, list, NULL));
    }
    assert_states(run, "lrwww"); /* all or nothing */
}

static void test_long_last_words(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_autofree char *noise = g_strnfill(100000, '\xC3');
    g_autofree char *words = g_strconcat(noise, " the end\n", NULL);
    g_assert_true(store_fail(run->store, job, words, TRUE, NULL));
    g_autofree char *kept = error_of(run, MASK_A);
    g_assert_true(g_utf8_validate(kept, -1, NULL));
    g_assert_cmpuint(strlen(kept), <=, 4000);
    g_assert_true(g_str_has_suffix(kept, " the end"));
}

/* ---- files that are not ours ---- */

static void sql(const char *path, const char *text)
{
    sqlite3 *handle;
    g_assert_cmpint(sqlite3_open(path, &handle), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(handle, text, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(handle);
}

static void assert_refused(const char *directory, const char *why)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(directory, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, why));
}

static void test_refused_files(void)
{
    g_autofree char *directory = g_dir_make_tmp("wsiflow-store-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "wsiflow.db", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open_existing(directory, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);

    g_assert_true(
        g_file_set_contents(path,
                            "this is a text and no database at all, but long enough for a header....."
                            "........................................",
                            -1, NULL));
    assert_refused(directory, "not a database");
    g_unlink(path);
    sql(path, "CREATE TABLE job(x)");
    assert_refused(directory, "another program");
    g_unlink(path);

    store_free(store_open(directory, NULL));
    sql(path, "PRAGMA user_version=99");
    assert_refused(directory, "newer wsiflow");
    sql(path, "PRAGMA user_version=1");
    store_free(store_open(directory, NULL));

    /* A page of zeros in the middle. */
    FILE *file = g_fopen(path, "r+b");
    char zeros[4096] = {0};
    g_assert_cmpint(fseek(file, 4096 * 2, SEEK_SET), ==, 0);
    g_assert_cmpuint(fwrite(zeros, 1, sizeof zeros, file), ==, sizeof zeros);
    fclose(file);
    assert_refused(directory, "damaged");

    /* A kill right at the start leaves an empty file: that is a new one. */
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_autoptr(Store) store = store_open(directory, &error);
    g_assert_nonnull(store);
    remove_tree(directory);
}

static void test_file_systems(void)
{
    g_assert_cmpstr(guard_refused(0x6969), ==, "NFS");
    g_assert_cmpstr(guard_refused(0x65735546), ==, "FUSE");
    g_assert_cmpstr(guard_refused((int)0xFF534D42), ==, "SMB"); /* f_type is signed on some machines */
    const long local[] = {0xEF53 /* ext4 */,      0x58465342 /* xfs */,     (long)0x9123683E /* btrfs */,
                          0x01021994 /* tmpfs */, 0x794C7630 /* overlay */, 0x2FC12FC1 /* zfs */};
    for (gsize i = 0; i < G_N_ELEMENTS(local); i++) {
        g_assert_null(guard_refused(local[i]));
    }
}

#define RUN(name) g_test_add("/store/" #name, Run, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    RUN(order);
    RUN(priority);
    RUN(parked);
    RUN(retry_in_vain);
    RUN(transient_failures);
    RUN(crashes);
    RUN(crashes_and_failures_are_counted_apart);
    RUN(release_costs_nothing);
    RUN(token);
    RUN(lease_runs_out);
    RUN(heartbeat_keeps_the_lease);
    RUN(plan_keeps_the_leases_of_the_living);
    RUN(plan_takes_leases_that_make_no_sense);
    RUN(worker_names);
    RUN(changed_config);
    RUN(changed_input);
    RUN(config_back_and_forth);
    RUN(killed_while_overwriting);
    RUN(removed_slide);
    RUN(missing_file);
    RUN(bad_plans);
    RUN(inputs);
    RUN(looking);
    RUN(notes);
    RUN(artefacts_stay_inside);
    RUN(long_last_words);
    g_test_add_func("/store/refused_files", test_refused_files);
    g_test_add_func("/store/file_systems", test_file_systems);
    return g_test_run();
}

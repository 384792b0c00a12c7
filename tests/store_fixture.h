/* A run folder with a job table, and a small plan: shared by the tests of the table. */
#pragma once
#include "db/store.h"
#include "base/durable.h"
#include "base/error.h"
#include <string.h>
#include <glib/gstdio.h>

#define LEASE 60

/* Takes the table back to the schema before the review. */
#define SCHEMA_2                                                                    \
    "ALTER TABLE need DROP COLUMN told; "                                           \
    "DROP TABLE review_change; DROP TABLE review_drawn; DROP TABLE review_region; " \
    "DROP TABLE review; PRAGMA user_version = 2;"

/* ---- a run folder and a small plan ---- */

typedef struct {
    char *directory;
    Store *store;
} Run;

static inline void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    g_remove(path);
}

static inline void set_up(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    run->directory = g_dir_make_tmp("wsiflow-store-XXXXXX", &error);
    g_assert_no_error(error);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
}

static inline void tear_down(Run *run, gconstpointer unused)
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

static inline void plan(Run *run, const PlanJob *jobs)
{
    g_autoptr(GError) error = NULL;
    store_plan(run->store, jobs, JOBS, base_needs, G_N_ELEMENTS(base_needs), &error);
    g_assert_no_error(error);
}

static inline Job *claim(Run *run)
{
    g_autoptr(GError) error = NULL;
    Job *job = store_claim(run->store, "w", LEASE, &error);
    g_assert_no_error(error);
    return job;
}

/* Does the job like a stage: writes one file with the content `text`, under the same path in every run of the job. */
static inline void finish_with(Run *run, const Job *job, const char *text)
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

/* Claims and finishes every job that can run; returns "stage unit" of each in order, separated by commas. */
static inline char *work_off(Run *run, const char *text)
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
static inline char *states(Run *run)
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

static inline char *error_of(Run *run, int position)
{
    g_autoptr(GPtrArray) rows = store_jobs(run->store, NULL);
    return g_strdup(((JobRow *)rows->pdata[position])->error);
}

static inline void reopen(Run *run)
{
    g_autoptr(GError) error = NULL;
    store_free(run->store);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
}

#define assert_lost(call)                                  \
    do {                                                   \
        g_autoptr(GError) error_ = NULL;                   \
        GError **error = &error_;                          \
        g_assert_false(call);                              \
        g_assert_error(error_, WSI_ERROR, WSI_ERROR_LOST); \
    } while (0)

static inline void assert_all_lost(Run *run, const Job *job)
{
    assert_lost(store_heartbeat(run->store, job, LEASE, error));
    assert_lost(store_progress(run->store, job, 1, 2, "tiles", error));
    assert_lost(store_finish(run->store, job, NULL, error));
    assert_lost(store_fail(run->store, job, "no", error));
    assert_lost(store_release(run->store, job, error));
}

#define RUN(name) g_test_add("/store/" #name, Run, NULL, set_up, test_##name, tear_down)

/* A run: plans the jobs, and lets workers do them.
 *
 * Everything that must survive is in the job table and in published files.  Killing the supervisor and all workers at any moment loses no finished job, and the same command continues the run.
 *
 * A lock file (run_lock.h) keeps a second supervisor out of the folder.  Before planning, the workers of a supervisor that was killed are ended
 * (db/guard.c). */
#include "pipeline/run/runner.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/pool.h"
#include "pipeline/run/supervisor.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/run/patchset_repair.h"
#include "pipeline/run/plan.h"
#include "pipeline/run/plan_check.h"
#include "pipeline/run/run_summary.h"
#include "pipeline/write/versions.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/config/stored_config.h"
#include "pipeline/run/run_lock.h"
#include "pipeline/cohort/cohort_read.h"
#include "pipeline/cohort/slide_entry.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_PATIENCE \
    60 /* seconds to wait for a worker of an earlier run to end, for example when its disk hangs */

/* 1 when a job of the cohort failed, 3 when only jobs of slides did. */
static int exit_code(Store *store, GError **error)
{
    g_autoptr(GPtrArray) rows = store_jobs(store, error);
    int code = rows ? EXIT_DONE : EXIT_FAILED;
    for (guint i = 0; rows && i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        if (row->state != JOB_DONE && stage_find(row->stage) &&
            stage_find(row->stage)->scope == SCOPE_COHORT) {
            code = EXIT_FAILED;
        } else if (row->state != JOB_DONE && code == EXIT_DONE) {
            code = EXIT_PARTIAL;
        }
    }
    return code;
}

static int run_jobs(Store *store, const char *folder, int workers, int patience, GError **error)
{
    gboolean interrupted = FALSE;
    gboolean ok = supervisor_run(store, folder, workers, patience, &interrupted, error);
    if (interrupted) {
        return EXIT_INTERRUPTED;
    }
    return ok ? exit_code(store, error) : EXIT_FAILED;
}

/* Removes the logs of workers that were killed together with their supervisor. */
static void sweep_logs(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "workers", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".log")) {
            g_autofree char *log = g_build_filename(path, name, NULL);
            g_unlink(log);
        }
    }
}

/* Leaves a file that already has this text untouched. */
static gboolean keep_text(const char *path, const char *text, GError **error)
{
    g_autofree char *former = NULL;
    return (g_file_get_contents(path, &former, NULL, NULL) && g_str_equal(former, text)) ||
           durable_write_file(path, text, strlen(text), NULL, error);
}

/* Keeps the effective configuration and the versions with the results. */
static gboolean store_facts(const Config *config, const char *folder, GError **error)
{
    g_autofree char *path = stored_config_path(folder);
    g_autofree char *text = config_text(config, FALSE);
    g_autofree char *versions = versions_text();
    g_autofree char *facts = g_strdup_printf("%s\n\n%s\n", research_use_only, versions);
    g_autofree char *facts_path = g_build_filename(folder, "VERSIONS.txt", NULL);
    return keep_text(path, text, error) && keep_text(facts_path, facts, error);
}

/* Printed before the work starts. */
static void print_summary(const Run *run, const char *last, gboolean jobs)
{
    g_autofree char *text = run_summary(run, last, jobs);
    fputs(text, stdout);
    fflush(stdout);
}

/* Whether the slide, and its annotation, can be read. */
static gboolean readable(const Run *run, const SlideEntry *entry, GError **error)
{
    g_autoptr(Slide) slide = slide_entry_open(run->config, entry, error);
    if (!slide || !slide_grid_check_mpp(slide, error)) {
        return FALSE;
    }
    g_autoptr(Annotation) annotation =
        entry->annotation ? lesions_read(run->config, entry, slide, error) : NULL;
    return annotation || !entry->annotation;
}

/* The exit code that the run would have because of slides that cannot be read.  Every slide is opened, and each such slide is printed. */
static int predict_exit_code(const Run *run, const char *last)
{
    int failed = 0, usable = 0;
    for (guint i = 0; i < run->slides->len; i++) {
        const SlideEntry *entry = run->slides->pdata[i];
        g_autoptr(GError) why = NULL;
        if (!readable(run, entry, &why)) {
            printf("will fail  slide %s: %s\n", entry->id, why->message);
            failed++;
        } else {
            usable += last ? TRUE : g_str_equal(entry->split, "train");
        }
    }
    gboolean needed = last || stage_find("train")->wanted(run, NULL);
    return failed == 0 ? EXIT_DONE : needed && usable == 0 ? EXIT_FAILED : EXIT_PARTIAL;
}

int runner_dry_run(const Config *config, const char *folder, const char *last, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_read(config, error);
    Run run = {config, cohort ? cohort->slides : NULL, folder, cohort};
    if (!cohort || !plan_check(&run, last, error)) {
        return EXIT_FAILED;
    }
    print_summary(&run, last, TRUE);
    return predict_exit_code(&run, last);
}

int runner_run(const Config *config, const char *folder, const RunnerOptions *options, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_read(config, error);
    Run run = {config, cohort ? cohort->slides : NULL, folder, cohort};
    if (!cohort || !plan_check(&run, options->last, error) || !durable_folder(folder, error)) {
        return EXIT_FAILED;
    }
    g_autofree char *absolute = realpath(folder, NULL);
    int lock = run_lock_take(absolute, error);
    if (lock < 0) {
        return EXIT_FAILED;
    }
    gboolean alone = store_end_workers(absolute, WORKER_PATIENCE, error);
    g_autoptr(Store) store = alone ? store_open(absolute, error) : NULL;
    if (store) {
        store_bound_wait(store, STORE_WAIT); /* a worker that hangs must not block the supervisor */
    }
    durable_sweep(absolute);
    sweep_logs(absolute);
    int code = EXIT_FAILED;
    run.folder = absolute;
    if (store && store_facts(config, absolute, error) && patch_set_repair(&run, store, error) &&
        plan_make(&run, store, options->last, error)) {
        print_summary(&run, options->last, FALSE);
        code = run_jobs(store, absolute, options->workers > 0 ? options->workers : pool_processors(),
                        options->patience, error);
        durable_sweep(absolute); /* temporary files of killed workers */
    }
    close(lock);
    return code;
}

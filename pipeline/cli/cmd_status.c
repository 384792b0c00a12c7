/* status: what a run has done, is doing and could not do. */
#include "base/error.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/run/progress.h"
#include "pipeline/run/run_lock.h"
#include "pipeline/write/json.h"
#include "pipeline/write/terminal.h"
#include <stdio.h>
#include <unistd.h>

static json_t *row_json(const JobRow *row)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:s?, s:f, s:s?}", "stage", row->stage, "unit",
                     row->unit, "state", job_state_name(row->state), "attempt", row->attempt, "done",
                     (json_int_t)row->done, "total", (json_int_t)row->total, "what", row->what, "seconds",
                     row->seconds, "error", row->error);
}

/* The paths of slides that failed or are in progress, where the id differs from the file name. */
static void print_files(const GPtrArray *rows, const Cohort *cohort)
{
    g_autoptr(GHashTable) units = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        if (row->state == JOB_PARKED || row->state == JOB_LEASED) {
            g_hash_table_add(units, row->unit);
        }
    }
    for (guint i = 0; cohort && i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        g_autofree char *file = g_path_get_basename(entry->path);
        if (g_hash_table_contains(units, entry->id) && !g_str_has_prefix(file, entry->id)) {
            printf("slide %s is %s\n", entry->id, entry->path);
        }
    }
}

/* at_work: a supervisor is running; otherwise, leased jobs in the table were interrupted. */
static void print_stages(const GPtrArray *rows, gboolean at_work)
{
    printf("%-13s %6s %6s %7s %6s %9s\n", "stage", "jobs", "done", "running", "failed", "cancelled");
    for (guint i = 0; i < rows->len;) {
        const char *stage = ((JobRow *)rows->pdata[i])->stage;
        int counts[JOB_CANCELLED + 1] = {0}, n = 0;
        for (; i < rows->len && g_str_equal(((JobRow *)rows->pdata[i])->stage, stage); i++, n++) {
            counts[((JobRow *)rows->pdata[i])->state]++;
        }
        printf("%-13s %6d %6d %7d %6d %9d\n", stage, n, counts[JOB_DONE], counts[JOB_LEASED],
               counts[JOB_PARKED], counts[JOB_CANCELLED]);
    }
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        g_autofree char *why = terminal_cut(row->error ? row->error : "", G_MAXINT);
        if (row->state == JOB_PARKED) {
            printf("failed: %s %s: %s\n", row->stage, row->unit, why);
        } else if (row->stalls > 0) {
            printf("waiting: %s %s: %s; retry in %.0f s\n", row->stage, row->unit, why, row->wait);
        } else if (row->state == JOB_LEASED && !at_work) {
            printf("interrupted: %s %s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " %s\n", row->stage, row->unit,
                   row->done, row->total, row->what ? row->what : "");
        } else if (row->state == JOB_LEASED) {
            printf("running: %s %s %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " %s, %.0f s\n", row->stage,
                   row->unit, row->done, row->total, row->what ? row->what : "", row->seconds);
        }
    }
}

static json_t *artefacts_json(Store *store, GError **error)
{
    g_autoptr(GPtrArray) all = store_artefacts(store, error);
    json_t *out = all ? json_array() : NULL;
    for (guint i = 0; all && i < all->len; i++) {
        const JobInput *one = all->pdata[i];
        json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "stage", one->stage, "unit",
                                             one->unit, "name", one->artefact->name, "path",
                                             one->artefact->path, "sha256", one->artefact->sha256, "bytes",
                                             (json_int_t)one->artefact->bytes));
    }
    return out;
}

/* File names may hold any bytes; JSON is UTF-8. */
static json_t *text_json(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static json_t *slides_json(const Cohort *cohort)
{
    json_t *out = json_array();
    for (guint i = 0; cohort && i < cohort->slides->len; i++) {
        const SlideEntry *e = cohort->slides->pdata[i];
        g_autofree char *file = g_path_get_basename(e->path);
        json_array_append_new(out, json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:i, s:b}", "id",
                                             e->id, "file", text_json(file), "path", text_json(e->path),
                                             "patient", text_json(e->patient), "centre", text_json(e->centre),
                                             "label", slide_label_name(e->label), "annotation",
                                             e->annotation ? text_json(e->annotation) : json_null(), "split",
                                             e->split, "fold", e->fold, "scored", (int)e->scored));
    }
    return out;
}

static json_t *unused_json(const Cohort *cohort)
{
    json_t *out = json_array();
    for (guint i = 0; cohort && i < cohort->unused->len; i++) {
        const Unused *unused = cohort->unused->pdata[i];
        json_array_append_new(out, json_pack("{s:o, s:o}", "name", text_json(unused->name), "reason",
                                             text_json(unused->reason)));
    }
    return out;
}

/* Whether any job is unfinished. */
static gboolean is_open(const GPtrArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        JobState state = ((const JobRow *)rows->pdata[i])->state;
        if (state == JOB_WAITING || state == JOB_READY || state == JOB_LEASED) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The jobs as they are now.  The table is opened each time: a reader without write permission gets a copy (db/snapshot.c). */
static GPtrArray *jobs_of(const char *folder, GError **error)
{
    g_autoptr(Store) store = store_open_existing(folder, error);
    return store ? store_jobs(store, error) : NULL;
}

/* Shows the progress of a run until no process works on it. */
static gboolean watch(const char *folder, GError **error)
{
    const ProgressSpec spec = {.out = stdout, .terminal = terminal_columns(STDOUT_FILENO) > 0};
    Progress *progress = progress_new(&spec);
    gboolean good = TRUE, at_work = TRUE;
    while (good && at_work) {
        at_work = run_lock_is_held(folder); /* before the jobs are read, so that the last look is complete */
        g_autoptr(GPtrArray) rows = jobs_of(folder, error);
        good = rows != NULL;
        if (good) {
            progress_update(progress, rows);
            fflush(stdout);
        }
        if (good && !at_work) {
            progress_finish(progress, rows);
        } else if (good) {
            g_usleep(G_USEC_PER_SEC / 2);
        }
    }
    progress_free(progress);
    return good;
}

static int status(int argc, char **argv, GError **error)
{
    gboolean json = FALSE, watching = FALSE;
    int code;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "print all jobs and artefacts as JSON", NULL},
        {"watch", 'w', 0, G_OPTION_ARG_NONE, &watching, "show the progress until no process works on the run",
         NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_status, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is required: wsiflow status DIR");
    }
    if (json && watching) {
        return command_misused(error, "--json and --watch exclude each other");
    }
    if (watching && !watch(argv[1], error)) {
        return EXIT_FAILED;
    }
    g_autoptr(Store) store = store_open_existing(argv[1], error);
    g_autoptr(GPtrArray) rows = store ? store_jobs(store, error) : NULL;
    if (!rows) {
        return EXIT_FAILED;
    }
    g_autoptr(Cohort) cohort = stored_cohort_read(store, NULL); /* NULL before the first plan */
    gboolean at_work = run_lock_is_held(argv[1]);
    if (!json) {
        print_stages(rows, at_work);
        if (!at_work && is_open(rows)) {
            printf("no wsiflow is working in %s: run the same command again to continue\n", argv[1]);
        }
        print_files(rows, cohort);
        return EXIT_DONE;
    }
    json_t *jobs = json_array(), *artefacts = artefacts_json(store, error);
    for (guint i = 0; i < rows->len; i++) {
        json_array_append_new(jobs, row_json(rows->pdata[i]));
    }
    if (!artefacts) {
        json_decref(jobs);
        return EXIT_FAILED;
    }
    json_print(json_pack("{s:b, s:o, s:o, s:o, s:o}", "at_work", (int)at_work, "slides", slides_json(cohort),
                         "unused", unused_json(cohort), "jobs", jobs, "artefacts", artefacts));
    return EXIT_DONE;
}

const Command command_status = {"status", "DIR [--json | --watch]",
                                "show what is done, running or failed in a run, and why", NULL, status};

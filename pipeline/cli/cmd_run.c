/* run, dataset, status, retry, worker: commands about the folder of a run. */
#include "base/error.h"
#include "base/nearest.h"
#include "base/pool.h"
#include "base/writable.h"
#include "pipeline/cli/command.h"
#include "pipeline/run/ending.h"
#include "pipeline/write/json.h"
#include "pipeline/training/model_config.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/runner.h"
#include "pipeline/write/terminal.h"
#include "pipeline/patchset/verify.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/run/run_lock.h"
#include "pipeline/run/worker.h"
#include "pipeline/cohort/stored_cohort.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- run, dataset ---- */

static int verify(const char *folder, int sample, GError **error)
{
    int differ = 0;
    return verify_dataset(folder, sample, pool_processors(), &differ, error) && differ == 0 ? EXIT_DONE
                                                                                            : EXIT_FAILED;
}

/* The command line of run and dataset. */
typedef struct {
    char *config, *folder, *verified;
    int workers, patience, sample; /* sample: -1 = not given */
    gboolean dry;
} Given;

static void given_clear(Given *given)
{
    g_free(given->config);
    g_free(given->folder);
    g_free(given->verified);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Given, given_clear)

/* Reads options and arguments; FALSE with *code when that is all there is to do. */
static gboolean read_given(const char *name, gboolean verifies, Given *given, int argc, char **argv,
                           int *code, GError **error)
{
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &given->config,
         "what to do (wsiflow config lists all keys)", "CONFIG.yaml"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &given->folder,
         "folder of the run (default: the configuration's name without .yaml)", "DIR"},
        {"workers", 'j', 0, G_OPTION_ARG_INT, &given->workers, "worker processes (default: one a processor)",
         "N"},
        {"patience", 0, 0, G_OPTION_ARG_INT, &given->patience,
         "how long faults of the system (a share that is away, a full disk) are tried again (default 60)",
         "MINUTES"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &given->dry,
         "only print the summary of the cohort, the jobs and the disk they need; writes nothing", NULL},
        {"verify", 0, 0, G_OPTION_ARG_FILENAME, &given->verified,
         "instead: check the patch set of the run in DIR against its manifest and its slides", "DIR"},
        {"sample", 0, 0, G_OPTION_ARG_INT, &given->sample,
         "with --verify: cut this many tiles again (default 20)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!verifies) { /* only of `dataset` */
        entries[G_N_ELEMENTS(entries) - 3] = entries[G_N_ELEMENTS(entries) - 1];
    }
    if (!command_options(name, entries, &argc, &argv, code, error)) {
        return FALSE;
    }
    if (!given->config && argc == 2) { /* run x.yaml */
        given->config = g_strdup(argv[1]);
        argc = 1;
    }
    *code = EXIT_USAGE;
    if (argc > 1) {
        command_misused(error, "unexpected argument %s", argv[1]);
    } else if (given->verified && (given->config || given->folder || given->workers || given->dry)) {
        command_misused(error, "only --sample can be given with --verify");
    } else if (given->sample >= 0 && !given->verified) {
        command_misused(error, "--sample goes with --verify DIR");
    } else if (!given->config && !given->verified) {
        command_misused(error, "a configuration is needed: -c CONFIG.yaml");
    } else {
        return TRUE;
    }
    return FALSE;
}

static int run_config(Given *given, const char *last, GError **error)
{
    g_autoptr(Config) config = config_read(given->config, error);
    if (!config || !model_recipe_check_run(config, error) || !model_config_check(config, error) ||
        (!last && !model_config_check_training(config, error))) {
        return EXIT_FAILED;
    }
    if (!given->folder) {
        given->folder = g_path_get_basename(given->config);
        char *dot = strrchr(given->folder, '.');
        *(dot && dot != given->folder ? dot : given->folder + strlen(given->folder)) = 0;
    }
    if (!run_folder_check(given->folder, given->config, config, error) ||
        !writable_folder(given->folder, NULL, error)) {
        return EXIT_FAILED;
    }
    if (given->dry) {
        return runner_dry_run(config, given->folder, last, error);
    }
    const RunnerOptions options = {.workers = given->workers, .patience = given->patience * 60, .last = last};
    int code = runner_run(config, given->folder, &options, error);
    gboolean ended = code == EXIT_DONE || code == EXIT_PARTIAL;
    return ended && !ending_show(given->folder, error) ? EXIT_FAILED : code;
}

static int run_to(const char *name, const char *last, int argc, char **argv, GError **error)
{
    signal(SIGPIPE, SIG_IGN); /* nobody reads what is reported any more: the run goes on */
    g_auto(Given) given = {.patience = 60, .sample = -1};
    int code;
    if (!read_given(name, last != NULL, &given, argc, argv, &code, error)) {
        return code;
    }
    return given.verified ? verify(given.verified, given.sample >= 0 ? given.sample : 20, error)
                          : run_config(&given, last, error);
}

int command_run(int argc, char **argv, GError **error)
{
    return run_to("run", NULL, argc, argv, error);
}

int command_dataset(int argc, char **argv, GError **error)
{
    return run_to("dataset", "dataset", argc, argv, error);
}

/* ---- status ---- */

static json_t *row_json(const JobRow *row)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:s?, s:f, s:s?}", "stage", row->stage, "unit",
                     row->unit, "state", job_state_name(row->state), "attempt", row->attempt, "done",
                     (json_int_t)row->done, "total", (json_int_t)row->total, "what", row->what, "seconds",
                     row->seconds, "error", row->error);
}

/* Which file a slide is that failed or is being worked on, where its name does not tell. */
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

/* at_work: a supervisor lives; otherwise what the table has as running was interrupted. */
static void print_stages(const GPtrArray *rows, gboolean at_work)
{
    printf("%-13s %6s %6s %6s %6s %6s\n", "stage", "jobs", "done", "run", "failed", "cancel");
    for (guint i = 0; i < rows->len;) {
        const char *stage = ((JobRow *)rows->pdata[i])->stage;
        int counts[JOB_CANCELLED + 1] = {0}, n = 0;
        for (; i < rows->len && g_str_equal(((JobRow *)rows->pdata[i])->stage, stage); i++, n++) {
            counts[((JobRow *)rows->pdata[i])->state]++;
        }
        printf("%-13s %6d %6d %6d %6d %6d\n", stage, n, counts[JOB_DONE], counts[JOB_LEASED],
               counts[JOB_PARKED], counts[JOB_CANCELLED]);
    }
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        g_autofree char *why = terminal_cut(row->error ? row->error : "", G_MAXINT);
        if (row->state == JOB_PARKED) {
            printf("failed: %s %s: %s\n", row->stage, row->unit, why);
        } else if (row->stalls > 0) {
            printf("waiting: %s %s: %s; tried again in %.0f s\n", row->stage, row->unit, why, row->wait);
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

/* Names may be of any bytes; JSON is UTF-8. */
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

/* Whether jobs are left to do. */
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

int command_status(int argc, char **argv, GError **error)
{
    gboolean json = FALSE;
    int code;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "all jobs and artefacts as JSON", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("status", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is needed: wsiflow status DIR");
    }
    g_autoptr(Store) store = store_open_existing(argv[1], error);
    g_autoptr(GPtrArray) rows = store ? store_jobs(store, error) : NULL;
    if (!rows) {
        return EXIT_FAILED;
    }
    g_autoptr(Cohort) cohort =
        stored_cohort_read(store, NULL); /* a folder whose first plan was not made has none */
    gboolean at_work = run_lock_is_held(argv[1]);
    if (!json) {
        print_stages(rows, at_work);
        if (!at_work && is_open(rows)) {
            printf("nobody is at work in %s: the same command goes on\n", argv[1]);
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

/* ---- retry ---- */

/* Whether the run has this slide; the error offers the nearest. */
static gboolean has_slide(Store *store, const char *slide, GError **error)
{
    g_autoptr(GPtrArray) rows = store_jobs(store, error), names = g_ptr_array_new();
    for (guint i = 0; rows && i < rows->len; i++) {
        g_ptr_array_add(names, ((JobRow *)rows->pdata[i])->unit);
        if (g_str_equal(names->pdata[i], slide)) {
            return TRUE;
        }
    }
    if (rows) {
        g_ptr_array_add(names, NULL);
        g_autofree char *hint = nearest_hint(slide, (const char *const *)names->pdata);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the run has no slide \"%s\"%s", slide, hint);
    }
    return FALSE;
}

int command_retry(int argc, char **argv, GError **error)
{
    g_autofree char *slide = NULL;
    int code;
    GOptionEntry entries[] = {{"slide", 's', 0, G_OPTION_ARG_STRING, &slide, "only this slide", "SLIDE"},
                              {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("retry", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is needed: wsiflow retry DIR");
    }
    g_autoptr(Store) known =
        store_open_existing(argv[1], error); /* never makes a run of a folder that is none */
    g_autoptr(Store) store = known ? store_open(argv[1], error) : NULL;
    int released =
        store && (!slide || has_slide(store, slide, error)) ? store_retry(store, slide, error) : -1;
    if (released < 0) {
        return EXIT_FAILED;
    }
    printf("%d jobs will be tried again by the next wsiflow run\n", released);
    return EXIT_DONE;
}

int command_worker(int argc, char **argv, GError **error)
{
    if (argc != 6) {
        return command_misused(error, "worker is started by wsiflow run");
    }
    const WorkerSpec spec = {.folder = argv[1],
                             .owner = argv[2],
                             .threads = (int)g_ascii_strtoll(argv[3], NULL, 10),
                             .supervisor = (int)g_ascii_strtoll(argv[4], NULL, 10),
                             .patience = (int)g_ascii_strtoll(argv[5], NULL, 10)};
    return worker_main(&spec, error);
}

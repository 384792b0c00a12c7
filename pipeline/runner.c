/* The supervisor of a run.
 *
 * It plans, starts workers as processes of the same program, watches them, and tells what happens; it does no work itself.  A worker
 * that dies is replaced, its job counts a crash and is tried again (the job table parks it after three).  Everything that must survive is
 * in the job table and in published files: killing the supervisor and all workers at any moment loses no finished job, and the same
 * command goes on.
 *
 * A lock file keeps a second supervisor out of the folder; the kernel drops it with the process.  Before anything is planned the workers of
 * a supervisor that was killed are ended (db/guard.c). */
#include "pipeline/runner.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/plan.h"
#include "pipeline/progress.h"
#include "pipeline/summary.h"
#include "pipeline/terminal.h"
#include "pipeline/versions.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKER_PATIENCE \
    60 /* seconds for a worker of an earlier run to die, for example when its disk hangs */

typedef struct {
    GPid pid; /* 0 = none */
    char *owner, *log;
} Worker;

static gint interrupts; /* atomic: 1 = stop cleanly, more = at once */

static void on_interrupt(int signal_number)
{
    g_atomic_int_inc(&interrupts);
}

/* Sent by programs, often to the whole group and so twice: always the clean stop. */
static void on_terminate(int signal_number)
{
    g_atomic_int_compare_and_exchange(&interrupts, 0, 1);
}

int runner_lock(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "run.lock", NULL);
    int fd = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        wsi_error_errno(error, "cannot open", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "another wsiflow is at work in %s", folder);
        return -1;
    }
    return fd;
}

static char *config_path(const char *folder)
{
    return g_build_filename(folder, "config.yaml", NULL);
}

Config *runner_stored_config(const char *folder, GError **error)
{
    g_autofree char *path = config_path(folder);
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not the folder of a run: it has no config.yaml",
                    folder);
        return NULL;
    }
    return config_read(path, error);
}

/* ---- workers ---- */

static char *last_words(const Worker *worker, int status)
{
    g_autofree char *text = NULL;
    gsize bytes = 0;
    g_file_get_contents(worker->log, &text, &bytes, NULL);
    const char *tail = text ? text + (bytes > 500 ? bytes - 500 : 0) : "";
    g_autofree char *how = WIFSIGNALED(status)
                               ? g_strdup_printf("the worker was killed by signal %d (%s)", WTERMSIG(status),
                                                 g_strsignal(WTERMSIG(status)))
                               : g_strdup_printf("the worker ended with code %d", WEXITSTATUS(status));
    return g_strdup_printf("%s%s%s", how, *tail ? ": " : "", tail);
}

static gboolean worker_start(Worker *worker, const char *folder, int threads, GError **error)
{
    g_free(worker->owner);
    g_free(worker->log);
    worker->owner = g_uuid_string_random();
    g_autofree char *name = g_strdup_printf("%s.log", worker->owner);
    worker->log = g_build_filename(folder, "workers", name, NULL);
    g_autofree char *directory = g_path_get_dirname(worker->log);
    if (!durable_folder(directory, error)) {
        return FALSE;
    }
    int log = g_open(worker->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0) {
        return wsi_error_errno(error, "cannot create", worker->log);
    }
    g_autofree char *count = g_strdup_printf("%d", threads);
    g_autofree char *self = g_strdup_printf("%d", (int)getpid());
    char *full[] = {(char *)"/proc/self/exe",
                    (char *)"wsiflow",
                    (char *)"worker",
                    (char *)folder,
                    worker->owner,
                    count,
                    self,
                    NULL};
    gboolean ok =
        g_spawn_async_with_fds(NULL, full, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO, NULL,
                               NULL, &worker->pid, -1, log, log, error);
    close(log);
    return ok;
}

static void worker_clear(Worker *worker)
{
    if (worker->log) {
        g_unlink(worker->log);
    }
    g_free(worker->owner);
    g_free(worker->log);
}

typedef struct {
    const char *folder;
    Store *store;
    Worker *workers;
    int count, threads;
    int replaced; /* workers started in place of dead ones */
} Crew;

static int alive(const Crew *crew)
{
    int n = 0;
    for (int i = 0; i < crew->count; i++) {
        n += crew->workers[i].pid != 0;
    }
    return n;
}

static void signal_all(const Crew *crew, int signal_number)
{
    for (int i = 0; i < crew->count; i++) {
        if (crew->workers[i].pid) {
            kill(crew->workers[i].pid, signal_number);
        }
    }
}

/* Takes leave of workers that ended; one that died is told to the job table and replaced.  FALSE when the job table fails. */
static gboolean reap(Crew *crew, GError **error)
{
    for (int i = 0; i < crew->count; i++) {
        Worker *worker = &crew->workers[i];
        int status;
        if (!worker->pid || waitpid(worker->pid, &status, WNOHANG) != worker->pid) {
            continue;
        }
        g_spawn_close_pid(worker->pid);
        worker->pid = 0;
        if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || g_atomic_int_get(&interrupts)) {
            continue; /* what an interrupted worker held is given back by the next plan, and counts no crash */
        }
        g_autofree char *words = last_words(worker, status);
        durable_sweep(crew->folder);
        if (!store_worker_died(crew->store, worker->owner, words, error)) {
            return FALSE;
        }
        if (WIFEXITED(status)) { /* it gave up by itself: another would too */
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s", g_strchomp(words));
            return FALSE;
        }
        fprintf(stderr, "\n%s\n", words);
        g_unlink(worker->log);
        if (crew->replaced++ < 100 && !worker_start(worker, crew->folder, crew->threads, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- the run ---- */

static gboolean tell(Crew *crew, Progress *progress, gboolean last, GError **error)
{
    g_autoptr(GPtrArray) rows = store_jobs(crew->store, error);
    if (!rows) {
        return FALSE;
    }
    progress_update(progress, rows);
    if (last) {
        progress_finish(progress, rows);
    }
    return TRUE;
}

/* Until the next look at the job table, or until a worker ends. */
static void wait_a_while(void)
{
    siginfo_t ended = {0};
    for (int i = 0; i < 10 && ended.si_pid == 0; i++) {
        g_usleep(15000);
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) {
            return;
        }
    }
}

static gboolean supervise(Crew *crew, Progress *progress, GError **error)
{
    int passed_on = 0;
    while (alive(crew) > 0) {
        int asked = g_atomic_int_get(&interrupts);
        if (asked > passed_on) {
            signal_all(crew, asked > 1 ? SIGKILL : SIGTERM);
            passed_on = asked;
        }
        if (!reap(crew, error) || !tell(crew, progress, FALSE, error)) {
            signal_all(crew, SIGTERM);
            while (alive(crew) > 0 && reap(crew, NULL)) {
                g_usleep(150000);
            }
            return FALSE;
        }
        wait_a_while();
    }
    return tell(crew, progress, TRUE, error);
}

/* 1 when something of the whole cohort failed, 3 when only slides did. */
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

static int run_crew(Store *store, const char *folder, int workers, GError **error)
{
    int counts[JOB_CANCELLED + 1];
    if (!store_counts(store, counts, error)) {
        return EXIT_FAILED;
    }
    int open_jobs = counts[JOB_READY] + counts[JOB_WAITING] + counts[JOB_LEASED];
    Crew crew = {folder, store, g_new0(Worker, workers), open_jobs ? workers : 0, pool_processors(), 0};
    Progress *progress =
        progress_new(terminal_columns(STDERR_FILENO) > 0 && !g_getenv("WSIFLOW_PLAIN"), workers);
    gboolean ok = TRUE;
    g_atomic_int_set(&interrupts, 0);
    struct sigaction stop = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    struct sigaction terminate = {.sa_handler = on_terminate, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &terminate, NULL);
    for (int i = 0; ok && i < crew.count; i++) {
        ok = worker_start(&crew.workers[i], folder, crew.threads, error);
    }
    ok = ok && supervise(&crew, progress, error);
    for (int i = 0; i < workers; i++) {
        worker_clear(&crew.workers[i]);
    }
    g_free(crew.workers);
    progress_free(progress);
    if (g_atomic_int_get(&interrupts)) {
        return EXIT_INTERRUPTED;
    }
    return ok ? exit_code(store, error) : EXIT_FAILED;
}

/* Logs of workers that were killed together with their supervisor. */
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

/* A file that says this already is left alone. */
static gboolean keep_text(const char *path, const char *text, GError **error)
{
    g_autofree char *former = NULL;
    return (g_file_get_contents(path, &former, NULL, NULL) && g_str_equal(former, text)) ||
           durable_write_file(path, text, strlen(text), NULL, error);
}

/* The effective configuration and the versions stay with the results. */
static gboolean store_facts(const Config *config, const char *folder, GError **error)
{
    g_autofree char *path = config_path(folder);
    g_autofree char *text = config_text(config, FALSE);
    g_autofree char *versions = versions_text();
    g_autofree char *facts = g_strdup_printf("%s\n\n%s\n", research_use_only, versions);
    g_autofree char *facts_path = g_build_filename(folder, "VERSIONS.txt", NULL);
    return keep_text(path, text, error) && keep_text(facts_path, facts, error);
}

/* On the terminal before the work begins. */
static void print_summary(const Run *run, const char *last, gboolean jobs)
{
    g_autofree char *text = summary_begin(run, last, jobs);
    fputs(text, stdout);
    fflush(stdout);
}

int runner_tell(const Config *config, const char *folder, const char *last, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_read(config, error);
    Run run = {config, cohort ? cohort->slides : NULL, folder, cohort};
    if (!cohort || !plan_check(&run, last, error)) {
        return EXIT_FAILED;
    }
    print_summary(&run, last, TRUE);
    return EXIT_DONE;
}

int runner_run(const Config *config, const char *folder, int workers, const char *last, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_read(config, error);
    Run run = {config, cohort ? cohort->slides : NULL, folder, cohort};
    if (!cohort || !plan_check(&run, last, error) || !durable_folder(folder, error)) {
        return EXIT_FAILED;
    }
    g_autofree char *absolute = realpath(folder, NULL);
    int lock = runner_lock(absolute, error);
    if (lock < 0) {
        return EXIT_FAILED;
    }
    gboolean alone = store_end_workers(absolute, WORKER_PATIENCE, error);
    g_autoptr(Store) store = alone ? store_open(absolute, error) : NULL;
    durable_sweep(absolute);
    sweep_logs(absolute);
    int code = EXIT_FAILED;
    run.folder = absolute;
    if (store && store_facts(config, absolute, error) && plan_make(&run, store, last, error)) {
        print_summary(&run, last, FALSE);
        code = run_crew(store, absolute, workers > 0 ? workers : pool_processors(), error);
        durable_sweep(absolute); /* what killed workers were writing */
    }
    close(lock);
    return code;
}

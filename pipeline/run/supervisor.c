/* The supervisor.
 *
 * It starts workers as processes of the same program, watches them and reports progress; it does no job itself.  How a worker ends decides
 * what follows:
 *
 *   exit code 0       no job is left
 *   EXIT_TRY_AGAIN    a fault of the system (a full disk, a job table that cannot be read): its job is released, and another worker
 *                     starts after a pause that doubles from 5 s to 5 min
 *   a signal          the job counts a crash and is retried (the job table parks it after three); another worker starts at once
 *   EXIT_INTERRUPTED  it received a SIGTERM from outside: another worker starts at once, and its job counts no crash
 *   (stopped)         after MOST_STOPPED seconds it is killed, as by a signal
 *   any other code    another worker would fail too: the run ends
 *
 * Recording in the job table that a worker ended can fail for the same reasons; then it waits for the end of the pause, too.  The run ends
 * when no job was finished between pauses for longer than the patience.
 *
 * SIGINT, SIGTERM and SIGHUP stop the workers at their next safe point, a second SIGINT kills them.  A SIGHUP that was ignored at the start
 * (nohup) stays ignored.  A closed pipe on standard output does not end a run. */
#include "pipeline/run/supervisor.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/process.h"
#include "pipeline/run/progress.h"
#include "pipeline/write/terminal.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/run/worker.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_PAUSE 5
#define LONGEST_PAUSE 300
#define MOST_REPLACED 100
#define MOST_STOPPED 10 /* seconds */

typedef enum {
    NO_WORKER,
    RUNS,
    CRASHED,
    GAVE_UP
} WorkerState; /* the last two: not yet recorded in the job table */

typedef struct {
    GPid pid;
    WorkerState state;
    gint64 stopped; /* us for which it has been stopped */
    char *owner, *log, *words;
} Worker;

typedef struct {
    const char *folder;
    Store *store;
    Worker *workers;
    int count, threads, patience;
    int replaced;  /* workers started in place of crashed ones */
    gint64 looked; /* monotonic us of the last check for stopped workers */
    struct {
        gint64 since, until; /* monotonic us; since 0: no pause */
        int rounds, done;    /* done: finished jobs when it began */
        char *why;
    } pause;
} Supervisor;

/* ---- signals ---- */

static gint stopped_by; /* atomic: the first signal */
static gint interrupts; /* atomic: 1 = stop cleanly, more = at once */

static void on_interrupt(int signal_number)
{
    g_atomic_int_compare_and_exchange(&stopped_by, 0, signal_number);
    g_atomic_int_inc(&interrupts);
}

/* Programs send SIGTERM, often twice because they send it to the whole group too: always a clean stop. */
static void on_terminate(int signal_number)
{
    g_atomic_int_compare_and_exchange(&stopped_by, 0, signal_number);
    g_atomic_int_compare_and_exchange(&interrupts, 0, 1);
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    struct sigaction terminate = {.sa_handler = on_terminate, .sa_flags = SA_RESTART}, former;
    g_atomic_int_set(&interrupts, 0);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &terminate, NULL);
    if (sigaction(SIGHUP, NULL, &former) == 0 && former.sa_handler != SIG_IGN) {
        sigaction(SIGHUP, &terminate, NULL);
    }
}

/* ---- workers ---- */

static gboolean is_stopped_too_long(const Worker *worker)
{
    return worker->stopped > MOST_STOPPED * G_USEC_PER_SEC;
}

static char *last_words(const Worker *worker, int status)
{
    g_autofree char *text = NULL;
    gsize bytes = 0;
    g_file_get_contents(worker->log, &text, &bytes, NULL);
    const char *tail = text ? text + (bytes > 500 ? bytes - 500 : 0) : "";
    g_autofree char *how =
        is_stopped_too_long(worker)
            ? g_strdup_printf("the worker was suspended (SIGSTOP, SIGTSTP) for more than %d s and was killed",
                              MOST_STOPPED)
        : WIFSIGNALED(status) ? g_strdup_printf("the worker was killed by signal %d (%s)", WTERMSIG(status),
                                                g_strsignal(WTERMSIG(status)))
                              : g_strdup_printf("the worker ended with code %d", WEXITSTATUS(status));
    return g_strchomp(g_strdup_printf("%s%s%s", how, *tail ? ": " : "", tail));
}

static void worker_clear(Worker *worker)
{
    if (worker->log) {
        g_unlink(worker->log);
    }
    g_clear_pointer(&worker->owner, g_free);
    g_clear_pointer(&worker->log, g_free);
    g_clear_pointer(&worker->words, g_free);
    worker->state = NO_WORKER;
    worker->stopped = 0;
}

static gboolean worker_start(const Supervisor *supervisor, Worker *worker, GError **error)
{
    worker_clear(worker);
    worker->owner = g_uuid_string_random();
    g_autofree char *name = g_strdup_printf("%s.log", worker->owner);
    worker->log = g_build_filename(supervisor->folder, "workers", name, NULL);
    g_autofree char *directory = g_path_get_dirname(worker->log);
    if (!durable_folder(directory, error)) {
        return FALSE;
    }
    int log = g_open(worker->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log < 0) {
        return wsi_error_errno(error, "cannot create", worker->log);
    }
    g_autofree char *threads = g_strdup_printf("%d", supervisor->threads);
    g_autofree char *self = g_strdup_printf("%d", (int)getpid());
    g_autofree char *patience = g_strdup_printf("%d", supervisor->patience);
    char *argv[] = {(char *)"/proc/self/exe",
                    (char *)"wsiflow",
                    (char *)"worker",
                    (char *)supervisor->folder,
                    worker->owner,
                    threads,
                    self,
                    patience,
                    NULL};
    gboolean ok =
        g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO, NULL,
                               NULL, &worker->pid, -1, log, log, error);
    close(log);
    if (!ok) {
        g_prefix_error(error, "cannot start a worker, which needs /proc: ");
    }
    worker->state = ok ? RUNS : NO_WORKER;
    return ok;
}

static int in_state(const Supervisor *supervisor, WorkerState state)
{
    int n = 0;
    for (int i = 0; i < supervisor->count; i++) {
        n += supervisor->workers[i].state == state;
    }
    return n;
}

static void signal_all(const Supervisor *supervisor, int signal_number)
{
    for (int i = 0; i < supervisor->count; i++) {
        if (supervisor->workers[i].state == RUNS) {
            kill(supervisor->workers[i].pid, signal_number);
            kill(supervisor->workers[i].pid, SIGCONT); /* a stopped one would not receive it */
        }
    }
}

/* ---- pauses ---- */

static int jobs_done(Store *store)
{
    int counts[JOB_CANCELLED + 1];
    return store_counts(store, counts, NULL) ? counts[JOB_DONE] : 0;
}

/* After a fault of the system: starts no worker for a while.  FALSE with error when that has lasted too long. */
static gboolean pause_for(Supervisor *supervisor, const char *why, GError **error)
{
    gint64 now = g_get_monotonic_time();
    if (now < supervisor->pause.until) {
        return TRUE; /* another worker had the same fault */
    }
    int done = jobs_done(supervisor->store);
    if (supervisor->pause.since == 0 || done > supervisor->pause.done) {
        supervisor->pause.since = now;
        supervisor->pause.rounds = 0;
        supervisor->pause.done = done;
    }
    gint64 left = supervisor->pause.since + (gint64)supervisor->patience * G_USEC_PER_SEC - now;
    if (left <= 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO,
                    "%s; no progress for %d min: run the same command again to continue", why,
                    supervisor->patience / 60);
        return FALSE;
    }
    gint64 pause = MIN(FIRST_PAUSE << MIN(supervisor->pause.rounds++, 8), LONGEST_PAUSE) * G_USEC_PER_SEC;
    supervisor->pause.until = now + MIN(pause, left);
    fprintf(stderr, "\n%s\npaused: retry in %.0f s, for up to %.0f min; Ctrl-C ends the run\n", why,
            (double)(supervisor->pause.until - now) / G_USEC_PER_SEC, (double)left / 60 / G_USEC_PER_SEC);
    return TRUE;
}

/* Pauses after a fault of the system; any other error ends the run. */
static gboolean pause_on_fault(Supervisor *supervisor, GError *why, GError **error)
{
    if (!wsi_error_is_system(why)) {
        g_propagate_error(error, why);
        return FALSE;
    }
    gboolean ok = pause_for(supervisor, why->message, error);
    g_error_free(why);
    return ok;
}

/* ---- what became of workers ---- */

/* Records in the job table how a worker ended, and starts another. */
static gboolean replace(Supervisor *supervisor, Worker *worker, GError **error)
{
    gboolean crashed = worker->state == CRASHED;
    if (!(crashed ? store_worker_died(supervisor->store, worker->owner, worker->words, error)
                  : store_worker_left(supervisor->store, worker->owner, error))) {
        return FALSE;
    }
    if (crashed && supervisor->replaced++ >= MOST_REPLACED) {
        worker->state = NO_WORKER;
        return TRUE;
    }
    return worker_start(supervisor, worker, error);
}

/* Decides what follows from the exit status of a worker. */
static gboolean handle_exit(Supervisor *supervisor, Worker *worker, int status, GError **error)
{
    g_spawn_close_pid(worker->pid);
    worker->state = NO_WORKER;
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || g_atomic_int_get(&interrupts)) {
        return TRUE; /* the next plan releases the job of an interrupted worker, without counting a crash */
    }
    if (WIFEXITED(status) &&
        WEXITSTATUS(status) == EXIT_INTERRUPTED) { /* it released its job: no crash is counted */
        worker->words =
            g_strdup("a worker was ended by a signal from outside (SIGTERM); another one takes its place");
        fprintf(stderr, "\n%s\n", worker->words);
        worker->state = CRASHED;
        return TRUE;
    }
    worker->words = last_words(worker, status);
    durable_sweep(supervisor->folder);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "\n%s\n", worker->words);
        worker->state = CRASHED;
        return TRUE;
    }
    if (WEXITSTATUS(status) == EXIT_TRY_AGAIN) {
        worker->state = GAVE_UP;
        return pause_for(supervisor, worker->words, error);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s", worker->words);
    return FALSE;
}

static gboolean reap(Supervisor *supervisor, GError **error)
{
    for (int i = 0; i < supervisor->count; i++) {
        Worker *worker = &supervisor->workers[i];
        int status;
        if (worker->state == RUNS && waitpid(worker->pid, &status, WNOHANG) == worker->pid &&
            !handle_exit(supervisor, worker, status, error)) {
            return FALSE;
        }
        GError *why = NULL;
        gboolean waits = worker->state == CRASHED || worker->state == GAVE_UP;
        if (waits && !g_atomic_int_get(&interrupts) && g_get_monotonic_time() >= supervisor->pause.until &&
            !replace(supervisor, worker, &why)) {
            worker->state = worker->state == NO_WORKER ? GAVE_UP : worker->state;
            if (!pause_on_fault(supervisor, why, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* A stopped worker (SIGSTOP) may hold the lock of the job table, so that no other worker can continue and the run cannot end.  Time for which
 * the supervisor was stopped too (Ctrl-Z) does not count. */
static void end_stopped(Supervisor *supervisor)
{
    gint64 now = g_get_monotonic_time(), passed = MIN(now - supervisor->looked, G_USEC_PER_SEC);
    supervisor->looked = now;
    for (int i = 0; i < supervisor->count; i++) {
        Worker *worker = &supervisor->workers[i];
        if (worker->state != RUNS || is_stopped_too_long(worker)) {
            continue; /* the state stays until the worker is reaped */
        }
        worker->stopped = process_is_stopped(worker->pid) ? worker->stopped + passed : 0;
        if (is_stopped_too_long(worker)) {
            kill(worker->pid, SIGKILL);
        }
    }
}

static gboolean show_progress(Supervisor *supervisor, Progress *progress, gboolean last, GError **error)
{
    GError *why = NULL;
    g_autoptr(GPtrArray) rows = store_jobs(supervisor->store, &why);
    if (!rows) {
        return pause_on_fault(supervisor, why, error);
    }
    progress_update(progress, rows);
    if (last) {
        progress_finish(progress, rows);
    }
    return TRUE;
}

/* Sleeps until it is time to read the job table, or until a worker ends. */
static void wait_a_while(void)
{
    siginfo_t ended = {0};
    for (int i = 0; i < 10 && ended.si_pid == 0; i++) {
        g_usleep(15000);
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) {
            ended.si_pid = 0; /* during a pause no worker may be running */
        }
    }
}

/* Ends all workers when the run ends early. */
static void end_all_workers(Supervisor *supervisor)
{
    signal_all(supervisor, SIGTERM);
    while (in_state(supervisor, RUNS) > 0) {
        for (int i = 0; i < supervisor->count; i++) {
            Worker *worker = &supervisor->workers[i];
            if (worker->state == RUNS && waitpid(worker->pid, NULL, WNOHANG) == worker->pid) {
                worker->state = NO_WORKER;
            }
        }
        g_usleep(50000);
    }
}

static gboolean supervise(Supervisor *supervisor, Progress *progress, GError **error)
{
    int passed_on = 0;
    while (in_state(supervisor, RUNS) > 0 ||
           (in_state(supervisor, NO_WORKER) < supervisor->count && !g_atomic_int_get(&interrupts))) {
        int asked = g_atomic_int_get(&interrupts);
        if (asked > passed_on) {
            signal_all(supervisor, asked > 1 ? SIGKILL : SIGTERM);
            passed_on = asked;
        }
        end_stopped(supervisor);
        if (!reap(supervisor, error) || !show_progress(supervisor, progress, FALSE, error)) {
            end_all_workers(supervisor);
            return FALSE;
        }
        wait_a_while();
    }
    return show_progress(supervisor, progress, TRUE, error);
}

gboolean supervisor_run(Store *store, const char *folder, int workers, int patience, gboolean *interrupted,
                        GError **error)
{
    int counts[JOB_CANCELLED + 1];
    if (!store_counts(store, counts, error)) {
        return FALSE;
    }
    int open_jobs = counts[JOB_READY] + counts[JOB_WAITING] + counts[JOB_LEASED];
    Supervisor supervisor = {.folder = folder,
                             .store = store,
                             .workers = g_new0(Worker, workers),
                             .count = open_jobs ? workers : 0,
                             .threads = pool_processors(),
                             .patience = patience};
    const ProgressSpec shown = {.out = stderr,
                                .terminal = terminal_columns(STDERR_FILENO) > 0 && !g_getenv("WSIFLOW_PLAIN"),
                                .workers = workers,
                                .elapsed = TRUE};
    Progress *progress = progress_new(&shown);
    gboolean ok = TRUE;
    catch_signals();
    for (int i = 0; ok && i < supervisor.count; i++) {
        ok = worker_start(&supervisor, &supervisor.workers[i], error);
    }
    if (!ok) {
        end_all_workers(&supervisor);
    }
    ok = ok && supervise(&supervisor, progress, error);
    for (int i = 0; i < workers; i++) {
        worker_clear(&supervisor.workers[i]);
    }
    g_free(supervisor.workers);
    progress_free(progress);
    *interrupted = g_atomic_int_get(&interrupts) > 0;
    if (*interrupted) {
        fprintf(stderr, "\nstopped by a signal (%s): run the same command again to continue\n",
                g_strsignal(g_atomic_int_get(&stopped_by)));
    }
    return ok;
}

/* The fence of publication: an attempt that lost its lease changes no file, and workers of a dead supervisor are ended. */
#include "tests/store_fixture.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the lease and the rename ---- */

typedef struct {
    Store *store;
    const Job *job;
} Holder;

static gboolean hold(void *data, GError **error)
{
    const Holder *holder = data;
    return store_lease_hold(holder->store, holder->job, error);
}

static void let_go(void *data)
{
    store_lease_release(((const Holder *)data)->store);
}

static char *content(const Run *run, const char *name)
{
    g_autofree char *path = g_build_filename(run->directory, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

#define assert_content(run, name, expected)          \
    do {                                             \
        g_autofree char *text_ = content(run, name); \
        g_assert_cmpstr(text_, ==, expected);        \
    } while (0)

/* Another process takes the job of a worker that gave no sign of life. */
static Job *taken_over(Run *run, const Job *stale)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) other = store_open(run->directory, &error);
    g_assert_no_error(error);
    Job *job = store_claim(other, "other", LEASE, &error);
    g_assert_no_error(error);
    g_assert_cmpint(job->id, ==, stale->id);
    g_assert_cmpint(job->attempt, >, stale->attempt);
    return job;
}

static void test_stale_attempt_changes_nothing(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(GError) why = NULL;
    g_autoptr(Job) job = store_claim(run->store, "w", 0, &why); /* a lease that runs out at once */
    g_assert_no_error(why);
    g_autofree char *path = g_build_filename(run->directory, "out", NULL);
    g_autofree char *more = g_build_filename(run->directory, "more", NULL);
    Holder holder = {run->store, job};
    const DurableFence fence = {hold, let_go, &holder};
    durable_set_fence(&fence);

    g_assert_true(durable_write_file(path, "ours", 4, NULL, &why)); /* while the lease is ours */
    g_assert_true(durable_link(path, more, &why));
    g_assert_no_error(why);

    g_usleep(2000);
    g_autoptr(Job) newer = taken_over(run, job);
    durable_set_fence(NULL);
    g_assert_true(durable_write_file(path, "newer", 5, NULL, &why));
    g_assert_true(durable_write_file(more, "newer too", 9, NULL, &why));
    durable_set_fence(&fence);

    assert_lost(durable_write_file(path, "stale", 5, NULL, error));
    assert_lost(durable_link(path, more, error));
    assert_lost(durable_move(more, path, error));
    assert_lost(durable_remove(path, error));
    durable_discard(path);
    assert_content(run, "out", "newer");
    assert_content(run, "more", "newer too");

    holder.job = newer; /* the same process gets the new lease */
    g_assert_true(durable_write_file(path, "newest", 6, NULL, &why));
    g_assert_true(durable_remove(more, &why));
    g_assert_no_error(why);
    durable_set_fence(NULL);
    assert_content(run, "out", "newest");
    assert_content(run, "more", NULL);
    g_autoptr(GDir) dir = g_dir_open(run->directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_assert_false(g_str_has_suffix(name, ".tmp"));
    }
}

/* A new plan gives the running job another key: its attempt is lost, too. */
static void test_changed_plan(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    PlanJob jobs[JOBS];
    memcpy(jobs, base_jobs, sizeof jobs);
    jobs[MASK_A].config_hash = "m2";
    g_autoptr(GError) why = NULL;
    g_assert_true(store_lease_hold(run->store, job, &why));
    store_lease_release(run->store);
    plan(run, jobs);
    assert_lost(store_lease_hold(run->store, job, error));
    g_autoptr(Job) next = claim(run); /* a job that is not locked can be claimed */
    g_assert_nonnull(next);
}

typedef struct {
    char *directory;
    gint done; /* atomic */
} Taker;

static gpointer take(gpointer data)
{
    Taker *taker = data;
    g_autoptr(Store) store = store_open(taker->directory, NULL);
    g_autoptr(Job) job = store_claim(store, "other", LEASE, NULL);
    g_atomic_int_set(&taker->done, 1);
    return GINT_TO_POINTER(job != NULL);
}

static void test_nobody_takes_what_is_held(Run *run, gconstpointer unused)
{
    plan(run, base_jobs);
    g_autoptr(Job) job = claim(run);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_lease_hold(run->store, job, &error));
    Taker taker = {run->directory, 0};
    GThread *thread = g_thread_new("taker", take, &taker);
    g_usleep(200000);
    g_assert_cmpint(g_atomic_int_get(&taker.done), ==, 0);
    store_lease_release(run->store);
    g_assert_true(GPOINTER_TO_INT(g_thread_join(thread))); /* the other slide's job */
}

/* ---- workers of a dead supervisor ---- */

/* A process that holds a worker's lock and does nothing else. */
static pid_t start_worker(const Run *run, const char *owner, int ignored)
{
    int ready[2];
    char byte;
    g_assert_cmpint(pipe(ready), ==, 0);
    pid_t pid = fork();
    if (pid == 0) {
        g_autoptr(Store) store = store_open(run->directory, NULL);
        signal(ignored, SIG_IGN);
        gboolean ok = store && store_worker_begin(store, owner, NULL) && write(ready[1], "x", 1) == 1;
        while (ok) {
            pause();
        }
        _exit(1);
    }
    g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static int signal_of(pid_t pid)
{
    int status;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_workers_are_ended(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(store_end_workers(run->directory, 1, &error)); /* none */
    pid_t stopped = start_worker(run, "stopped", SIGTERM);
    pid_t deaf = start_worker(run, "deaf", SIGTERM);
    kill(stopped, SIGSTOP);
    kill(deaf, SIGTERM);
    g_assert_true(store_end_workers(run->directory, 10, &error));
    g_assert_no_error(error);
    g_assert_cmpint(signal_of(stopped), ==, SIGKILL);
    g_assert_cmpint(signal_of(deaf), ==, SIGKILL);
    g_autofree char *left = g_build_filename(run->directory, "workers", "stopped.lock", NULL);
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
}

static void test_polite_workers_end_by_themselves(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    pid_t pid = start_worker(run, "polite", SIGUSR1);
    kill(pid, SIGTERM);
    gint64 start = g_get_monotonic_time();
    g_assert_true(store_end_workers(run->directory, 10, &error));
    g_assert_cmpint(g_get_monotonic_time() - start, <, 2 * G_USEC_PER_SEC);
    g_assert_cmpint(signal_of(pid), ==, SIGTERM);
}

/* The process id in the file belongs to an unrelated process: nothing is killed, and the run is refused. */
static void test_a_stranger_is_not_killed(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    pid_t worker = start_worker(run, "worker", SIGUSR1), stranger = start_worker(run, "stranger", SIGUSR1);
    g_autofree char *own = g_build_filename(run->directory, "workers", "worker.lock", NULL);
    g_autofree char *other = g_build_filename(run->directory, "workers", "stranger.lock", NULL);
    g_autofree char *number = g_strdup_printf("%d\n", (int)stranger);
    int descriptor = g_open(own, O_WRONLY | O_TRUNC, 0);
    g_assert_cmpint(write(descriptor, number, strlen(number)), ==, strlen(number));
    close(descriptor);
    g_unlink(other); /* it is not a worker of this folder */
    g_assert_false(store_end_workers(run->directory, 1, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "of an earlier run"));
    g_assert_cmpint(kill(worker, SIGTERM), ==, 0);
    g_assert_cmpint(kill(stranger, SIGTERM), ==, 0);
    g_assert_cmpint(signal_of(worker), ==, SIGTERM);
    g_assert_cmpint(signal_of(stranger), ==, SIGTERM);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    RUN(stale_attempt_changes_nothing);
    RUN(changed_plan);
    RUN(nobody_takes_what_is_held);
    RUN(workers_are_ended);
    RUN(polite_workers_end_by_themselves);
    RUN(a_stranger_is_not_killed);
    return g_test_run();
}

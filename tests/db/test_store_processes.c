/* Real worker processes on one job table, killed at random: no job is finished twice, none is lost, every result is
 * right, and the file stays sound.
 *
 * The program starts itself as a worker (`--worker FOLDER OWNER`); the test is the supervisor. */
#include "db/store.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum { UNITS = 100, STAGES = 3, JOBS = UNITS * STAGES + 1, WORKERS = 5, KILLS = 60 };

/* ---- the worker ---- */

/* Stands for the work of a stage: a text that depends on everything that the job reads. */
static char *result_of(Store *store, const Job *job)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) inputs = store_inputs(store, job, &error);
    g_assert_no_error(error);
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%s of %s\n", job->stage, job->unit);
    for (guint i = 0; i < inputs->len; i++) {
        const JobInput *input = inputs->pdata[i];
        g_string_append_printf(text, "%s %s %s\n", input->stage, input->unit, input->artefact->sha256);
    }
    return g_string_free(text, FALSE);
}

/* Appends one line by a single write, so it is complete or absent, after the job is finished. */
static void log_done(const char *folder, const Job *job)
{
    g_autofree char *path = g_build_filename(folder, "log", NULL);
    g_autofree char *line = g_strdup_printf("%s %s %s\n", job->stage, job->unit, job->key);
    int log = g_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    g_assert_cmpint(write(log, line, strlen(line)), ==, (gssize)strlen(line));
    close(log);
}

static void do_job(const char *folder, Store *store, const Job *job)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("out/%s/%s", job->stage, job->unit);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = result_of(store, job);
    g_autoptr(GPtrArray) artefacts = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    char sha256[65];
    g_assert_true(store_heartbeat(store, job, 600, &error) ||
                  g_error_matches(error, WSI_ERROR, WSI_ERROR_LOST));
    g_clear_error(&error);
    durable_write_file(path, text, strlen(text), sha256, &error);
    g_assert_no_error(error);
    g_ptr_array_add(artefacts, artefact_new("out", name, sha256, (int64_t)strlen(text)));
    if (store_finish(store, job, artefacts, &error)) {
        log_done(folder, job);
    } else {
        g_assert_error(error, WSI_ERROR, WSI_ERROR_LOST);
    }
}

static gboolean anything_left(Store *store)
{
    int counts[JOB_CANCELLED + 1];
    g_assert_true(store_counts(store, counts, NULL));
    return counts[JOB_WAITING] + counts[JOB_READY] + counts[JOB_LEASED] > 0;
}

static int worker_main(const char *folder, const char *owner)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(folder, &error);
    g_assert_no_error(error);
    for (;;) {
        g_autoptr(Job) job = store_claim(store, owner, 600, &error);
        g_assert_no_error(error);
        if (job) {
            do_job(folder, store, job);
        } else if (!anything_left(store)) {
            return 0;
        } else {
            g_usleep(2000);
        }
    }
}

/* Claims one job, reports that, and finishes it on request: for the test of a worker that lost its lease. */
static int sleeper_main(const char *folder, const char *owner)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(folder, NULL);
    g_autoptr(Job) job = store_claim(store, owner, 1, &error);
    g_assert_no_error(error);
    char reported;
    g_assert_cmpint(write(STDOUT_FILENO, "x", 1), ==, 1);
    g_assert_cmpint(read(STDIN_FILENO, &reported, 1), ==, 1);
    return !store_finish(store, job, NULL, &error) && g_error_matches(error, WSI_ERROR, WSI_ERROR_LOST) ? 42
                                                                                                        : 1;
}

/* ---- the supervisor ---- */

typedef struct {
    char *folder;
    Store *store;
    GPid worker[WORKERS];
    char owner[WORKERS][32];
    int started;
} Site;

static void plan(Site *site)
{
    static const char *const stages[STAGES] = {"mask", "tiles", "score"};
    g_autoptr(GError) error = NULL;
    PlanJob jobs[JOBS];
    PlanNeed needs[JOBS * 2];
    char units[UNITS][16];
    int need_count = 0;
    for (int i = 0; i < UNITS * STAGES; i++) {
        g_snprintf(units[i % UNITS], sizeof units[0], "slide-%d", i % UNITS);
        jobs[i] = (PlanJob){stages[i / UNITS], units[i % UNITS], "config", "input", 0};
        if (i >= UNITS) {
            needs[need_count++] = (PlanNeed){i, i - UNITS, TRUE};
        }
        if (i >= UNITS * (STAGES - 1)) {
            needs[need_count++] = (PlanNeed){JOBS - 1, i, FALSE};
        }
    }
    jobs[JOBS - 1] = (PlanJob){"report", "all", "config", "", 0};
    store_plan(site->store, jobs, JOBS, needs, need_count, &error);
    g_assert_no_error(error);
}

static void start(Site *site, int w)
{
    g_autoptr(GError) error = NULL;
    g_snprintf(site->owner[w], sizeof site->owner[w], "worker-%d", site->started++);
    char *command[] = {"/proc/self/exe", "--worker", site->folder, site->owner[w], NULL};
    g_spawn_async(NULL, command, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &site->worker[w], &error);
    g_assert_no_error(error);
}

static void stop_hard(Site *site, int w)
{
    int status;
    kill(site->worker[w], SIGKILL);
    g_assert_cmpint(waitpid(site->worker[w], &status, 0), ==, site->worker[w]);
    g_assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

/* Like a kill and a restart of the whole program. */
static void restart_all(Site *site)
{
    g_autoptr(GError) error = NULL;
    for (int w = 0; w < WORKERS; w++) {
        stop_hard(site, w);
    }
    store_free(site->store);
    durable_sweep(site->folder);
    site->store = store_open(site->folder, &error);
    g_assert_no_error(error);
    plan(site);
    for (int w = 0; w < WORKERS; w++) {
        start(site, w);
    }
}

static int64_t number(Site *site, const char *text)
{
    g_autofree char *path = g_build_filename(site->folder, "wsiflow.db", NULL);
    sqlite3 *handle;
    sqlite3_stmt *statement;
    g_assert_cmpint(sqlite3_open(path, &handle), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(handle, text, -1, &statement, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
    int64_t value = sqlite3_column_type(statement, 0) == SQLITE_TEXT
                        ? g_str_equal((const char *)sqlite3_column_text(statement, 0), "ok")
                        : sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return value;
}

static void wait_for_all(Site *site)
{
    for (int w = 0; w < WORKERS; w++) {
        int status;
        g_assert_cmpint(waitpid(site->worker[w], &status, 0), ==, site->worker[w]);
        g_assert_cmpint(status, ==, 0);
    }
}

static void check_log(Site *site)
{
    g_autofree char *path = g_build_filename(site->folder, "log", NULL), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; lines[i] && *lines[i]; i++) {
        g_assert_true(g_hash_table_add(seen, lines[i])); /* nobody has reported it before */
    }
}

/* Every artefact of the table is on the disk. */
static void check_artefacts(Site *site)
{
    g_autoptr(GPtrArray) rows = store_artefacts(site->store, NULL);
    g_assert_cmpuint(rows->len, ==, JOBS);
    for (guint i = 0; i < rows->len; i++) {
        const JobInput *row = rows->pdata[i];
        g_autofree char *path = g_build_filename(site->folder, row->artefact->path, NULL);
        char sha256[65];
        int64_t bytes;
        g_assert_true(durable_hash_file(path, sha256, &bytes, NULL));
        g_assert_cmpstr(sha256, ==, row->artefact->sha256);
        g_assert_cmpint(bytes, ==, row->artefact->bytes);
    }
}

static void begin(Site *site)
{
    g_autoptr(GError) error = NULL;
    memset(site, 0, sizeof *site);
    site->folder = g_dir_make_tmp("wsiflow-processes-XXXXXX", &error);
    g_assert_no_error(error);
    site->store = store_open(site->folder, &error);
    g_assert_no_error(error);
}

static void end(Site *site)
{
    char *command[] = {"rm", "-rf", site->folder, NULL};
    store_free(site->store);
    g_assert_true(g_spawn_sync(NULL, command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(site->folder);
}

static void test_kills(void)
{
    Site site;
    Rng rng = rng_at(7, 0, 0);
    begin(&site);
    plan(&site);
    for (int w = 0; w < WORKERS; w++) {
        start(&site, w);
    }
    int kills = 0;
    for (; kills < KILLS && anything_left(site.store); kills++) {
        g_usleep(rng_below(&rng, 25000));
        int w = (int)rng_below(&rng, WORKERS);
        if (kills % 12 == 11) {
            restart_all(&site);
            continue;
        }
        stop_hard(&site, w);
        g_assert_true(store_worker_died(site.store, site.owner[w], "signal 9", NULL));
        start(&site, w);
    }
    wait_for_all(&site);
    g_test_message("%d kills, %d workers, %d attempts for %d jobs", kills, site.started,
                   (int)number(&site, "SELECT count(*) FROM attempt"), JOBS);
    /* Three kills can have hit the same job. */
    while (store_retry(site.store, NULL, NULL) > 0) {
        for (int w = 0; w < WORKERS; w++) {
            start(&site, w);
        }
        wait_for_all(&site);
    }
    int counts[JOB_CANCELLED + 1];
    g_assert_true(store_counts(site.store, counts, NULL));
    g_assert_cmpint(counts[JOB_DONE], ==, JOBS);
    g_assert_cmpint(number(&site, "SELECT count(*) FROM (SELECT job, key FROM attempt WHERE outcome = 'done'"
                                  " GROUP BY job, key HAVING count(*) > 1)"),
                    ==, 0);
    g_assert_cmpint(number(&site, "SELECT count(*) FROM attempt WHERE outcome IS NULL"), ==, 0);
    g_assert_cmpint(number(&site, "PRAGMA integrity_check"), ==, 1);
    g_assert_cmpint(number(&site, "SELECT count(*) FROM pragma_foreign_key_check"), ==, 0);
    check_log(&site);
    check_artefacts(&site);
    end(&site);
}

static void test_given_up_worker(void)
{
    g_autoptr(GError) error = NULL;
    Site site;
    GPid pid;
    int in, out, status;
    char said;
    begin(&site);
    plan(&site);
    char *command[] = {"/proc/self/exe", "--sleeper", site.folder, "sleeper", NULL};
    g_spawn_async_with_pipes(NULL, command, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &in, &out,
                             NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(out, &said, 1), ==, 1);
    kill(pid, SIGSTOP);
    g_usleep(1100000); /* its lease was one second */
    g_autoptr(Job) job = store_claim(site.store, "heir", 600, &error);
    g_assert_no_error(error);
    g_assert_cmpint(job->attempt, ==, 2);
    g_assert_true(store_finish(site.store, job, NULL, NULL));
    kill(pid, SIGCONT);
    g_assert_cmpint(write(in, "x", 1), ==, 1);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 42);
    close(in);
    close(out);
    end(&site);
}

int main(int argc, char **argv)
{
    if (argc == 4 && g_str_equal(argv[1], "--worker")) {
        return worker_main(argv[2], argv[3]);
    }
    if (argc == 4 && g_str_equal(argv[1], "--sleeper")) {
        return sleeper_main(argv[2], argv[3]);
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/processes/kills", test_kills);
    g_test_add_func("/store/processes/given_up_worker", test_given_up_worker);
    return g_test_run();
}

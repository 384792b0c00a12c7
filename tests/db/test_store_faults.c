/* The disk fails, or the process is killed, at the n-th write of the job table: n = 1, 2, 3 ... until nothing fails.
 *
 * A layer under SQLite counts the calls that write.  Three kinds of fault: the process is killed in the middle of a write (half of it
 * arrives); one call fails; this and all later calls fail.  Afterwards the table must be sound, contain everything that was reported as
 * done, and allow the rest to be done. */
#include "db/store.h"
#include "base/error.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the layer under SQLite ---- */

enum { NO_FAULT, KILLED, FAILS_ONCE, FAILS_FOR_EVER };
static struct {
    int kind, countdown, code; /* code: what a failing call returns */
} fault;

typedef struct {
    sqlite3_file base;
    sqlite3_file *real; /* follows in the same memory */
} Layer;

#define REAL(file) (((Layer *)(file))->real)
#define CALL(file, method, ...) REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__)

static gboolean due(void)
{
    if (fault.kind == NO_FAULT || --fault.countdown > 0) {
        return FALSE;
    }
    return fault.countdown == 0 || fault.kind == FAILS_FOR_EVER;
}

static int layer_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 at)
{
    if (due()) {
        CALL(file, xWrite, data, bytes / 2, at);
        if (fault.kind == KILLED) {
            raise(SIGKILL);
        }
        return fault.code;
    }
    return CALL(file, xWrite, data, bytes, at);
}

static int layer_sync(sqlite3_file *file, int flags)
{
    if (due()) {
        if (fault.kind == KILLED) {
            raise(SIGKILL);
        }
        return SQLITE_IOERR_FSYNC;
    }
    return CALL(file, xSync, flags);
}

static int layer_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
    if (due()) {
        if (fault.kind == KILLED) {
            raise(SIGKILL);
        }
        return SQLITE_IOERR_TRUNCATE;
    }
    return CALL(file, xTruncate, bytes);
}

static int layer_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **memory)
{
    if (due()) {
        if (fault.kind == KILLED) {
            raise(SIGKILL);
        }
        return SQLITE_IOERR_SHMSIZE;
    }
    return CALL(file, xShmMap, page, bytes, extend, memory);
}

static int layer_close(sqlite3_file *file)
{
    return CALL(file, xClose);
}
static int layer_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 at)
{
    return CALL(file, xRead, data, bytes, at);
}
static int layer_size(sqlite3_file *file, sqlite3_int64 *bytes)
{
    return CALL(file, xFileSize, bytes);
}
static int layer_lock(sqlite3_file *file, int level)
{
    return CALL(file, xLock, level);
}
static int layer_unlock(sqlite3_file *file, int level)
{
    return CALL(file, xUnlock, level);
}
static int layer_reserved(sqlite3_file *file, int *out)
{
    return CALL(file, xCheckReservedLock, out);
}
static int layer_control(sqlite3_file *file, int what, void *data)
{
    return CALL(file, xFileControl, what, data);
}
static int layer_sector(sqlite3_file *file)
{
    return CALL(file, xSectorSize);
}
static int layer_device(sqlite3_file *file)
{
    return CALL(file, xDeviceCharacteristics);
}
static int layer_shm_lock(sqlite3_file *file, int from, int count, int flags)
{
    return CALL(file, xShmLock, from, count, flags);
}
static void layer_barrier(sqlite3_file *file)
{
    CALL(file, xShmBarrier);
}
static int layer_shm_unmap(sqlite3_file *file, int remove)
{
    return CALL(file, xShmUnmap, remove);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = layer_close,
                                           .xRead = layer_read,
                                           .xWrite = layer_write,
                                           .xTruncate = layer_truncate,
                                           .xSync = layer_sync,
                                           .xFileSize = layer_size,
                                           .xLock = layer_lock,
                                           .xUnlock = layer_unlock,
                                           .xCheckReservedLock = layer_reserved,
                                           .xFileControl = layer_control,
                                           .xSectorSize = layer_sector,
                                           .xDeviceCharacteristics = layer_device,
                                           .xShmMap = layer_shm_map,
                                           .xShmLock = layer_shm_lock,
                                           .xShmBarrier = layer_barrier,
                                           .xShmUnmap = layer_shm_unmap};

static sqlite3_vfs *plain;

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    Layer *layer = (Layer *)file;
    layer->real = (sqlite3_file *)(layer + 1);
    int code = plain->xOpen(plain, name, layer->real, flags, out_flags);
    layer->base.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static void install(void)
{
    static sqlite3_vfs layered;
    plain = sqlite3_vfs_find(NULL);
    layered = *plain; /* the other functions do not depend on the name */
    layered.zName = "layered";
    layered.szOsFile = (int)sizeof(Layer) + plain->szOsFile;
    layered.xOpen = layer_open;
    g_assert_cmpint(sqlite3_vfs_register(&layered, 1), ==, SQLITE_OK);
}

/* ---- the work during which it fails ---- */

static const PlanJob jobs[] = {
    {"mask", "a", "c", "i", 0}, {"mask", "b", "c", "i", 0}, {"tiles", "a", "c", "", 0}};
static const PlanNeed needs[] = {{2, 0, TRUE}};
static const char sha[] = "0000000000000000000000000000000000000000000000000000000000000000";

enum { PLANNED = 1, FINISHED, FAILED, NOTED }; /* how far it got, by what was reported */

static gboolean finish_one(Store *store, GError **error)
{
    g_autoptr(GPtrArray) artefacts = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    g_autoptr(Job) job = store_claim(store, "w", 600, error);
    g_ptr_array_add(artefacts, artefact_new("out", "out", sha, 1));
    return job && store_finish(store, job, artefacts, error);
}

static gboolean fail_one(Store *store, GError **error)
{
    g_autoptr(Job) job = store_claim(store, "w", 600, error);
    return job && store_progress(store, job, 1, 2, "tiles", error) && store_fail(store, job, "bad", error);
}

/* Returns how far it got; stops at the first error. */
static int work(const char *folder, int pipe_end, GError **error)
{
    g_autoptr(Store) store = store_open(folder, error);
    int reached = 0;
    gboolean ok = store != NULL;
    for (int step = PLANNED; ok && step <= NOTED; step++) {
        ok = step == PLANNED    ? store_plan(store, jobs, 3, needs, 1, error)
             : step == FINISHED ? finish_one(store, error)
             : step == FAILED   ? fail_one(store, error)
                                : store_set_note(store, "note", "text", error);
        reached = ok ? step : reached;
        ok = ok && write(pipe_end, &step, sizeof step) == sizeof step;
    }
    return reached;
}

/* Everything that was reported as done is there, the file is sound, and the rest can be done. */
static void check(const char *folder, int reached)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(folder, "wsiflow.db", NULL);
    g_autoptr(Store) store = store_open(folder, &error);
    g_assert_no_error(error);
    sqlite3 *raw;
    sqlite3_stmt *query;
    g_assert_cmpint(sqlite3_open(path, &raw), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(raw, "PRAGMA integrity_check", -1, &query, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_step(query), ==, SQLITE_ROW);
    g_assert_cmpstr((const char *)sqlite3_column_text(query, 0), ==, "ok");
    sqlite3_finalize(query);
    sqlite3_close(raw);
    g_autoptr(GPtrArray) rows = store_jobs(store, &error);
    g_assert_no_error(error);
    if (reached >= PLANNED) {
        g_assert_cmpuint(rows->len, ==, 3);
    }
    if (reached >= FINISHED) {
        g_assert_cmpint(((JobRow *)rows->pdata[0])->state, ==, JOB_DONE);
    }
    if (reached >= FAILED) {
        g_assert_cmpint(((JobRow *)rows->pdata[1])->state, ==, JOB_PARKED);
    }
    g_autofree char *note = store_get_note(store, "note", &error);
    g_assert_cmpstr(note, ==, reached >= NOTED ? "text" : note);

    g_assert_true(store_plan(store, jobs, 3, needs, 1, NULL));
    g_assert_cmpint(store_retry(store, NULL, NULL), >=, 0);
    for (int i = 0; i < 10; i++) {
        finish_one(store, NULL);
    }
    int counts[JOB_CANCELLED + 1];
    g_assert_true(store_counts(store, counts, NULL));
    g_assert_cmpint(counts[JOB_DONE], ==, 3);
}

static char *new_folder(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("wsiflow-faults-XXXXXX", &error);
    g_assert_no_error(error);
    return folder;
}

static void remove_folder(char *folder)
{
    char *command[] = {"rm", "-rf", folder, NULL};
    g_assert_true(g_spawn_sync(NULL, command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(folder);
}

/* ---- the three kinds ---- */

static void test_killed(void)
{
    gboolean survived = FALSE;
    int n = 0;
    while (!survived) {
        char *folder = new_folder();
        int report[2], step, reached = 0, status;
        g_assert_cmpint(pipe(report), ==, 0);
        n++;
        pid_t pid = fork();
        if (pid == 0) {
            fault.kind = KILLED;
            fault.countdown = n;
            _exit(work(folder, report[1], NULL) == NOTED ? 0 : 1);
        }
        close(report[1]);
        while (read(report[0], &step, sizeof step) == sizeof step) {
            reached = step;
        }
        close(report[0]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        survived = WIFEXITED(status);
        g_assert_true(survived ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        check(folder, reached);
        remove_folder(folder);
    }
    g_test_message("killed at %d points", n - 1);
    g_assert_cmpint(n, >, 30);
}

static void run_failing(int kind, int code)
{
    int report[2], reached = 0;
    gboolean hit = TRUE;
    g_assert_cmpint(pipe(report), ==, 0);
    for (int n = 1; hit; n++) {
        g_autoptr(GError) error = NULL;
        char *folder = new_folder();
        fault.kind = kind;
        fault.countdown = n;
        fault.code = code;
        reached = work(folder, report[1], &error);
        hit = fault.countdown <= 0;
        fault.kind = NO_FAULT;
        if (reached < NOTED) {
            g_assert_true(wsi_error_is_system(error));
            g_assert_nonnull(strstr(error->message, "wsiflow.db"));
        } else {
            g_assert_no_error(error); /* a checkpoint may fail: the data is in the WAL */
        }
        check(folder, reached);
        remove_folder(folder);
        char drain[64];
        g_assert_cmpint(reached > 0 ? read(report[0], drain, sizeof drain) : 0, >=, 0);
    }
    g_assert_cmpint(reached, ==, NOTED);
    close(report[0]);
    close(report[1]);
}

static void test_disk_full(void)
{
    run_failing(FAILS_FOR_EVER, SQLITE_FULL);
}

static void test_disk_broken_once(void)
{
    run_failing(FAILS_ONCE, SQLITE_IOERR_WRITE);
}

int main(int argc, char **argv)
{
    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
        g_setenv("TMPDIR", "/dev/shm",
                 TRUE); /* the faults are simulated, so a real disk would only be slower */
    }
    g_test_init(&argc, &argv, NULL);
    install();
    g_test_add_func("/store/faults/killed", test_killed);
    g_test_add_func("/store/faults/disk_full", test_disk_full);
    g_test_add_func("/store/faults/disk_broken_once", test_disk_broken_once);
    return g_test_run();
}

/* A worker: claims jobs, does them and publishes their files, until no job is left.
 *
 * A thread with its own connection keeps the lease alive.  When the lease is lost or a stop is requested, it sets `stop`, and the stage ends
 * at its next safe point.  The same connection is the fence of base/durable: a file gets its final name only while this worker holds the
 * lease, so a worker that was suspended cannot overwrite files of its successor.  Stages of the cohort get all processors, because hardly any other job can run at the
 * same time; the jobs of slides share the processors. */
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/run/former_files.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/config/stored_config.h"
#include "pipeline/run/worker.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/cohort/slide_entry.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LEASE_SECONDS 60
#define BEAT_SECONDS 10

static gint stop_asked; /* atomic: set by the signal handler and by the heartbeat */

static void on_stop(int signal_number)
{
    g_atomic_int_set(&stop_asked, WSI_ERROR_CANCELLED);
}

/* ---- heartbeat and fence ---- */

typedef struct {
    GMutex lock; /* guards store and job */
    Store *store;
    const Job *job; /* NULL between jobs */
    gint64 last_beat;
    GCond ended;
    gboolean end;
    GThread *thread;
} Heartbeat;

static void beat(Heartbeat *heartbeat)
{
    g_autoptr(GError) error = NULL;
    gint64 now = g_get_monotonic_time();
    if (!heartbeat->job || store_heartbeat(heartbeat->store, heartbeat->job, LEASE_SECONDS, &error)) {
        heartbeat->last_beat = now;
        return;
    }
    gboolean lost = g_error_matches(error, WSI_ERROR, WSI_ERROR_LOST);
    if (!lost && now - heartbeat->last_beat < LEASE_SECONDS * G_USEC_PER_SEC) {
        return; /* another heartbeat comes before the lease expires */
    }
    if (g_atomic_int_compare_and_exchange(&stop_asked, 0, WSI_ERROR_LOST) && !lost) {
        fprintf(stderr, "no heartbeat for %d s: %s\n", LEASE_SECONDS, error->message);
    }
}

static gpointer heartbeat_main(gpointer data)
{
    Heartbeat *heartbeat = data;
    g_mutex_lock(&heartbeat->lock);
    while (!heartbeat->end) {
        gint64 until = g_get_monotonic_time() + BEAT_SECONDS * G_USEC_PER_SEC;
        while (!heartbeat->end && g_cond_wait_until(&heartbeat->ended, &heartbeat->lock, until)) {
        }
        if (!heartbeat->end) {
            beat(heartbeat);
        }
    }
    g_mutex_unlock(&heartbeat->lock);
    return NULL;
}

/* The fence; any thread that publishes calls it. */
static gboolean fence_begin(void *data, GError **error)
{
    Heartbeat *heartbeat = data;
    g_mutex_lock(&heartbeat->lock);
    if (heartbeat->job && store_lease_hold(heartbeat->store, heartbeat->job, error)) {
        return TRUE;
    }
    if (!heartbeat->job) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST, "a file was published outside of a job");
    }
    g_mutex_unlock(&heartbeat->lock);
    return FALSE;
}

static void fence_end(void *data)
{
    Heartbeat *heartbeat = data;
    store_lease_release(heartbeat->store);
    g_mutex_unlock(&heartbeat->lock);
}

/* Opens the job table a second time.  Without heartbeat and fence no work is safe, so a failure ends the worker. */
static gboolean heartbeat_start(Heartbeat *heartbeat, const char *folder, GError **error)
{
    static DurableFence fence;
    heartbeat->store = store_open(folder, error);
    if (!heartbeat->store) {
        g_prefix_error(error, "the heartbeat needs the job table: ");
        return FALSE;
    }
    g_mutex_init(&heartbeat->lock);
    g_cond_init(&heartbeat->ended);
    heartbeat->last_beat = g_get_monotonic_time();
    fence = (DurableFence){fence_begin, fence_end, heartbeat};
    durable_set_fence(&fence);
    heartbeat->thread = g_thread_new("heartbeat", heartbeat_main, heartbeat);
    return TRUE;
}

static void heartbeat_stop(Heartbeat *heartbeat)
{
    g_mutex_lock(&heartbeat->lock);
    heartbeat->end = TRUE;
    g_cond_signal(&heartbeat->ended);
    g_mutex_unlock(&heartbeat->lock);
    g_thread_join(heartbeat->thread);
    durable_set_fence(NULL);
    store_free(heartbeat->store);
    g_mutex_clear(&heartbeat->lock);
    g_cond_clear(&heartbeat->ended);
}

static void heartbeat_follow(Heartbeat *heartbeat, const Job *job)
{
    g_mutex_lock(&heartbeat->lock);
    heartbeat->job = job;
    heartbeat->last_beat = g_get_monotonic_time(); /* a claim counts as a heartbeat */
    g_mutex_unlock(&heartbeat->lock);
}

/* ---- one job ---- */

static const SlideEntry *entry_of(const Run *run, const char *unit)
{
    for (guint i = 0; i < run->slides->len; i++) {
        const SlideEntry *entry = run->slides->pdata[i];
        if (g_str_equal(entry->id, unit)) {
            return entry;
        }
    }
    return NULL;
}

/* For how many seconds a job is retried after a fault of the system; -1 = as long as the run lasts. */
static int patience_for(const GError *why, int patience)
{
    static const struct {
        WsiErrorCode code;
        int most;
    } limits[] = {
        {WSI_ERROR_ABSENT, 120}, /* a share that is mounted again, or a file that was removed */
        {WSI_ERROR_MEMORY, 600}, /* other programs may end, or the job never fits */
        {WSI_ERROR_FULL, -1},    /* the supervisor pauses the run and later ends it */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (g_error_matches(why, WSI_ERROR, (gint)limits[i].code)) {
            return limits[i].most < 0 ? -1 : MIN(patience, limits[i].most);
        }
    }
    return patience;
}

/* Records how the attempt ended.  FALSE when the job table itself fails or the disk is full, so that the worker must end. */
static gboolean record_end(Store *store, const Work *work, GError *why, int patience, GError **error)
{
    const Job *job = work->job;
    g_autoptr(GError) lost = NULL;
    gboolean ok, full = why && g_error_matches(why, WSI_ERROR, WSI_ERROR_FULL);
    if (!why) {
        ok = store_finish(store, job, work->outputs, &lost);
    } else if (g_error_matches(why, WSI_ERROR, WSI_ERROR_CANCELLED)) {
        ok = store_release(store, job, &lost);
    } else if (g_error_matches(why, WSI_ERROR, WSI_ERROR_LOST)) {
        ok = TRUE; /* another worker has the job */
    } else if (wsi_error_is_system(why)) {
        ok = store_stall(store, job, why->message, patience_for(why, patience), &lost);
    } else {
        ok = store_fail(store, job, why->message, &lost);
    }
    if (!ok && !g_error_matches(lost, WSI_ERROR, WSI_ERROR_LOST)) {
        g_propagate_error(error, g_steal_pointer(&lost));
        return FALSE;
    }
    if (full) {
        g_propagate_error(error, g_error_copy(why));
    }
    return !full;
}

/* Processors for a job of a slide: all, divided by the number of jobs that run or are ready.  Results do not depend on it. */
static int slide_threads(Store *store, int processors)
{
    int counts[JOB_CANCELLED + 1];
    return store_counts(store, counts, NULL)
               ? pool_threads_per_job(processors, counts[JOB_READY] + counts[JOB_LEASED])
               : 1;
}

/* The slide must be the planned one from beginning to end. */
static gboolean run_stage(const Stage *stage, Work *work, GError **error)
{
    return work_check_slides(work, error) && stage->run(work, error) && work_check_slides(work, error);
}

static gboolean do_job(const Run *run, Store *store, const Job *job, const WorkerSpec *spec, GError **error)
{
    const Stage *stage = stage_find(job->stage);
    g_autoptr(GError) why = NULL;
    g_autoptr(GPtrArray) outputs = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    g_autoptr(GPtrArray) inputs = store_inputs(store, job, &why);
    g_autoptr(Records) records = inputs ? records_read(run->folder, inputs, &why) : NULL;
    Work work = {.run = run,
                 .slide = stage && stage->scope == SCOPE_SLIDE ? entry_of(run, job->unit) : NULL,
                 .store = store,
                 .job = job,
                 .inputs = inputs,
                 .records = records,
                 .outputs = outputs,
                 .threads = stage && stage->scope == SCOPE_COHORT ? spec->threads
                                                                  : slide_threads(store, spec->threads),
                 .stop = &stop_asked};
    if (records && (!stage || (stage->scope == SCOPE_SLIDE && !work.slide))) {
        g_set_error(&why, WSI_ERROR, WSI_ERROR_INTERNAL, "unknown stage %s or slide %s", job->stage,
                    job->unit);
    } else if (records &&
               !(run_stage(stage, &work, &why) && former_files_remove(store, job, run->folder, &why)) &&
               !why) {
        g_set_error(&why, WSI_ERROR, WSI_ERROR_INTERNAL, "stage %s failed without a reason", job->stage);
    }
    return record_end(store, &work, why, spec->patience, error);
}

/* Whether this worker may still get a job. */
static gboolean work_left(Store *store, gboolean *left, GError **error)
{
    int counts[JOB_CANCELLED + 1];
    if (!store_counts(store, counts, error)) {
        return FALSE;
    }
    *left = counts[JOB_READY] + counts[JOB_LEASED] + counts[JOB_WAITING] > 0;
    return TRUE;
}

static gboolean work_loop(const Run *run, Store *store, const WorkerSpec *spec, Heartbeat *heartbeat,
                          GError **error)
{
    while (!g_atomic_int_get(&stop_asked)) {
        GError *why = NULL;
        g_autoptr(Job) job = store_claim(store, spec->owner, LEASE_SECONDS, &why);
        gboolean left = TRUE;
        if (why) {
            g_propagate_error(error, why);
            return FALSE;
        }
        if (!job) {
            if (!work_left(store, &left, error)) {
                return FALSE;
            }
            if (!left) {
                return TRUE;
            }
            g_usleep(50000);
            continue;
        }
        heartbeat_follow(heartbeat, job);
        gboolean ok = do_job(run, store, job, spec, error);
        heartbeat_follow(heartbeat, NULL);
        if (!ok) {
            return FALSE;
        }
        g_atomic_int_compare_and_exchange(&stop_asked, WSI_ERROR_LOST,
                                          0); /* only the job was lost, not the worker */
    }
    return TRUE;
}

/* The supervisor may have ended before prctl was called; then no signal comes. */
static gboolean follow_supervisor(int supervisor, GError **error)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* do not outlive the supervisor */
    if (getppid() != supervisor) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_CANCELLED, "the supervisor (process %d) has ended",
                    supervisor);
    }
    return getppid() == supervisor;
}

/* EXIT_TRY_AGAIN for faults of the system. */
static int exit_code_of(GError **error)
{
    return error && *error && wsi_error_is_system(*error) ? EXIT_TRY_AGAIN : EXIT_FAILED;
}

int worker_main(const WorkerSpec *spec, GError **error)
{
    signal(SIGTERM, on_stop);
    signal(SIGINT, SIG_IGN); /* the supervisor passes a stop on by SIGTERM */
    signal(SIGHUP, SIG_IGN);
    if (!follow_supervisor(spec->supervisor, error)) {
        return EXIT_FAILED;
    }
    g_autoptr(Config) config = stored_config_read(spec->folder, error);
    g_autoptr(Store) store = config ? store_open(spec->folder, error) : NULL;
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    Heartbeat heartbeat = {0};
    if (!cohort || !store_worker_begin(store, spec->owner, error) ||
        !heartbeat_start(&heartbeat, spec->folder, error)) {
        return exit_code_of(error);
    }
    Run run = {config, cohort->slides, spec->folder, cohort};
    store_set_grace(store, BEAT_SECONDS);
    gboolean ok = work_loop(&run, store, spec, &heartbeat, error);
    heartbeat_stop(&heartbeat);
    store_worker_end(store, spec->owner);
    gboolean stopped = g_atomic_int_get(&stop_asked) == WSI_ERROR_CANCELLED;
    return !ok ? exit_code_of(error) : stopped ? EXIT_INTERRUPTED : EXIT_DONE;
}

/* A worker: claims jobs, does them, publishes, until nothing is left.
 *
 * The lease is kept alive by a thread with a connection of its own; when the lease is lost or a stop is asked for, `stop` tells the
 * stage, which ends at its next safe place.  The same connection is the fence of base/durable: a file gets its final name only while the
 * lease is ours, so a worker that slept while others went on cannot put an old file over theirs.  Stages of the cohort run when little else can, so they get all processors; a job
 * of a slide gets its fraction: one where the cohort is large, all where it is the only job. */
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/config/stored_config.h"
#include "pipeline/run/worker.h"
#include "pipeline/cohort/stored_cohort.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LEASE_SECONDS 60
#define BEAT_SECONDS 10

static gint stop_asked; /* atomic: set by the signal handler and the heartbeat */

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
} Heart;

static void beat(Heart *heart)
{
    g_autoptr(GError) error = NULL;
    gint64 now = g_get_monotonic_time();
    if (!heart->job || store_heartbeat(heart->store, heart->job, LEASE_SECONDS, &error)) {
        heart->last_beat = now;
        return;
    }
    gboolean lost = g_error_matches(error, WSI_ERROR, WSI_ERROR_LOST);
    if (!lost && now - heart->last_beat < LEASE_SECONDS * G_USEC_PER_SEC) {
        return; /* there are beats left before the lease runs out */
    }
    if (g_atomic_int_compare_and_exchange(&stop_asked, 0, WSI_ERROR_LOST) && !lost) {
        fprintf(stderr, "no heartbeat could be sent for %d s: %s\n", LEASE_SECONDS, error->message);
    }
}

static gpointer heart_main(gpointer data)
{
    Heart *heart = data;
    g_mutex_lock(&heart->lock);
    while (!heart->end) {
        gint64 until = g_get_monotonic_time() + BEAT_SECONDS * G_USEC_PER_SEC;
        while (!heart->end && g_cond_wait_until(&heart->ended, &heart->lock, until)) {
        }
        if (!heart->end) {
            beat(heart);
        }
    }
    g_mutex_unlock(&heart->lock);
    return NULL;
}

/* The fence: called by any thread that publishes. */
static gboolean fence_begin(void *data, GError **error)
{
    Heart *heart = data;
    g_mutex_lock(&heart->lock);
    if (heart->job && store_lease_hold(heart->store, heart->job, error)) {
        return TRUE;
    }
    if (!heart->job) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST, "there is no job to publish for");
    }
    g_mutex_unlock(&heart->lock);
    return FALSE;
}

static void fence_end(void *data)
{
    Heart *heart = data;
    store_lease_release(heart->store);
    g_mutex_unlock(&heart->lock);
}

/* FALSE when the job table cannot be opened a second time: without heartbeat and fence no work is safe. */
static gboolean heart_start(Heart *heart, const char *folder, GError **error)
{
    static DurableFence fence;
    heart->store = store_open(folder, error);
    if (!heart->store) {
        g_prefix_error(error, "the heartbeat needs the job table: ");
        return FALSE;
    }
    g_mutex_init(&heart->lock);
    g_cond_init(&heart->ended);
    heart->last_beat = g_get_monotonic_time();
    fence = (DurableFence){fence_begin, fence_end, heart};
    durable_set_fence(&fence);
    heart->thread = g_thread_new("heartbeat", heart_main, heart);
    return TRUE;
}

static void heart_stop(Heart *heart)
{
    g_mutex_lock(&heart->lock);
    heart->end = TRUE;
    g_cond_signal(&heart->ended);
    g_mutex_unlock(&heart->lock);
    g_thread_join(heart->thread);
    durable_set_fence(NULL);
    store_free(heart->store);
    g_mutex_clear(&heart->lock);
    g_cond_clear(&heart->ended);
}

static void heart_follow(Heart *heart, const Job *job)
{
    g_mutex_lock(&heart->lock);
    heart->job = job;
    heart->last_beat = g_get_monotonic_time(); /* a claim is a beat */
    g_mutex_unlock(&heart->lock);
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

/* For how many seconds an attempt that the system failed is tried again; -1 = as long as the run lasts. */
static int patience_for(const GError *why, int patience)
{
    static const struct {
        WsiErrorCode code;
        int most;
    } limits[] = {
        {WSI_ERROR_ABSENT, 120}, /* a share that comes back, or a file that somebody removed */
        {WSI_ERROR_MEMORY, 600}, /* other programs end, or the job never fits */
        {WSI_ERROR_FULL, -1},    /* the supervisor pauses the run, and ends it when that lasts */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (g_error_matches(why, WSI_ERROR, (gint)limits[i].code)) {
            return limits[i].most < 0 ? -1 : MIN(patience, limits[i].most);
        }
    }
    return patience;
}

/* Records how the attempt ended.  FALSE when the job table itself fails, or when there is no room for any job. */
static gboolean resolve(Store *store, const Work *work, GError *why, int patience, GError **error)
{
    const Job *job = work->job;
    g_autoptr(GError) lost = NULL;
    gboolean ok, full = why && g_error_matches(why, WSI_ERROR, WSI_ERROR_FULL);
    if (!why) {
        ok = store_finish(store, job, work->outputs, &lost);
    } else if (g_error_matches(why, WSI_ERROR, WSI_ERROR_CANCELLED)) {
        ok = store_release(store, job, &lost);
    } else if (g_error_matches(why, WSI_ERROR, WSI_ERROR_LOST)) {
        ok = TRUE; /* somebody else has it: publish nothing, say nothing */
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

/* Processors for a job of a slide: all, shared among the jobs that run or could.  Results do not depend on it. */
static int slide_threads(Store *store, int processors)
{
    int counts[JOB_CANCELLED + 1];
    return store_counts(store, counts, NULL)
               ? pool_threads_per_job(processors, counts[JOB_READY] + counts[JOB_LEASED])
               : 1;
}

/* With the slide that the run was planned with, from beginning to end. */
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
        g_set_error(&why, WSI_ERROR, WSI_ERROR_INTERNAL, "no stage %s or no slide %s", job->stage, job->unit);
    } else if (records && !run_stage(stage, &work, &why) && !why) {
        g_set_error(&why, WSI_ERROR, WSI_ERROR_INTERNAL, "stage %s failed without saying why", job->stage);
    }
    return resolve(store, &work, why, spec->patience, error);
}

/* Whether jobs are left that this worker may still get. */
static gboolean work_left(Store *store, gboolean *left, GError **error)
{
    int counts[JOB_CANCELLED + 1];
    if (!store_counts(store, counts, error)) {
        return FALSE;
    }
    *left = counts[JOB_READY] + counts[JOB_LEASED] + counts[JOB_WAITING] > 0;
    return TRUE;
}

static gboolean work_loop(const Run *run, Store *store, const WorkerSpec *spec, Heart *heart, GError **error)
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
        heart_follow(heart, job);
        gboolean ok = do_job(run, store, job, spec, error);
        heart_follow(heart, NULL);
        if (!ok) {
            return FALSE;
        }
        g_atomic_int_compare_and_exchange(&stop_asked, WSI_ERROR_LOST, 0); /* only that job was lost */
    }
    return TRUE;
}

/* The supervisor may have been killed before the kernel was asked to tell of its death. */
static gboolean follow_supervisor(int supervisor, GError **error)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* do not outlive the supervisor */
    if (getppid() != supervisor) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_CANCELLED, "the supervisor (process %d) has ended",
                    supervisor);
    }
    return getppid() == supervisor;
}

/* EXIT_TRY_AGAIN when the system is to blame. */
static int failed_by(GError **error)
{
    return error && *error && wsi_error_is_system(*error) ? EXIT_TRY_AGAIN : EXIT_FAILED;
}

int worker_main(const WorkerSpec *spec, GError **error)
{
    signal(SIGTERM, on_stop);
    signal(SIGINT, SIG_IGN); /* the supervisor passes a stop on */
    signal(SIGHUP, SIG_IGN);
    if (!follow_supervisor(spec->supervisor, error)) {
        return EXIT_FAILED;
    }
    g_autoptr(Config) config = stored_config_read(spec->folder, error);
    g_autoptr(Store) store = config ? store_open(spec->folder, error) : NULL;
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    Heart heart = {0};
    if (!cohort || !store_worker_begin(store, spec->owner, error) ||
        !heart_start(&heart, spec->folder, error)) {
        return failed_by(error);
    }
    Run run = {config, cohort->slides, spec->folder, cohort};
    store_set_grace(store, BEAT_SECONDS);
    gboolean ok = work_loop(&run, store, spec, &heart, error);
    heart_stop(&heart);
    store_worker_end(store, spec->owner);
    gboolean stopped = g_atomic_int_get(&stop_asked) == WSI_ERROR_CANCELLED;
    return !ok ? failed_by(error) : stopped ? EXIT_INTERRUPTED : EXIT_DONE;
}

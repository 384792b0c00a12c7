/* The job table: jobs, attempts, artefacts and slides of one run folder, in SQLite.
 *
 * A job is (stage, unit); its key is SHA-256(configuration hash, input hash, names and SHA-256 of the artefacts of the jobs it
 * needs).  A job is done when it was done under this very key and its artefacts are in place, so the same work is never
 * done twice, and a changed configuration or input re-runs only what it affects.
 *
 *   waiting --all needed jobs ended--> ready --claim--> leased --finish--> done
 *      |                                 ^                |---wrong input, or the third crash--> parked
 *      |--a hard need was parked--> cancelled             |---the worker died--> ready
 *                                                        |---the system failed--> ready after a wait
 *
 * A claim is one UPDATE ... RETURNING and gives a lease with a fencing token (the attempt number).  Heartbeat, progress and finish carry it
 * and fail with WSI_ERROR_LOST when the lease has gone to another worker.  Finishing a job, recording its artefacts and moving on the jobs
 * that waited for it are one transaction.
 * A Store belongs to one thread at a time; never use one across fork.  flock on DIRECTORY/wsiflow.lock serialises the writers of all
 * processes, which also removes the concurrency that the WAL-reset bug of SQLite before 3.51.3 needs. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Store Store;

typedef enum { JOB_WAITING, JOB_READY, JOB_LEASED, JOB_DONE, JOB_PARKED, JOB_CANCELLED } JobState;
const char *job_state_name(JobState state);

/* A published file.  name: what the stages call it ("mask", "tiles").  A name that begins with a dot is for people only: it is in no key, so a
 * change re-runs no job.  path: relative to the run folder. */
typedef struct {
    char *name, *path, sha256[65];
    int64_t
        bytes; /* or ARTEFACT_FOR_NOW: the file counts in this run, and for the next plan it is not in place */
} Artefact;
#define ARTEFACT_FOR_NOW (-1)
Artefact *artefact_new(const char *name, const char *path, const char *sha256, int64_t bytes);
void artefact_free(Artefact *artefact);

typedef struct {
    int64_t id;
    char *stage, *unit, *key;
    int attempt; /* fencing token */
} Job;
void job_free(Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

/* Opens or creates DIRECTORY/wsiflow.db.  Refuses network file systems, foreign files, newer schemas and damaged files. */
Store *store_open(const char *directory, GError **error);
/* As store_open, for reading an existing run only.  Needs no write permission.  Waits at most STORE_WAIT seconds for the lock. */
#define STORE_WAIT 10
Store *store_open_existing(const char *directory, GError **error);
/* From now on writes wait at most so many seconds for the table's lock, then fail with WSI_ERROR_IO; 0, the default of store_open: for ever.
 * For callers that must notice when another process holds the lock and makes no progress. */
void store_bound_wait(Store *store, int seconds);
/* FALSE with WSI_ERROR_LOST when DIRECTORY/wsiflow.db is no longer the file that was opened: the folder was moved, removed or replaced, and a write
 * would go to a file that nobody sees.  For a Store that lives long beside people who tidy up. */
gboolean store_in_place(const Store *store, GError **error);
void store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* ---- planning: by the supervisor, before workers start ---- */
/* Ends workers that an earlier supervisor left in the folder.  They get three seconds to end by themselves, then SIGKILL, then up to
 * `patience` seconds until they are gone.  Call it before opening the Store: a stopped worker may hold the table's lock.  FALSE with error
 * when one does not end. */
gboolean store_end_workers(const char *directory, int patience, GError **error);
typedef struct {
    const char *stage, *unit;
    const char *config_hash; /* of the part of the configuration that the stage reads */
    const char *input_hash;  /* of what it reads from outside the run; "" = nothing */
    int priority;            /* lower first */
} PlanJob;
typedef enum {
    NEED_SOFT, /* the job also runs without the result of `needs` */
    NEED_HARD, /* it cannot */
    NEED_TOLD  /* soft, and the job tells people why `needs` failed: the reason is part of its key */
} NeedKind;
typedef struct {
    int job, needs; /* indices into the array of PlanJob; needs < job */
    NeedKind kind;
} PlanNeed;
/* Makes the table describe exactly this plan, in one transaction.  Jobs that are no longer wanted become 'gone', those whose key is unchanged
 * stay done (or parked), and the rest become waiting or ready.  Leases of dead workers are returned.  A job with an artefact that is missing
 * or has another size becomes ready again. */
gboolean store_plan(Store *store, const PlanJob *jobs, int job_count, const PlanNeed *needs, int need_count,
                    GError **error);

/* ---- work: by the workers ---- */
/* Holds DIRECTORY/workers/OWNER.lock until store_worker_end, store_free or the death of the process.  While it is held, nobody takes the
 * leases of OWNER.  store_claim calls this itself.  A worker that forks without exec passes the lock on to its child. */
gboolean store_worker_begin(Store *store, const char *owner, GError **error);
void store_worker_end(Store *store, const char *owner);
/* The next ready job; NULL without error when none is ready now.  Others may become ready when a job ends or a stalled one has waited, so
 * ask store_counts whether anything is left. owner: unique per worker process.  Leases that ran out (their worker lives but hangs) first
 * count a crash, as in store_worker_died. */
Job *store_claim(Store *store, const char *owner, int lease_seconds, GError **error);
/* This Store takes away a lease that ran out only after it has asked for jobs without a gap for so many seconds (0 by default).  A suspension
 * of the whole run does not stop the clock; after one, the holder of a lease first gets time to give a sign of life. */
void store_set_grace(Store *store, int seconds);
gboolean store_heartbeat(Store *store, const Job *job, int lease_seconds, GError **error);
/* Checks that the lease is still ours and locks the table until store_lease_release, so that nobody can take the lease, plan or publish
 * meanwhile.  FALSE with WSI_ERROR_LOST when the lease has gone to another worker.  Hold it for a rename, not for work. */
gboolean store_lease_hold(Store *store, const Job *job, GError **error);
void store_lease_release(Store *store);
/* Progress of a job, for people: `done` of `total` `what` ("tiles", "epochs"). */
gboolean store_progress(Store *store, const Job *job, int64_t done, int64_t total, const char *what,
                        GError **error);
/* An artefact and the job that published it. */
typedef struct {
    char *stage, *unit;
    Artefact *artefact;
} JobInput;
/* The artefacts of the done jobs that this one needs: array of JobInput*, owned, in plan order.  Caller unrefs; NULL with error. */
GPtrArray *store_inputs(Store *store, const Job *job, GError **error);
/* Records the artefacts (array of Artefact*, may be empty), marks the job done, and moves on the jobs that waited for it. */
gboolean store_finish(Store *store, const Job *job, const GPtrArray *artefacts, GError **error);
/* Ends the attempt because the input is wrong: the job is parked. */
gboolean store_fail(Store *store, const Job *job, const char *message, GError **error);
/* Ends the attempt because the system failed, which says nothing about the job: it does not count, and the job is ready again after a wait
 * that doubles from 2 s to 5 min, +-25 %.  The job is parked when it has stalled without a break for `patience` seconds; -1: never. */
gboolean store_stall(Store *store, const Job *job, const char *message, int patience, GError **error);
/* Gives a job back at a clean stop: the attempt does not count. */
gboolean store_release(Store *store, const Job *job, GError **error);
/* The supervisor saw the worker die: its leased job counts a crash and becomes ready, or parked after the third. last_words: what the worker
 * printed last. */
gboolean store_worker_died(Store *store, const char *owner, const char *last_words, GError **error);
/* The supervisor saw the worker give up because the system failed it: its job is ready again, and nothing is counted. */
gboolean store_worker_left(Store *store, const char *owner, GError **error);
/* Parked jobs, and those cancelled because of them, become waiting or ready again with no failures counted. unit: only of this one; NULL =
 * all.  Returns how many, -1 on error. */
int store_retry(Store *store, const char *unit, GError **error);

/* ---- queries ---- */
typedef struct {
    char *stage, *unit, *error; /* error: why the last attempt ended, or NULL */
    JobState state;
    int attempt;
    int64_t done, total; /* progress, in units of `what` */
    char *what;
    double seconds; /* that the finished attempt took, or the running one so far */
    int stalls;     /* of a ready job: how often in a row the system failed it; error says why */
    double wait;    /* seconds until it is tried again */
} JobRow;
void job_row_free(JobRow *row);
/* All jobs in plan order: array of JobRow*, owned. */
GPtrArray *store_jobs(Store *store, GError **error);
/* All artefacts: array of JobInput*, owned, in plan order. */
GPtrArray *store_artefacts(Store *store, GError **error);
/* The paths of what this job published with other keys, in order: array of char*, owned.  Caller unrefs; NULL with error. */
GPtrArray *store_former_paths(Store *store, const Job *job, GError **error);
/* The paths of what was published and is not an artefact of a done job now, in order: array of char*, owned.  Caller unrefs; NULL with error. */
GPtrArray *store_stale_paths(Store *store, GError **error);
/* The units of all jobs that were ever planned, also those no longer wanted: set of owned texts. */
GHashTable *store_units(Store *store, GError **error);
/* How many jobs are in each state. */
gboolean store_counts(Store *store, int counts[JOB_CANCELLED + 1], GError **error);
/* Notes are small facts of a run: configuration text, versions, start. */
gboolean store_set_note(Store *store, const char *name, const char *text, GError **error);
char *store_get_note(Store *store, const char *name, GError **error); /* NULL without error when absent */
/* Name and version of the library of this room.  Caller frees. */
char *db_versions(void);

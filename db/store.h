/* The job table: jobs, attempts, artefacts and slides of one run folder, in SQLite.
 *
 * A job is (stage, unit); its key is SHA-256(configuration hash, input hash, names and SHA-256 of the artefacts of the jobs it
 * needs).  A job is done when it was done with this very key and its artefacts are there: the same work is never
 * done twice, and a changed configuration or input re-runs only what it changes.
 *
 *   waiting --all needed jobs ended--> ready --claim--> leased --finish--> done
 *      |                                 ^                |---error of INPUT kind, or the third crash--> parked
 *      |--a hard need was parked--> cancelled             |---the worker died--> ready
 *                                                        |---the system failed--> ready after a wait, for an hour
 *
 * A claim is one UPDATE ... RETURNING and gives a lease with a fencing token (the attempt number): heartbeat, progress and finish
 * carry it and fail with WSI_ERROR_LOST when the lease has gone to somebody else.  Finishing a job, recording its
 * artefacts and releasing the jobs that waited for it happen in one transaction.
 * A Store is used by one thread at a time; never use one across fork.  The writers of all processes are serialised by
 * flock on DIRECTORY/wsiflow.lock, which also removes the concurrency that the WAL-reset bug of SQLite < 3.51.3 needs. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Store Store;

typedef enum { JOB_WAITING, JOB_READY, JOB_LEASED, JOB_DONE, JOB_PARKED, JOB_CANCELLED } JobState;
const char *job_state_name(JobState state);

/* A published file.  name: what it is to the stages ("mask", "tiles"), with a dot before it when it is for people only: then it is in no key,
 * and no job is done again because it changed; path: relative to the run folder. */
typedef struct {
    char *name, *path, sha256[65];
    int64_t bytes;
} Artefact;
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
/* As store_open, but only for reading an existing run; the right to write is not needed, and the lock is waited for for STORE_WAIT seconds. */
#define STORE_WAIT 10
Store *store_open_existing(const char *directory, GError **error);
/* Writes wait for the lock of the table for so many seconds at most, then fail with WSI_ERROR_IO; 0 (of store_open): for ever.  For those who
 * must notice when another process holds it and does not go on. */
void store_bound_wait(Store *store, int seconds);
void store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* ---- planning: by the supervisor, before workers start ---- */
/* Ends workers that an earlier supervisor left in the folder: some seconds to end by themselves, then SIGKILL, then up to `patience`
 * seconds until they are gone.  Called before the Store is opened: a stopped worker may hold the table's lock.  FALSE with error when
 * one does not end. */
gboolean store_end_workers(const char *directory, int patience, GError **error);
typedef struct {
    const char *stage, *unit;
    const char *config_hash; /* of the part of the configuration that the stage reads */
    const char *input_hash;  /* of what it reads from outside of the run; "" = nothing */
    int priority;            /* lower first */
} PlanJob;
typedef struct {
    int job, needs; /* indices into the array of PlanJob; needs < job */
    gboolean hard;  /* the job makes no sense when `needs` has no result; a soft need may be missing */
} PlanNeed;
/* Makes the table describe exactly this plan, in one transaction: jobs that are no longer wanted go, those whose key still
 * holds stay done (or parked), the rest become waiting or ready.  Leases left over from dead workers are returned.
 * An artefact that is missing or has another size makes its job ready again. */
gboolean store_plan(Store *store, const PlanJob *jobs, int job_count, const PlanNeed *needs, int need_count,
                    GError **error);

/* ---- work: by the workers ---- */
/* Holds DIRECTORY/workers/OWNER.lock until store_worker_end, store_free or the death of the process: the sign that the
 * leases of OWNER are not to be taken.  store_claim does it when it was not done.  A worker that forks without exec
 * hands the lock on to its child. */
gboolean store_worker_begin(Store *store, const char *owner, GError **error);
void store_worker_end(Store *store, const char *owner);
/* The next ready job, or NULL without error when none is ready now: others may become ready when a job ends, or when a
 * stalled one has waited, so ask store_counts whether anything is left. owner: unique per worker
 * process.  Leases that ran out (their worker lives but is hung) count a crash first, as in store_worker_died. */
Job *store_claim(Store *store, const char *owner, int lease_seconds, GError **error);
/* A lease that ran out is judged only by a Store that has asked for jobs without a gap for so many seconds (0 until this is called): after a
 * suspension of the whole run, which stops the clock of nobody, the holder gets the time to give a sign of life first. */
void store_set_grace(Store *store, int seconds);
gboolean store_heartbeat(Store *store, const Job *job, int lease_seconds, GError **error);
/* Holds the table as it is as long as this lease is ours: until store_lease_release nobody can take it, plan or publish.  FALSE with
 * WSI_ERROR_LOST when it went to somebody else.  To be held for a rename, not for work. */
gboolean store_lease_hold(Store *store, const Job *job, GError **error);
void store_lease_release(Store *store);
/* Progress inside of a job, for people: done of total `what` ("tiles", "epochs"). */
gboolean store_progress(Store *store, const Job *job, int64_t done, int64_t total, const char *what,
                        GError **error);
/* The artefacts of the jobs that this one needs: rows (stage, unit, artefact). Caller unrefs. */
typedef struct {
    char *stage, *unit;
    Artefact *artefact;
} JobInput;
GPtrArray *store_inputs(Store *store, const Job *job, GError **error);
/* Records the artefacts (array of Artefact*, may be empty), marks the job done, releases what waited. */
gboolean store_finish(Store *store, const Job *job, const GPtrArray *artefacts, GError **error);
/* Ends the attempt without result, since the input is wrong: the job is parked. */
gboolean store_fail(Store *store, const Job *job, const char *message, GError **error);
/* Ends the attempt since the system failed, which says nothing about the job: no attempt is spent, and it is ready again after a wait
 * that doubles from 2 s to 5 min, +-25 %.  It is parked when it has stalled without a break for `patience` seconds; -1: never. */
gboolean store_stall(Store *store, const Job *job, const char *message, int patience, GError **error);
/* Gives a job back without spending an attempt (a clean stop). */
gboolean store_release(Store *store, const Job *job, GError **error);
/* The supervisor saw the worker die: its leased job counts a crash and becomes ready, or parked after three. last_words: what
 * it printed last. */
gboolean store_worker_died(Store *store, const char *owner, const char *last_words, GError **error);
/* The supervisor saw the worker give up since the system failed it: what it holds is ready again and counts nothing. */
gboolean store_worker_left(Store *store, const char *owner, GError **error);
/* Parked (and so cancelled) jobs become waiting or ready again, attempts 0. unit NULL = all.  Returns how many, -1 on error. */
int store_retry(Store *store, const char *unit, GError **error);

/* ---- looking ---- */
typedef struct {
    char *stage, *unit, *error; /* error: the last words, or NULL */
    JobState state;
    int attempt;
    int64_t done, total; /* progress */
    char *what;
    double seconds; /* of the attempt that finished, or so far */
    int stalls;     /* how often in a row the system failed it; it is ready, and error says why */
    double wait;    /* seconds until it is tried again */
} JobRow;
void job_row_free(JobRow *row);
/* All jobs in plan order: array of JobRow*, owned. */
GPtrArray *store_jobs(Store *store, GError **error);
/* All artefacts: array of JobInput*, owned, in plan order. */
GPtrArray *store_artefacts(Store *store, GError **error);
/* The units of all jobs that there ever were, also of those that are no longer wanted: set of owned texts. */
GHashTable *store_units(Store *store, GError **error);
/* How many jobs are in each state. */
gboolean store_counts(Store *store, int counts[JOB_CANCELLED + 1], GError **error);
/* Small facts of a run: configuration text, versions, start. */
gboolean store_set_note(Store *store, const char *name, const char *text, GError **error);
char *store_get_note(Store *store, const char *name, GError **error); /* NULL without error when absent */
char *db_versions(void);

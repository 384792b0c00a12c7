/* Inside db/: the Store, and what its files need of each other.
 *
 * From the bottom up: sql and guard; schema, snapshot, artefact_files; transaction; attempt; resolve; attempt_end; lease and plan_jobs.
 * store.c opens and closes, query.c reads. */
#pragma once
#include "db/sql.h"
#include "db/store.h"
#include <sys/types.h>

struct Store {
    Sql *sql;
    char *directory;
    struct {
        dev_t device;
        ino_t inode;
    } table;          /* wsiflow.db when it was opened */
    int guard;        /* descriptor of wsiflow.lock */
    int lock_seconds; /* how long to wait for it; 0: for ever */
    char *snapshot;   /* folder of the copy that is read, or NULL */
    struct {
        /* Monotonic us: how long it must last, since when without a gap, and last time. */
        int64_t grace, since, last;
    } watch;             /* over leases that run out */
    GHashTable *workers; /* owner -> descriptor of its lock, held until store_worker_end or store_free */
    GHashTable *known;   /* path -> KnownFile: content hashes, computed outside transactions */
    GPtrArray *unknown;  /* char*: paths whose hash the running transaction needs */
};

/* ---- schema.c ---- */
/* Configures the connection, refuses files that are not ours, and with `write` creates or updates the tables. */
gboolean schema_open(Sql *sql, gboolean write, GError **error);
/* Reads every page: 50 ms for 10,000 jobs, so call it outside the guard lock. */
gboolean schema_check(Sql *sql, GError **error);

/* ---- snapshot.c ---- */
/* Whether the table in `directory` cannot be opened by a process with our rights. */
gboolean snapshot_needed(const char *directory);
/* A new folder with a copy of the table; NULL with error.  Caller removes it with snapshot_remove and frees the text. */
char *snapshot_make(const char *directory, int guard, int lock_seconds, GError **error);
void snapshot_remove(const char *folder);

/* ---- artefact_files.c ---- */
/* Whether the artefacts of (job, key) are in place.  present: this very key wrote the paths last, so comparing sizes is enough; otherwise
 * contents are compared.  Contents are never read inside a transaction: paths whose hash is not known are added to store->unknown and taken
 * for intact, and the transaction must run again after artefact_files_hash. */
gboolean artefact_files_intact(Store *store, int64_t job, const char *key, gboolean present, gboolean *intact,
                               GError **error);
/* Hashes the files of store->unknown and empties it. */
void artefact_files_hash(Store *store);

/* ---- transaction.c ---- */
typedef gboolean (*StoreWork)(Store *store, const void *data, GError **error);
/* Runs `work` in a write transaction: all of it or nothing.  `work` may run more than once (artefact_files.c). */
gboolean store_write(Store *store, StoreWork work, const void *data, GError **error);
/* Seconds since 1970, for people. */
double store_now(void);

/* ---- attempt.c: in a transaction ---- */
/* Records the end of an attempt. outcome: done, failed, crashed, released, lost.  parks: the attempt parked the job's key. */
gboolean attempt_close(Store *store, int64_t job, int attempt, const char *outcome, const char *message,
                       gboolean parks, GError **error);
/* `changed`: how many rows a statement changed that carries the worker's token.  FALSE when there are none (WSI_ERROR_LOST: the lease is gone)
 * or it failed (-1). */
gboolean attempt_check_lease(int changed, const Job *job, GError **error);

/* ---- resolve.c: in a transaction ---- */
/* Brings all jobs of the plan into the states that follow from their needs, in plan order. */
gboolean resolve_all(Store *store, GError **error);
/* A job has ended: moves on the waiting jobs that need it, and theirs when they end as a result. */
gboolean resolve_dependants(Store *store, int64_t job, GError **error);

/* ---- attempt_end.c: in a transaction ---- */
/* Leases that ran out count a crash. */
gboolean attempt_crash_expired(Store *store, const void *unused, GError **error);
/* Jobs that `owner` holds are ready again, and nothing is counted. */
gboolean attempt_return_leases(Store *store, const char *owner, const char *why, GError **error);

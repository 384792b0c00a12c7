/* What the files of db/ share. */
#pragma once
#include "db/sql.h"
#include "db/store.h"

struct Store {
    Sql *sql;
    char *directory;
    int guard;        /* descriptor of wsiflow.lock */
    int lock_seconds; /* how long it is waited for; 0: for ever */
    char *snapshot;   /* folder of the copy that is read, or NULL */
    struct {
        int64_t grace, since, last; /* monotonic us: how long, since when without a gap, and when last */
    } watch;                        /* of leases that ran out */
    GHashTable *workers; /* owner -> descriptor of its lock, held until store_worker_end or store_free */
    GHashTable *known;   /* path -> KnownFile: content hashes taken outside of transactions */
    GPtrArray *unknown;  /* paths whose content the transaction that runs wants to know */
};

/* ---- schema.c ---- */
/* Sets the connection up, refuses what is not ours, and makes or updates the tables when `write`. */
gboolean schema_open(Sql *sql, gboolean write, GError **error);
/* Reads every page: 50 ms for 10,000 jobs, so not inside of the guard. */
gboolean schema_check(Sql *sql, GError **error);

/* ---- store.c ---- */
typedef gboolean (*StoreWork)(Store *store, const void *data, GError **error);
/* Runs `work` in a write transaction: all of it or nothing.  It may run more than once (files.c). */
gboolean store_write(Store *store, StoreWork work, const void *data, GError **error);
/* Seconds since 1970, for people. */
double store_now(void);
/* Ends an attempt of a job in the history. outcome: done, failed, crashed, released, lost. */
gboolean store_end_attempt(Store *store, int64_t job, int attempt, const char *outcome, const char *message,
                           gboolean parks, GError **error);

/* TRUE when a statement of a worker changed a row; otherwise its lease is gone (WSI_ERROR_LOST). */
gboolean store_still_ours(int changed, const Job *job, GError **error);

/* ---- snapshot.c ---- */
/* Whether the table in `directory` cannot be opened by a process with our rights. */
gboolean snapshot_needed(const char *directory);
/* A new folder with a copy of the table; NULL with error.  Caller removes it with snapshot_remove, and frees the text. */
char *snapshot_make(const char *directory, int guard, int lock_seconds, GError **error);
void snapshot_remove(const char *folder);

/* ---- attempt_end.c ---- */
/* In a transaction: leases that ran out count a crash. */
gboolean store_crash_expired(Store *store, const void *unused, GError **error);
/* In a transaction: what OWNER holds is ready again, and counts nothing. */
gboolean store_return_leases(Store *store, const char *owner, const char *why, GError **error);

/* ---- files.c ---- */
/* Whether the artefacts of (job, key) are in place.  present: the paths were last written for this very key, so the sizes
 * are enough; otherwise the contents count.  Contents are never read inside a transaction: those not known yet are
 * noted in store->unknown, taken for intact, and the transaction is to be tried again after files_learn. */
gboolean files_intact(Store *store, int64_t job, const char *key, gboolean present, gboolean *intact,
                      GError **error);
/* Hashes the files of store->unknown and empties it. */
void files_learn(Store *store);

/* ---- resolve.c ---- */
/* Brings all jobs of the plan into the states that follow from their needs, in plan order. */
gboolean resolve_all(Store *store, GError **error);
/* A job has ended: moves on the waiting jobs that need it, and theirs when they end thereby. */
gboolean resolve_dependants(Store *store, int64_t job, GError **error);

/* The tables of the job table's file, and the checks before it is opened.
 *
 * Step n of the list below leads from schema n to n + 1 (user_version), so a new file and an old one take the same way.  A released step
 * never changes; a later need is a further step.
 *
 * job      one row for every (stage, unit) that was ever planned.  Rows outside the present plan are 'gone' but keep their history, so a
 *          slide that comes back is not computed again.
 * need     the edges of the present plan.
 * attempt  every lease ever given, with its outcome.  parks: this attempt parked its key.
 * artefact the published files of every key that was done; paths are relative to the run folder.
 * note     small facts of the run.
 * review, review_region, review_drawn, review_change: what people say of the results (review.h).  No plan touches them.
 *
 * job.key      the key from the last time that all needs had ended.
 * job.holds    the key whose files are in place; NULL while an attempt may be overwriting them.
 * job.attempt  the fencing token; it only grows.
 * job.stalls, job.stalled_at: how often in a row the system failed the job, and since when.
 * job.run_after, job.deadline, job.stalled_at: microseconds of CLOCK_MONOTONIC.  store_plan resets them, so a reboot does no harm.  This
 *          clock stops while the machine sleeps, so leases do not run out overnight. */
#include "db/store_private.h"
#include "base/error.h"

#define APPLICATION_ID 0x57534946 /* "WSIF" */

static const char *const steps[] = {
    "CREATE TABLE job("
    "  id INTEGER PRIMARY KEY,"
    "  stage TEXT NOT NULL, unit TEXT NOT NULL,"
    "  config_hash TEXT NOT NULL, input_hash TEXT NOT NULL,"
    "  key TEXT, holds TEXT,"
    "  state TEXT NOT NULL"
    "   CHECK(state IN ('waiting', 'ready', 'leased', 'done', 'parked', 'cancelled', 'gone')),"
    "  position INTEGER, priority INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL DEFAULT 0,"
    "  failures INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,"
    "  run_after INTEGER NOT NULL DEFAULT 0,"
    "  owner TEXT, deadline INTEGER,"
    "  done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, what TEXT,"
    "  error TEXT,"
    "  UNIQUE(stage, unit),"
    "  CHECK((state = 'leased') = (owner IS NOT NULL)),"
    "  CHECK((state = 'gone') = (position IS NULL)),"
    "  CHECK(key IS NOT NULL OR state IN ('waiting', 'cancelled', 'gone'))"
    ") STRICT;"
    "CREATE INDEX job_state ON job(state, priority, position);"
    "CREATE TABLE need("
    "  job INTEGER NOT NULL REFERENCES job(id), needs INTEGER NOT NULL REFERENCES job(id),"
    "  hard INTEGER NOT NULL,"
    "  PRIMARY KEY(job, needs)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX need_needs ON need(needs);"
    "CREATE TABLE attempt("
    "  job INTEGER NOT NULL REFERENCES job(id), attempt INTEGER NOT NULL,"
    "  key TEXT NOT NULL, owner TEXT NOT NULL,"
    "  started REAL NOT NULL, ended REAL,"
    "  outcome TEXT CHECK(outcome IN ('done', 'failed', 'crashed', 'released', 'lost')),"
    "  message TEXT, parks INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY(job, attempt)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE artefact("
    "  job INTEGER NOT NULL REFERENCES job(id), key TEXT NOT NULL, name TEXT NOT NULL,"
    "  path TEXT NOT NULL, sha256 TEXT NOT NULL CHECK(length(sha256) = 64), bytes INTEGER NOT NULL,"
    "  PRIMARY KEY(job, key, name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE note(name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    "ALTER TABLE job ADD COLUMN stalls INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE job ADD COLUMN stalled_at INTEGER NOT NULL DEFAULT 0;",
    "CREATE TABLE review("
    "  slide TEXT PRIMARY KEY,"
    "  revision INTEGER NOT NULL, changed REAL NOT NULL, exported INTEGER NOT NULL DEFAULT 0,"
    "  state TEXT NOT NULL, note TEXT NOT NULL, marked INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE review_region("
    "  slide TEXT NOT NULL REFERENCES review(slide), region TEXT NOT NULL,"
    "  state TEXT NOT NULL, reason TEXT NOT NULL, outline TEXT NOT NULL,"
    "  x REAL NOT NULL, y REAL NOT NULL, area_um2 REAL, maximum REAL, mean REAL,"
    "  superseded TEXT, reviewer TEXT NOT NULL, revision INTEGER NOT NULL, changed REAL NOT NULL,"
    "  PRIMARY KEY(slide, region)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE review_drawn("
    "  slide TEXT NOT NULL REFERENCES review(slide), id INTEGER NOT NULL,"
    "  label TEXT NOT NULL, ring TEXT NOT NULL, erased INTEGER NOT NULL DEFAULT 0,"
    "  reviewer TEXT NOT NULL, revision INTEGER NOT NULL, changed REAL NOT NULL,"
    "  PRIMARY KEY(slide, id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE review_change("
    "  slide TEXT NOT NULL REFERENCES review(slide), revision INTEGER NOT NULL,"
    "  changed REAL NOT NULL, reviewer TEXT NOT NULL, item TEXT NOT NULL, before TEXT, after TEXT,"
    "  PRIMARY KEY(slide, revision)"
    ") STRICT, WITHOUT ROWID;",
    "ALTER TABLE need ADD COLUMN told INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE review_drawn ADD COLUMN key TEXT;"
    "CREATE UNIQUE INDEX review_drawn_key ON review_drawn(slide, key);",
};

static gboolean refuse(GError **error, const Sql *sql, const char *why)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", sql->path, why);
    return FALSE;
}

/* Checks before the first change that the file is ours and of a schema that this version knows. */
static gboolean check_file(Sql *sql, gboolean write, int64_t *version, GError **error)
{
    int64_t application, tables;
    if (!sql_number(sql, "PRAGMA application_id", &application, error) ||
        !sql_number(sql, "PRAGMA user_version", version, error) ||
        !sql_number(sql, "SELECT count(*) FROM sqlite_schema", &tables, error)) {
        return FALSE;
    }
    gboolean fresh = application == 0 && *version == 0 && tables == 0;
    if (!fresh && application != APPLICATION_ID) {
        return refuse(error, sql, "is a database of another program");
    }
    if (*version > (int64_t)G_N_ELEMENTS(steps)) {
        return refuse(error, sql, "was written by a newer wsiflow: use that version or another run folder");
    }
    if (!write && *version < (int64_t)G_N_ELEMENTS(steps)) {
        return refuse(error, sql,
                      "is incomplete or of an older wsiflow: start the run once with this version");
    }
    return TRUE;
}

gboolean schema_check(Sql *sql, GError **error)
{
    sqlite3_stmt *statement = sql_query(sql, error, "PRAGMA quick_check(1)", "");
    if (!statement || sql_step(statement, error) != 1) {
        return FALSE;
    }
    g_autofree char *verdict = sql_text(statement, 0);
    sql_end(statement);
    if (g_str_equal(verdict, "ok")) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is damaged (%s): move it away and start the run again",
                sql->path, verdict);
    return FALSE;
}

/* All missing steps in one transaction, together with the new version. */
static gboolean upgrade(Sql *sql, int64_t version, GError **error)
{
    if (version == (int64_t)G_N_ELEMENTS(steps)) {
        return TRUE;
    }
    gboolean ok = sql_exec(sql, "BEGIN IMMEDIATE", error);
    for (; ok && version < (int64_t)G_N_ELEMENTS(steps); version++) {
        ok = sql_exec(sql, steps[version], error);
    }
    g_autofree char *stamp = g_strdup_printf("PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                                             APPLICATION_ID, (int)version);
    ok = ok && sql_exec(sql, stamp, error);
    if (!ok) {
        sql_exec(sql, "ROLLBACK", NULL);
    }
    return ok;
}

gboolean schema_open(Sql *sql, gboolean write, GError **error)
{
    static const char connection[] =
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
        "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL";
    static const char wal[] = "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=1000;"
                              "PRAGMA journal_size_limit=16777216";
    int64_t version;
    if (!sql_exec(sql, connection, error) || !check_file(sql, write, &version, error)) {
        return FALSE;
    }
    return write ? sql_exec(sql, wal, error) && upgrade(sql, version, error)
                 : sql_exec(sql, "PRAGMA query_only=ON", error);
}

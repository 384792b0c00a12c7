/* The only file that looks at SQLite's result codes.
 *
 * The codes become errors that the job table's users act on: a full disk is WSI_ERROR_FULL, an I/O error is WSI_ERROR_IO (stop claiming, try
 * later), a damaged or foreign file is WSI_ERROR_INPUT (no retry helps), and anything else is a mistake of ours.
 *
 * A statement that has not run to its end keeps a read transaction open, which stops SQLite from resetting the WAL.  So sql_step resets the
 * statement after the last row and on errors. */
#include "db/sql.h"
#include "base/error.h"
#include <stdarg.h>

/* Our own lock (db/guard.h) makes waits rare; this covers people who look with the sqlite3 shell. */
#define BUSY_TIMEOUT_MS 30000

static const struct {
    int code; /* primary result code */
    WsiErrorCode meaning;
} meanings[] = {
    {SQLITE_FULL, WSI_ERROR_FULL},    {SQLITE_IOERR, WSI_ERROR_IO},      {SQLITE_BUSY, WSI_ERROR_IO},
    {SQLITE_LOCKED, WSI_ERROR_IO},    {SQLITE_CANTOPEN, WSI_ERROR_IO},   {SQLITE_READONLY, WSI_ERROR_IO},
    {SQLITE_PERM, WSI_ERROR_IO},      {SQLITE_CORRUPT, WSI_ERROR_INPUT}, {SQLITE_NOTADB, WSI_ERROR_INPUT},
    {SQLITE_NOMEM, WSI_ERROR_MEMORY},
};

/* The low byte of an extended code is the primary one. */
static WsiErrorCode meaning_of(int code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (meanings[i].code == (code & 0xff)) {
            return meanings[i].meaning;
        }
    }
    return WSI_ERROR_INTERNAL;
}

static void set_error(sqlite3 *handle, const char *path, GError **error)
{
    int code = sqlite3_extended_errcode(handle);
    g_set_error(error, WSI_ERROR, meaning_of(code), "job table %s: %s (SQLite code %d)", path,
                sqlite3_errmsg(handle), code);
}

Sql *sql_open(const char *path, int flags, GError **error)
{
    Sql *sql = g_new0(Sql, 1);
    sql->path = g_strdup(path);
    sql->statements = g_hash_table_new(g_str_hash, g_str_equal);
    if (sqlite3_open_v2(path, &sql->handle, flags | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(sql->handle, BUSY_TIMEOUT_MS) != SQLITE_OK) {
        set_error(sql->handle, path, error);
        sql_close(sql);
        return NULL;
    }
    /* Forbids what no statement of ours needs: writing the schema by hand, shadow tables. */
    sqlite3_db_config(sql->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return sql;
}

void sql_close(Sql *sql)
{
    if (!sql) {
        return;
    }
    GHashTableIter each;
    gpointer statement;
    g_hash_table_iter_init(&each, sql->statements);
    while (g_hash_table_iter_next(&each, NULL, &statement)) {
        sqlite3_finalize(statement);
    }
    g_hash_table_unref(sql->statements);
    sqlite3_close(sql->handle);
    g_free(sql->path);
    g_free(sql);
}

gboolean sql_exec(Sql *sql, const char *text, GError **error)
{
    if (sqlite3_exec(sql->handle, text, NULL, NULL, NULL) != SQLITE_OK) {
        set_error(sql->handle, sql->path, error);
        return FALSE;
    }
    return TRUE;
}

/* Statements are found by their text and kept until the table is closed. */
static sqlite3_stmt *prepared(Sql *sql, const char *text, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(sql->statements, text);
    if (!statement) {
        if (sqlite3_prepare_v3(sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK) {
            set_error(sql->handle, sql->path, error);
            return NULL;
        }
        g_hash_table_insert(sql->statements, (gpointer)text, statement);
    }
    if (sqlite3_stmt_busy(statement)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a statement is queried while it still runs: %s",
                    text);
        return NULL;
    }
    return statement;
}

static int bind_one(sqlite3_stmt *statement, int i, char type, va_list *values)
{
    switch (type) {
    case 'i':
        return sqlite3_bind_int(statement, i, va_arg(*values, int));
    case 'l':
        return sqlite3_bind_int64(statement, i, va_arg(*values, int64_t));
    case 'd':
        return sqlite3_bind_double(statement, i, va_arg(*values, double));
    case 's':
        return sqlite3_bind_text(statement, i, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
    default:
        return SQLITE_MISUSE;
    }
}

static sqlite3_stmt *query(Sql *sql, GError **error, const char *text, const char *types, va_list *values)
{
    sqlite3_stmt *statement = prepared(sql, text, error);
    for (int i = 0; statement && types[i]; i++) {
        if (bind_one(statement, i + 1, types[i], values) != SQLITE_OK) {
            set_error(sql->handle, sql->path, error);
            return NULL;
        }
    }
    return statement;
}

sqlite3_stmt *sql_query(Sql *sql, GError **error, const char *text, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = query(sql, error, text, types, &values);
    va_end(values);
    return statement;
}

int sql_step(sqlite3_stmt *statement, GError **error)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code != SQLITE_DONE) {
        sqlite3 *handle = sqlite3_db_handle(statement);
        set_error(handle, sqlite3_db_filename(handle, "main"), error);
    }
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

void sql_end(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

int sql_run(Sql *sql, GError **error, const char *text, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = query(sql, error, text, types, &values);
    va_end(values);
    int more = statement ? 1 : -1;
    while (more > 0) {
        more = sql_step(statement, error);
    }
    return more < 0 ? -1 : sqlite3_changes(sql->handle);
}

char *sql_text(sqlite3_stmt *statement, int column)
{
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}

gboolean sql_number(Sql *sql, const char *text, int64_t *number, GError **error)
{
    sqlite3_stmt *statement = sql_query(sql, error, text, "");
    int got = statement ? sql_step(statement, error) : -1;
    if (got == 1) {
        *number = sqlite3_column_int64(statement, 0);
        sql_end(statement);
    } else if (got == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "the query returned no row: %s", text);
    }
    return got == 1;
}

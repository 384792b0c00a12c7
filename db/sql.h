/* SQLite as the rest of db/ sees it: errors are GErrors, and statements are prepared once and kept.
 * Nothing outside sql.c calls sqlite3_prepare, sqlite3_step or sqlite3_exec. */
#pragma once
#include <glib.h>
#include <sqlite3.h>

typedef struct {
    sqlite3 *handle;
    char *path;
    GHashTable *statements; /* text (a literal) -> sqlite3_stmt */
} Sql;

/* flags: as sqlite3_open_v2.  The busy timeout is set before anything else touches the file. */
Sql *sql_open(const char *path, int flags, GError **error);
void sql_close(Sql *sql);
/* Runs statements that have no parameters and whose rows do not matter. */
gboolean sql_exec(Sql *sql, const char *text, GError **error);
/* Prepares `text` (a literal) and binds its parameters.  types has one letter per parameter: i int, l int64_t, d double,
 * s const char * (copied; NULL is SQL's NULL).  The statement is borrowed and must run to its end (sql_step) or be ended (sql_end) before
 * the same text is queried again. */
sqlite3_stmt *sql_query(Sql *sql, GError **error, const char *text, const char *types, ...);
/* 1: there is a row; 0: the end; -1: error.  After 0 and -1 the statement holds no locks. */
int sql_step(sqlite3_stmt *statement, GError **error);
/* Ends a statement before its last row; harmless after the end. */
void sql_end(sqlite3_stmt *statement);
/* sql_query and sql_step to the end.  Returns how many rows changed, -1 on error. */
int sql_run(Sql *sql, GError **error, const char *text, const char *types, ...);
/* A copy of a text column (caller frees); NULL for NULL. */
char *sql_text(sqlite3_stmt *statement, int column);
/* The one integer that a query without parameters returns. */
gboolean sql_number(Sql *sql, const char *text, int64_t *number, GError **error);

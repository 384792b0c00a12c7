/* CSV by RFC 4180: commas, LF (CRLF is accepted), doubled quotes, a header line, UTF-8.  A Csv belongs to one thread while it is read or
 * trimmed; afterwards any number of threads may read it. */
#pragma once
#include <glib.h>

/* Appends one cell, quoted when needed, then `end`: ',' or '\n'.  `out` must hold nothing but cells.  csv_read gives every text back
 * unchanged. */
void csv_cell(GString *out, const char *text, char end);

typedef struct Csv Csv;
/* Reads a whole file.  Caller frees; NULL with an error that names file and line: a row with another number of cells than the header, two
 * columns of the same name, a NUL byte, a quote that is not closed. */
Csv *csv_read(const char *path, GError **error);
void csv_free(Csv *csv);
int csv_rows(const Csv *csv);
int csv_columns(const Csv *csv);
/* Removes the white space around every cell, also in the header: for tables that people write. */
void csv_trim(Csv *csv);
/* FALSE with an error when the header is a single cell with semicolons or tabs in it, so commas are not the separator. */
gboolean csv_check_commas(const Csv *csv, GError **error);
/* Column by header name, or -1. */
int csv_column(const Csv *csv, const char *name);
/* As csv_column; a missing column is an error that names the file, the column and the nearest existing one, or says that
 * the file is of an earlier version when it has the former name (base/former_names.h). */
int csv_need(const Csv *csv, const char *name, GError **error);
/* The text of a cell, borrowed.  Row 0 is the first after the header, row -1 the header. */
const char *csv_get(const Csv *csv, int row, int column);
/* The line number of a row in the file, for messages. */
int csv_line(const Csv *csv, int row);
/* A finite number, or NAN for an empty cell.  Anything else is an error with file, line and column. */
gboolean csv_number(const Csv *csv, int row, int column, double *out, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Csv, csv_free)

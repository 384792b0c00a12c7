/* CSV as RFC 4180 has it: comma, LF (CRLF accepted), quotes doubled, a header line, UTF-8. */
#pragma once
#include <glib.h>

/* Appends one cell, quoted when needed, then `end`: ',' or '\n'.  Cells are appended to nothing else than cells. csv_read gives every
 * text back as it was. */
void csv_cell(GString *out, const char *text, char end);

typedef struct Csv Csv;
/* Reads a whole file.  A row with another number of cells than the header, a name of a column that is there twice, a NUL, an open quote
 * are errors that name file and line. */
Csv *csv_read(const char *path, GError **error);
void csv_free(Csv *csv);
int csv_rows(const Csv *csv);
int csv_columns(const Csv *csv);
/* Takes the blanks around every cell away, those of the header too: for tables that people write. */
void csv_trim(Csv *csv);
/* FALSE with an error when the header is one cell that semicolons or tabs divide. */
gboolean csv_commas(const Csv *csv, GError **error);
/* Column by header name, or -1. */
int csv_column(const Csv *csv, const char *name);
/* As csv_column; a missing column is an error that names the file, the column and the nearest one there is. */
int csv_need(const Csv *csv, const char *name, GError **error);
/* Borrowed; row 0 is the first after the header, row -1 the header. */
const char *csv_get(const Csv *csv, int row, int column);
/* Line number in the file of a row, for messages. */
int csv_line(const Csv *csv, int row);
/* A finite number; an empty cell gives NAN; anything else is an error with file, line and column. */
gboolean csv_number(const Csv *csv, int row, int column, double *out, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Csv, csv_free)

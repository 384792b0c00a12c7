/* Markdown (CommonMark with the tables of GitHub), appended to a text.
 *
 * Each function writes one construct; what its format makes is text and is escaped as a whole, so that neither a name nor a number in it
 * can begin a construct of its own. */
#pragma once
#include <glib.h>

void markdown_heading(GString *out, int level, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Appends text to the current paragraph or bullet. */
void markdown_text(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A code span: shown as it is; no backtick may be in it (they become apostrophes). */
void markdown_code(GString *out, const char *text);
/* Ends a paragraph. */
void markdown_break(GString *out);
/* Begins a line of a list; the text follows, and markdown_line ends it. */
void markdown_bullet(GString *out);
void markdown_line(GString *out);
/* A table: its titles, then cells; markdown_line ends a row. */
void markdown_table(GString *out, const char *const *titles);
void markdown_cell(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* What a person's terminal can show. */
#pragma once
#include <glib.h>

/* Columns of the terminal behind a descriptor, as it is now; 0 when it is none, or one that cannot redraw a line (TERM=dumb). */
int terminal_columns(int fd);
/* The beginning of a text that fits into so many columns, counted as terminals do (wide characters two, combining ones none), ending in "…"
 * when something was cut.  Control characters become blanks and bytes that are no UTF-8 "\uFFFD", so that no name steers the
 * terminal.  Caller frees. */
char *terminal_cut(const char *text, int columns);
/* The whole text on one line of valid UTF-8, with "?" for control characters.  Caller frees. */
char *terminal_line(const char *text);

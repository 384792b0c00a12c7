/* Text for terminals. */
#pragma once
#include <glib.h>

/* Current number of columns of the terminal behind a descriptor; 0 when it is not a terminal, or cannot redraw a line (TERM=dumb). */
int terminal_columns(int fd);
/* The beginning of a text that fits into `columns`, counted as terminals do (wide characters two, combining ones none), with "…" at the end
 * when something was cut.  Control characters become blanks and invalid UTF-8 "\uFFFD", so that no name can control the terminal.  Caller
 * frees. */
char *terminal_cut(const char *text, int columns);
/* The whole text on one line of valid UTF-8, with "?" for control characters.  Caller frees. */
char *terminal_line(const char *text);

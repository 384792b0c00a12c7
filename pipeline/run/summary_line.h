/* Lines of the texts that a run prints before and after its work: a name and its description. */
#pragma once
#include <glib.h>

/* Appends "NAME       text" and a line break; a name that continues the line above is "". */
void summary_line(GString *out, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* "" for 1, else "s". */
const char *summary_plural(int n);

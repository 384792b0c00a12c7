/* The names form a column, so that the texts can be read as a table. */
#include "pipeline/run/summary_line.h"

void summary_line(GString *out, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_printf(out, "%-11s", name);
    g_string_append_vprintf(out, format, args);
    g_string_append_c(out, '\n');
    va_end(args);
}

const char *summary_plural(int n)
{
    return n == 1 ? "" : "s";
}

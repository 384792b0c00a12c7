/* Every unused file has its reason: a file that is passed over in silence can make a lesion count as normal tissue. */
#include "pipeline/cohort/unused_files.h"
#include "pipeline/write/terminal.h"

static void unused_free(Unused *unused)
{
    g_free(unused->name);
    g_free(unused->reason);
    g_free(unused);
}

GPtrArray *unused_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)unused_free);
}

void unused_add(GPtrArray *list, const char *name, char *reason)
{
    Unused *unused = g_new0(Unused, 1);
    unused->name = g_strdup(name);
    unused->reason = reason;
    g_ptr_array_add(list, unused);
}

void unused_put(GString *out, const GPtrArray *list)
{
    enum { NAMES = 5, REASONS = 20 };
    int reasons = 0;
    for (guint first = 0, end; first < list->len; first = end) {
        const char *reason = ((const Unused *)list->pdata[first])->reason;
        for (end = first; end < list->len && g_str_equal(((const Unused *)list->pdata[end])->reason, reason);
             end++) {
        }
        if (reasons++ == REASONS) {
            g_string_append_printf(out, "  and %u more\n", list->len - first);
            return;
        }
        g_autofree char *line = terminal_line(reason);
        g_string_append_printf(out, "  %s (%u):", line, end - first);
        for (guint i = first; i < MIN(end, first + NAMES); i++) {
            g_autofree char *name = g_path_get_basename(((const Unused *)list->pdata[i])->name);
            g_autofree char *shown = terminal_line(name);
            g_string_append_printf(out, "%s %s", i > first ? "," : "", shown);
        }
        g_string_append(out, end - first > NAMES ? ", ...\n" : "\n");
    }
}

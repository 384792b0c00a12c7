/* Files of an earlier configuration are kept: they are results again when the configuration is put back.  Until then nothing
 * says by their names that they are not, so a run counts them. */
#include "pipeline/run/stale_files.h"
#include "base/listing.h"
#include "pipeline/run/summary_line.h"
#include <string.h>

enum { MOST_NAMES = 6 };

/* How many of the paths exist, by the name of the file; names in the order of their first path. */
static gboolean count_names(const GPtrArray *paths, const char *folder, GPtrArray *names, GHashTable *counts,
                            GError **error)
{
    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *path = g_build_filename(folder, paths->pdata[i], NULL);
        FileKind kind;
        if (!listing_kind(path, &kind, error)) {
            return FALSE;
        }
        if (kind == FILE_ABSENT) {
            continue;
        }
        char *name = g_path_get_basename(path);
        int n = GPOINTER_TO_INT(g_hash_table_lookup(counts, name));
        if (n == 0) {
            g_ptr_array_add(names, g_strdup(name));
        }
        g_hash_table_insert(counts, name, GINT_TO_POINTER(n + 1));
    }
    return TRUE;
}

char *stale_files_text(Store *store, const char *folder, GError **error)
{
    g_autoptr(GPtrArray) paths = store_stale_paths(store, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!paths || !count_names(paths, folder, names, counts, error)) {
        return NULL;
    }
    g_autoptr(GString) list = g_string_new(NULL);
    int all = 0;
    for (guint i = 0; i < names->len; i++) {
        int n = GPOINTER_TO_INT(g_hash_table_lookup(counts, names->pdata[i]));
        all += n;
        if (i < MOST_NAMES) {
            g_string_append_printf(list, "%s%s (%d)", i ? ", " : "", (const char *)names->pdata[i], n);
        }
    }
    if (names->len > MOST_NAMES) {
        g_string_append(list, ", ...");
    }
    return all == 0
               ? g_strdup("")
               : g_strdup_printf("%d file%s of an earlier configuration, or of jobs that have failed since, "
                                 "%s still in the folder and %s not results of this run: %s",
                                 all, summary_plural(all), all == 1 ? "is" : "are", all == 1 ? "is" : "are",
                                 list->str);
}

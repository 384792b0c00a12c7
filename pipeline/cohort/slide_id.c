/* Ids.  An id becomes part of paths, so it holds safe characters only. */
#include "pipeline/cohort/slide_id.h"
#include "base/error.h"
#include <string.h>

char *slide_id_stem(const char *path)
{
    char *stem = g_path_get_basename(path), *dot = strrchr(stem, '.');
    if (dot && dot != stem) {
        *dot = 0;
    }
    return stem;
}

/* A leading dot would hide the slide's folder, and "." and ".." are other folders. */
char *slide_id_of(const char *path)
{
    char *id = slide_id_stem(path);
    for (char *at = id; *at == '.'; at++) {
        *at = '_';
    }
    return g_strcanon(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", '_');
}

/* The longest name made from an id is "ID-XXXXXXXX_NNNNNNNNNN_mask.png"; a file name has at most 255 bytes. */
gboolean slide_id_check_length(const char *id, const char *path, const char *remedy, GError **error)
{
    enum { ID_BYTES = 220 };
    if (strlen(id) <= ID_BYTES) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: the slide's name has %zu bytes, but file names made from it allow at most %d; %s", path,
                strlen(id), ID_BYTES, remedy);
    return FALSE;
}

gboolean slide_id_all_differ(char *const *paths, int count, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < count; i++) {
        g_autofree char *id = slide_id_of(paths[i]);
        const char *other = g_hash_table_lookup(seen, id);
        if (!slide_id_check_length(id, paths[i], "rename it or link to it", error)) {
            return FALSE;
        }
        if (other) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "two slides would have the name %s: %s and %s; write them to two folders", id, other,
                        paths[i]);
            return FALSE;
        }
        g_hash_table_insert(seen, g_steal_pointer(&id), paths[i]);
    }
    return TRUE;
}

/* The kind of a file decides what is said of it when it is not used. */
#include "pipeline/cohort/folder_files.h"
#include "base/error.h"
#include "base/nearest.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* In the order of preference when a slide has several.  The last ones are label masks, whose suffixes are those of slides too: they count only in a folder
 * without slides. */
static const char *const suffixes[] = {".xml",         ".geojson", ".geojson.gz", ".json", ".ndpa",
                                       ".annotations", ".png",     ".tif",        ".tiff", NULL};
enum { MASKS = 6 }; /* the first of those */

GPtrArray *folder_list(const char *key, const char *folder, GError **error)
{
    g_autoptr(GError) why = NULL;
    GPtrArray *names = listing_read(folder, &why);
    if (names) {
        return names;
    }
    FileKind kind;
    if (!listing_kind(folder, &kind, NULL) || kind == FILE_FOLDER) { /* it exists, but cannot be read */
        g_propagate_prefixed_error(error, g_steal_pointer(&why), "%s: ", key);
        return NULL;
    }
    g_autofree char *parent = g_path_get_dirname(folder), *own = g_path_get_basename(folder);
    g_autoptr(GPtrArray) others = listing_read(parent, NULL), folders = g_ptr_array_new();
    for (guint i = 0; others && i < others->len; i++) {
        g_autofree char *path = g_build_filename(parent, others->pdata[i], NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            g_ptr_array_add(folders, others->pdata[i]);
        }
    }
    g_ptr_array_add(folders, NULL);
    g_autofree char *hint = nearest_hint(own, (const char *const *)folders->pdata);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s%s", key, why->message, hint);
    return NULL;
}

gboolean folder_same(const char *a, const char *b)
{
    struct stat p, q;
    if (!*a || !*b || stat(a, &p) != 0 || stat(b, &q) != 0) {
        g_autofree char *one = g_canonicalize_filename(a, NULL), *other = g_canonicalize_filename(b, NULL);
        return *a && *b && g_str_equal(one, other);
    }
    return p.st_dev == q.st_dev && p.st_ino == q.st_ino;
}

gboolean folder_look(const char *path, const char *name, FileKind *kind, char **why, GError **error)
{
    static const char *const reasons[] = {[FILE_ABSENT] = "deleted after the folder was listed",
                                          [FILE_FOLDER] = "a folder; subfolders are not searched",
                                          [FILE_OTHER] = "not a file"};
    *why = NULL;
    *kind = FILE_OTHER;
    if (*name == '.') {
        *why = g_strdup("hidden");
        return TRUE;
    }
    if (!listing_kind(path, kind, error)) {
        return FALSE;
    }
    g_autofree char *target = *kind == FILE_ABSENT ? g_file_read_link(path, NULL) : NULL;
    *why = target ? g_strdup_printf("dangling link to %s", target) : g_strdup(reasons[*kind]);
    return TRUE;
}

size_t folder_annotation_stem(const char *name, gboolean masks, int *rank)
{
    size_t length = strlen(name), best = 0;
    for (size_t i = 0; suffixes[i] && (masks || i < MASKS); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && g_ascii_strcasecmp(name + length - suffix, suffixes[i]) == 0) {
            best = length - suffix;
            *rank = (int)i;
        }
    }
    return best;
}

char *folder_annotation_suffixes(void)
{
    return g_strjoinv(" ", (char **)suffixes);
}

gboolean folder_is_data(const GPtrArray *names, const char *name)
{
    g_autofree char *slide = g_strconcat(name, ".mrxs", NULL);
    for (guint i = 0; i < names->len; i++) {
        if (g_ascii_strcasecmp(names->pdata[i], slide) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

char *folder_path(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autofree char *real = realpath(folder, NULL);
    return real ? g_build_filename(real, name, NULL) : g_canonicalize_filename(path, NULL);
}

GHashTable *folder_paths(const Cohort *cohort, gboolean slides, gboolean annotations)
{
    GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *entry = cohort->slides->pdata[i];
        if (slides) {
            g_hash_table_add(paths, folder_path(entry->path));
        }
        if (annotations && entry->annotation) {
            g_hash_table_add(paths, folder_path(entry->annotation));
        }
    }
    return paths;
}

gboolean folder_holds(GHashTable *paths, const char *path)
{
    g_autofree char *own = folder_path(path);
    return g_hash_table_contains(paths, own);
}

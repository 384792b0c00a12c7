/* readdir() returns NULL at the end of a folder and for a failure; only errno tells them apart. */
#include "base/listing.h"
#include "base/error.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The errors that mean that nothing has this path. */
static gboolean says_absent(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean read_names(DIR *dir, const char *folder, GPtrArray *names, GError **error)
{
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir))) {
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, "..")) {
            g_ptr_array_add(names, g_strdup(entry->d_name));
        }
        errno = 0;
    }
    return errno == 0 || wsi_error_errno(error, "cannot read the folder", folder);
}

static GPtrArray *list(const char *folder, gboolean may_be_absent, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    DIR *dir = opendir(folder);
    if (!dir && !(may_be_absent && says_absent(errno))) {
        wsi_error_errno(error, "cannot open the folder", folder);
        return NULL;
    }
    gboolean ok = !dir || read_names(dir, folder, names, error);
    if (dir) {
        closedir(dir);
    }
    g_ptr_array_sort(names, by_text);
    return ok ? g_steal_pointer(&names) : NULL;
}

GPtrArray *listing_read(const char *folder, GError **error)
{
    return list(folder, FALSE, error);
}

GPtrArray *listing_read_if_there(const char *folder, GError **error)
{
    return list(folder, TRUE, error);
}

char **listing_select(const char *folder, ListingWanted wanted, const void *data, GError **error)
{
    g_autoptr(GPtrArray) names = listing_read(folder, error);
    if (!names) {
        return NULL;
    }
    GPtrArray *selected = g_ptr_array_new();
    for (guint i = 0; i < names->len; i++) {
        if (wanted(names->pdata[i], data)) {
            g_ptr_array_add(selected, g_strdup(names->pdata[i]));
        }
    }
    g_ptr_array_add(selected, NULL);
    return (char **)g_ptr_array_free(selected, FALSE);
}

gboolean listing_kind(const char *path, FileKind *kind, GError **error)
{
    struct stat facts;
    *kind = FILE_ABSENT;
    if (stat(path, &facts) != 0) {
        return says_absent(errno) || wsi_error_errno(error, "cannot examine", path);
    }
    *kind = S_ISREG(facts.st_mode) ? FILE_REGULAR : S_ISDIR(facts.st_mode) ? FILE_FOLDER : FILE_OTHER;
    return TRUE;
}

/* An output that cannot be written is found before hours of work, not after.
 *
 * Permissions, quotas, read-only and full file systems are too varied to predict, so a file of one block is written in the same way as the
 * result (base/durable.h), and removed. */
#include "base/writable.h"
#include "base/durable.h"
#include "base/error.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 4096 };

static gboolean refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "cannot write %s: %s", path, why);
    return FALSE;
}

/* The folder, or the nearest existing one above it.  Caller frees; NULL with error when that is not a folder. */
static char *existing_folder(const char *folder, GError **error)
{
    g_autofree char *at = g_strdup(folder);
    struct stat facts;
    while (stat(at, &facts) != 0) {
        char *above = g_path_get_dirname(at);
        if (errno != ENOENT || g_str_equal(above, at)) {
            wsi_error_errno(error, "cannot write to", folder);
            g_free(above);
            return NULL;
        }
        g_free(at);
        at = above;
    }
    if (!S_ISDIR(facts.st_mode)) {
        g_autofree char *why = g_strdup_printf("%s is not a folder", at);
        refuse(error, folder, why);
        return NULL;
    }
    return g_steal_pointer(&at);
}

/* Writes a block under the temporary name of a file, which is removed with the Durable. */
static gboolean try_file(const char *folder, const char *name, GError **error)
{
    static const char block[BLOCK];
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(Durable) file = durable_open(path, error);
    return file && durable_write(file, block, sizeof block, error);
}

/* Checks that the path is free or a regular file. */
static gboolean check_path(const char *path, GError **error)
{
    struct stat facts;
    if (stat(path, &facts) == 0) {
        return S_ISREG(facts.st_mode) ||
               refuse(error, path, S_ISDIR(facts.st_mode) ? "it is a folder" : "it is not a regular file");
    }
    return errno == ENOENT || wsi_error_errno(error, "cannot write", path);
}

gboolean writable_file(const char *path, GError **error)
{
    if (g_str_has_suffix(path, "/")) {
        return refuse(error, path, "this is the name of a folder");
    }
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autofree char *there = check_path(path, error) ? existing_folder(folder, error) : NULL;
    return there && try_file(there, name, error);
}

gboolean writable_folder(const char *path, const char *const *files, GError **error)
{
    g_autofree char *there = existing_folder(path, error);
    if (!there || !try_file(there, "check", error)) {
        return FALSE;
    }
    for (; files && *files; files++) {
        g_autofree char *file = g_build_filename(path, *files, NULL);
        if (!check_path(file, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean writable_differs(const char *output, const char *input, GError **error)
{
    struct stat a, b;
    gboolean same = input && stat(output, &a) == 0 && stat(input, &b) == 0 && a.st_dev == b.st_dev &&
                    a.st_ino == b.st_ino;
    return !same || refuse(error, output, "it is the input, which would be overwritten");
}

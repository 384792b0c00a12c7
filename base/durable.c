/* Durable files.
 *
 * The order matters: write, fsync the file, close, hash what is on disk, rename, fsync the folder.  A failed fsync is never retried: the
 * kernel may have dropped the pages, and a second fsync would then report success.  The temporary file is removed and the job runs again.
 *
 * The temporary name contains the process id, so a later process can tell a file that is being written from one that a killed process left.
 *
 * Others may take over the job of a process that is stopped or waits for a slow disk, and the process may wake later.  It must not replace a
 * newer file, so the right to publish is checked immediately before the rename and held until the rename is done (durable_set_fence). */
#include "base/durable.h"
#include "base/error.h"
#include "base/process.h"
#include "base/sha256.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum { TEMP_NAME = 220 /* bytes of the name in a temporary one: 255 less ".", ".PID-N.tmp" */ };

struct Durable {
    char *path, *temp;
    int fd;
};

static const DurableFence *fence;

void durable_set_fence(const DurableFence *wanted)
{
    fence = wanted;
}

static gboolean fence_begin(GError **error)
{
    return !fence || fence->begin(fence->data, error);
}

/* Keeps errno, which the caller reports afterwards. */
static void fence_end(void)
{
    int saved = errno;
    if (fence) {
        fence->end(fence->data);
    }
    errno = saved;
}

/* The rename, and only that, happens under the fence. */
static gboolean rename_to(const char *from, const char *to, GError **error)
{
    if (!fence_begin(error)) {
        return FALSE;
    }
    int failed = g_rename(from, to);
    fence_end();
    return !failed || wsi_error_errno(error, "cannot rename to", to);
}

/* Flushes a file, or a folder with O_DIRECTORY, through a new descriptor. */
static gboolean sync_path(const char *path, int flags, GError **error)
{
    int fd = g_open(path, flags | O_CLOEXEC, 0);
    if (fd < 0) {
        return wsi_error_errno(error, "cannot open", path);
    }
    gboolean ok = fsync(fd) == 0 || wsi_error_errno(error, "cannot flush", path);
    if (close(fd) != 0 && ok) {
        ok = wsi_error_errno(error, "cannot close", path);
    }
    return ok;
}

static gboolean sync_parent(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    return sync_path(directory, O_RDONLY | O_DIRECTORY, error);
}

gboolean durable_folder(const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        return TRUE;
    }
    g_autofree char *parent = g_path_get_dirname(path);
    if (!durable_folder(parent, error)) {
        return FALSE;
    }
    if (g_mkdir(path, 0777) != 0 && errno != EEXIST) { /* another process may have created it meanwhile */
        return wsi_error_errno(error, "cannot create the folder", path);
    }
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        errno = ENOTDIR;
        return wsi_error_errno(error, "cannot create the folder", path);
    }
    return sync_parent(path, error);
}

Durable *durable_open(const char *path, GError **error)
{
    static gint serial;
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    if (!durable_folder(directory, error)) {
        return NULL;
    }
    /* The target may have the longest allowed name; the temporary name must not be longer. */
    g_autofree char *short_name = strlen(name) <= TEMP_NAME
                                      ? g_strdup(name)
                                      : g_strdup_printf("%.*s-%08x", TEMP_NAME - 9, name, g_str_hash(name));
    char *temp = g_strdup_printf("%s/.%s.%d-%d.tmp", directory, short_name, (int)getpid(),
                                 g_atomic_int_add(&serial, 1));
    int fd = g_open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        wsi_error_errno(error, "cannot create", temp);
        g_free(temp);
        return NULL;
    }
    Durable *file = g_new(Durable, 1);
    *file = (Durable){g_strdup(path), temp, fd};
    return file;
}

const char *durable_temp_path(const Durable *file)
{
    return file->temp;
}

gboolean durable_write(Durable *file, const void *data, size_t bytes, GError **error)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t done = write(file->fd, at, bytes);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return wsi_error_errno(error, "cannot write", file->path);
        }
        at += done;
        bytes -= (size_t)done;
    }
    return TRUE;
}

gboolean durable_commit(Durable *file, char sha256[65], int64_t *bytes, GError **error)
{
    /* A library may have written through the name, so the file is closed and opened again before fsync: that covers both ways. */
    if (close(file->fd) != 0) {
        file->fd = -1;
        return wsi_error_errno(error, "cannot close", file->temp);
    }
    file->fd = -1;
    if (!sync_path(file->temp, O_RDWR, error)) {
        return FALSE;
    }
    if ((sha256 || bytes) && !durable_hash_file(file->temp, sha256, bytes, error)) {
        return FALSE;
    }
    if (!rename_to(file->temp, file->path, error)) {
        return FALSE;
    }
    g_clear_pointer(&file->temp, g_free);
    return sync_parent(file->path, error);
}

void durable_free(Durable *file)
{
    if (!file) {
        return;
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->temp) {
        g_unlink(file->temp);
    }
    g_free(file->temp);
    g_free(file->path);
    g_free(file);
}

gboolean durable_write_file(const char *path, const void *data, size_t bytes, char sha256[65], GError **error)
{
    g_autoptr(Durable) file = durable_open(path, error);
    return file && durable_write(file, data, bytes, error) && durable_commit(file, sha256, NULL, error);
}

gboolean durable_move(const char *from, const char *to, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(to);
    return durable_folder(directory, error) && rename_to(from, to, error) && sync_parent(to, error) &&
           sync_parent(from, error);
}

gboolean durable_remove(const char *path, GError **error)
{
    if (!fence_begin(error)) {
        return FALSE;
    }
    int failed = g_unlink(path);
    fence_end();
    return failed ? errno == ENOENT || wsi_error_errno(error, "cannot remove", path)
                  : sync_parent(path, error);
}

void durable_discard(const char *path)
{
    if (fence_begin(NULL)) {
        g_unlink(path);
        fence_end();
    }
}

/* Copies a whole file into the durable one. */
static gboolean copy_into(const char *from, Durable *file, GError **error)
{
    int fd = g_open(from, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return wsi_error_errno(error, "cannot open", from);
    }
    g_autofree char *buffer = g_malloc(1 << 20);
    gboolean ok = TRUE;
    ssize_t got;
    while (ok && (got = read(fd, buffer, 1 << 20)) != 0) {
        if (got > 0) {
            ok = durable_write(file, buffer, (size_t)got, error);
        } else if (errno != EINTR) {
            ok = wsi_error_errno(error, "cannot read", from);
        }
    }
    close(fd);
    return ok;
}

gboolean durable_link(const char *from, const char *to, GError **error)
{
    g_autoptr(Durable) file = durable_open(to, error);
    if (!file) {
        return FALSE;
    }
    if (g_unlink(file->temp) == 0 && link(from, file->temp) == 0) {
        if (!rename_to(file->temp, to, error)) {
            return FALSE;
        }
        g_unlink(file->temp); /* rename does nothing when both names already are the same file */
        g_clear_pointer(&file->temp, g_free);
        return sync_parent(to, error);
    }
    g_clear_pointer(&file, durable_free);
    file = durable_open(to, error);
    return file && copy_into(from, file, error) && durable_commit(file, NULL, NULL, error);
}

gboolean durable_hash_file(const char *path, char sha256[65], int64_t *bytes, GError **error)
{
    int fd = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return wsi_error_errno(error, "cannot open", path);
    }
    Sha256 sum;
    sha256_init(&sum);
    g_autofree guchar *buffer = g_malloc(1 << 20);
    int64_t total = 0;
    ssize_t got;
    while ((got = read(fd, buffer, 1 << 20)) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            wsi_error_errno(error, "cannot read", path);
            close(fd);
            return FALSE;
        }
        sha256_add(&sum, buffer, (size_t)got);
        total += got;
    }
    close(fd);
    if (sha256) {
        sha256_finish(&sum, sha256);
    }
    if (bytes) {
        *bytes = total;
    }
    return TRUE;
}

void durable_hash_bytes(const void *data, size_t bytes, char sha256[65])
{
    Sha256 sum;
    sha256_init(&sum);
    sha256_add(&sum, data, bytes);
    sha256_finish(&sum, sha256);
}

/* The process id in ".NAME.PID-N.tmp", or 0 when the name is not of that form. */
static int owner_of(const char *name)
{
    if (name[0] != '.' || !g_str_has_suffix(name, ".tmp")) {
        return 0;
    }
    g_autofree char *stem = g_strndup(name, strlen(name) - 4);
    const char *dot = strrchr(stem, '.');
    int pid = 0, serial = 0;
    return dot && sscanf(dot + 1, "%d-%d", &pid, &serial) == 2 ? pid : 0;
}

/* Most file systems give the type with the name; calling lstat for each of a million patches would take seconds. */
static gboolean is_directory(const struct dirent *entry, const char *path)
{
    struct stat status;
    return entry->d_type == DT_DIR ||
           (entry->d_type == DT_UNKNOWN && lstat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

int durable_sweep(const char *directory)
{
    DIR *dir = opendir(directory);
    int removed = 0;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        int pid = owner_of(name);
        if (g_str_equal(name, ".") || g_str_equal(name, "..") ||
            (pid == 0 && entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) {
            continue;
        }
        g_autofree char *path = g_build_filename(directory, name, NULL);
        if (is_directory(entry, path)) {
            removed += durable_sweep(path);
        } else if (pid > 0 && pid != getpid() && !process_lives(pid) && g_unlink(path) == 0) {
            removed++;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return removed;
}

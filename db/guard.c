/* Two kinds of flock.
 *
 * wsiflow.lock serialises writers.  SQLite before 3.51.3 can lose a committed transaction when two connections write
 * and checkpoint a WAL at the same instant; Debian 12 has 3.40.1.  With one writer at a time that instant does not
 * exist, and waiting in the kernel is fairer and faster than SQLite's sleeping retries.  The file is never removed:
 * a lock on a removed file protects nothing.
 *
 * workers/OWNER.lock says that a worker lives.  Whoever can take it knows that the worker is dead: no process ids
 * (they are reused), no clocks (they jump), no waiting.  The descriptors are closed on exec, so programs that a worker
 * starts do not keep it alive.
 *
 * flock belongs to the open file description, so two Stores of one process exclude each other as well. */
#include "db/guard.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <glib/gstdio.h>

/* SQLite's WAL shares memory between processes; over a network or through FUSE that fails or corrupts. */
static const struct {
    unsigned type;
    const char *name;
} refused[] = {
    {0x6969, "NFS"},
    {0x517B, "SMB"},
    {0xFE534D42, "SMB"},
    {0xFF534D42, "SMB"},
    {0x65735546, "FUSE"},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x00C36400, "Ceph"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},
    {0x01021997, "9p"},
    {0x564C, "NCP"},
    {0x7461636F, "OCFS2"},
    {0x01161970, "GFS2"},
    {0x19830326, "BeeGFS"},
    {0xAAD7AAEA, "PanFS"},
    {0x20030528, "OrangeFS"},
    {0x786F4256, "a VirtualBox shared folder"},
};

const char *guard_refused(long file_system_type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        if (refused[i].type == (unsigned)file_system_type) {
            return refused[i].name;
        }
    }
    return NULL;
}

static gboolean check_file_system(const char *directory, GError **error)
{
    struct statfs info;
    if (statfs(directory, &info) != 0) {
        return wsi_error_errno(error, "cannot look at", directory);
    }
    const char *name = guard_refused((long)info.f_type);
    if (name) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is on %s, where a job table would be damaged: put the run folder on a local disk",
                    directory, name);
    }
    return name == NULL;
}

int guard_open(const char *directory, gboolean create, GError **error)
{
    if (!check_file_system(directory, error)) {
        return -1;
    }
    g_autofree char *path = g_build_filename(directory, "wsiflow.lock", NULL);
    int guard = g_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0666);
    if (guard < 0 && !create && (errno == EACCES || errno == EROFS)) {
        guard = g_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    }
    if (guard < 0) {
        wsi_error_errno(error, "cannot open", path);
    }
    return guard;
}

gboolean guard_lock(int guard, GError **error)
{
    while (flock(guard, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return wsi_error_errno(error, "cannot lock", "wsiflow.lock");
        }
    }
    return TRUE;
}

void guard_unlock(int guard)
{
    flock(guard, LOCK_UN);
}

static char *worker_path(const char *directory, const char *owner)
{
    return g_strdup_printf("%s/workers/%s.lock", directory, owner);
}

static gboolean plain_name(const char *owner)
{
    return owner[0] && owner[0] != '.' && strlen(owner) <= 200 && !strchr(owner, '/');
}

/* A reaper removes lock files that it could take: the lock counts only when the file is still under its name. */
static gboolean still_there(int descriptor, const char *path)
{
    struct stat ours, named;
    return fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

int guard_worker_begin(const char *directory, const char *owner, GError **error)
{
    if (!plain_name(owner)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "\"%s\" is no name for a worker", owner);
        return -1;
    }
    g_autofree char *folder = g_build_filename(directory, "workers", NULL);
    g_autofree char *path = worker_path(directory, owner);
    if (g_mkdir_with_parents(folder, 0777) != 0) {
        wsi_error_errno(error, "cannot create directory", folder);
        return -1;
    }
    for (int tries = 0; tries < 100; tries++) {
        int descriptor = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor < 0) {
            wsi_error_errno(error, "cannot create", path);
            return -1;
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && still_there(descriptor, path)) {
            return descriptor;
        }
        close(descriptor);
        g_usleep(1000); /* a reaper that just looks holds it for an instant, a living worker for good */
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "the worker %s runs already", owner);
    return -1;
}

void guard_worker_end(const char *directory, const char *owner, int descriptor)
{
    g_autofree char *path = worker_path(directory, owner);
    g_unlink(path);
    close(descriptor);
}

gboolean guard_worker_alive(const char *directory, const char *owner)
{
    if (!plain_name(owner)) {
        return FALSE;
    }
    g_autofree char *path = worker_path(directory, owner);
    int descriptor = g_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
    if (descriptor < 0) {
        return FALSE;
    }
    gboolean alive = flock(descriptor, LOCK_EX | LOCK_NB) != 0;
    if (!alive && still_there(descriptor, path)) {
        g_unlink(path);
    }
    close(descriptor);
    return alive;
}

void guard_sweep(const char *directory)
{
    g_autofree char *folder = g_build_filename(directory, "workers", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".lock")) {
            g_autofree char *owner = g_strndup(name, strlen(name) - strlen(".lock"));
            guard_worker_alive(directory, owner);
        }
    }
}

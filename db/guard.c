/* Two kinds of flock.
 *
 * wsiflow.lock serialises writers.  SQLite before 3.51.3 can lose a committed transaction when two connections write and checkpoint a WAL at
 * the same instant (Debian 12 has 3.40.1).  With one writer at a time that cannot happen, and waiting in the kernel is fairer and faster
 * than SQLite's sleeping retries.  The file is never removed: a lock on a removed file protects nothing.
 *
 * workers/OWNER.lock shows that a worker lives.  Whoever can take it knows that the worker is dead, without process ids (they are reused),
 * clocks (they jump) or waiting.  The descriptors are closed on exec, so programs that a worker starts do not keep the lock.
 *
 * A worker whose supervisor was killed may be stopped or waiting for a slow disk, and can wake at any time.  Such workers are ended before a
 * new plan is made; once their locks are free, they can no longer write to the disk.  The process id in the lock file only says whom to
 * end.  That it is the right process is checked by the files it has open.
 *
 * flock belongs to the open file description, so two Stores of one process also exclude each other. */
#include "db/guard.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <glib/gstdio.h>

/* SQLite's WAL shares memory between processes, which fails or corrupts data over a network or through FUSE. */
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
        return wsi_error_errno(error, "cannot examine", directory);
    }
    const char *name = guard_refused((long)info.f_type);
    if (name) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is on %s, which would damage a job table: put the run folder on a local disk",
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

gboolean guard_lock(int guard, int seconds, GError **error)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    while (flock(guard, LOCK_EX | (seconds > 0 ? LOCK_NB : 0)) != 0) {
        if (errno != EINTR && errno != EWOULDBLOCK) {
            return wsi_error_errno(error, "cannot lock", "wsiflow.lock");
        }
        if (errno == EWOULDBLOCK && g_get_monotonic_time() > until) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO,
                        "wsiflow.lock has been held by another process for %d s: is it stopped, or does the "
                        "disk hang?",
                        seconds);
            return FALSE;
        }
        if (seconds > 0) {
            g_usleep(5000);
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

/* Whether the name of a worker is safe as the name of a file. */
static gboolean plain_name(const char *owner)
{
    return owner[0] && owner[0] != '.' && strlen(owner) <= 200 && !strchr(owner, '/');
}

/* Others remove lock files that they can take, so a lock counts only while the file still has its name. */
static gboolean still_there(int descriptor, const char *path)
{
    struct stat ours, named;
    return fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

int guard_worker_begin(const char *directory, const char *owner, GError **error)
{
    if (!plain_name(owner)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "\"%s\" is not a valid name for a worker", owner);
        return -1;
    }
    g_autofree char *folder = g_build_filename(directory, "workers", NULL);
    g_autofree char *path = worker_path(directory, owner);
    if (!durable_folder(folder, error)) {
        return -1;
    }
    for (int tries = 0; tries < 100; tries++) {
        int descriptor = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (descriptor < 0) {
            wsi_error_errno(error, "cannot create", path);
            return -1;
        }
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && still_there(descriptor, path)) {
            /* Fails on a full disk; then this worker cannot be ended, only waited for. */
            (void)!dprintf(descriptor, "%d\n", (int)getpid());
            return descriptor;
        }
        close(descriptor);
        g_usleep(1000); /* a process that only checks holds it for an instant, a living worker for good */
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "the worker %s is already running", owner);
    return -1;
}

gboolean guard_worker_alive(const char *directory, const char *owner)
{
    if (!plain_name(owner)) {
        return FALSE;
    }
    g_autofree char *path = worker_path(directory, owner);
    int descriptor = g_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
    if (descriptor < 0) {
        return errno != ENOENT; /* when in doubt it lives */
    }
    gboolean alive = flock(descriptor, LOCK_EX | LOCK_NB) != 0;
    if (!alive && still_there(descriptor, path)) {
        g_unlink(path);
    }
    close(descriptor);
    return alive;
}

/* ---- ending the workers of a dead supervisor ---- */

/* The owners whose locks are held: array of char*, owned; NULL with error when the folder cannot be read.  Removes the lock files of dead ones. */
static GPtrArray *living(const char *directory, GError **error)
{
    g_autofree char *folder = g_build_filename(directory, "workers", NULL);
    g_autoptr(GPtrArray) names = listing_read_if_there(folder, error);
    GPtrArray *owners = names ? g_ptr_array_new_with_free_func(g_free) : NULL;
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *owner =
            g_str_has_suffix(name, ".lock") ? g_strndup(name, strlen(name) - strlen(".lock")) : NULL;
        if (owner && guard_worker_alive(directory, owner)) {
            g_ptr_array_add(owners, g_steal_pointer(&owner));
        }
    }
    return owners;
}

/* Waits until no lock is held, but at most so many seconds.  Returns the owners that still hold one; NULL with error. */
static GPtrArray *wait_for_end(const char *directory, int seconds, GError **error)
{
    gint64 until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    GPtrArray *owners = living(directory, error);
    while (owners && owners->len > 0 && g_get_monotonic_time() < until) {
        g_usleep(20000);
        g_ptr_array_unref(owners);
        owners = living(directory, error);
    }
    return owners;
}

/* The process id in the lock file; 0 when there is none. */
static int pid_of(const char *directory, const char *owner)
{
    g_autofree char *path = worker_path(directory, owner), *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? (int)g_ascii_strtoll(text, NULL, 10) : 0;
}

/* Whether the process has that file open. */
static gboolean has_open(int pid, const char *path)
{
    struct stat wanted, file;
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", pid);
    g_autoptr(GDir) dir = stat(path, &wanted) == 0 ? g_dir_open(folder, 0, NULL) : NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(folder, name, NULL);
        if (stat(link, &file) == 0 && file.st_ino == wanted.st_ino && file.st_dev == wanted.st_dev) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Sends SIGKILL, only if the process really has the lock file open, and with only_stopped only if it is stopped. */
static void kill_worker(const char *directory, const char *owner, gboolean only_stopped)
{
    g_autofree char *path = worker_path(directory, owner);
    int pid = pid_of(directory, owner);
    int process = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0)
                          : -1; /* refers to this process, even if the id is reused */
    if (process >= 0 && has_open(pid, path) && (!only_stopped || process_is_stopped(pid))) {
        syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
    }
    if (process >= 0) {
        close(process);
    }
}

static void kill_workers(const char *directory, const GPtrArray *owners, gboolean only_stopped)
{
    for (guint i = 0; i < owners->len; i++) {
        kill_worker(directory, owners->pdata[i], only_stopped);
    }
}

gboolean guard_end_workers(const char *directory, int grace, int patience, GError **error)
{
    g_autoptr(GPtrArray) found = living(directory, error);
    if (!found) {
        return FALSE;
    }
    kill_workers(directory, found, TRUE);
    g_autoptr(GPtrArray) owners = wait_for_end(directory, grace, error);
    if (!owners || owners->len == 0) {
        return owners != NULL;
    }
    kill_workers(directory, owners, FALSE);
    g_autoptr(GPtrArray) left = wait_for_end(directory, patience, error);
    if (left && left->len > 0) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_IO,
            "%s: %u worker(s) of an earlier run have not ended, one is process %d: end them, then start "
            "the run again",
            directory, left->len, pid_of(directory, left->pdata[0]));
    }
    return left && left->len == 0;
}

void guard_sweep(const char *directory)
{
    GPtrArray *found = living(directory, NULL);
    g_clear_pointer(&found, g_ptr_array_unref);
}

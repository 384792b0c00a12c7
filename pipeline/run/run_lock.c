/* The lock.
 *
 * The kernel drops it with the process.  It is a lock of the process (fcntl), not of the open file (flock): a child would hold the
 * latter until it has become a worker. */
#include "pipeline/run/run_lock.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

int run_lock_take(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "run.lock", NULL);
    int fd = g_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        wsi_error_errno(error, "cannot open", path);
        return -1;
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, holder = lock;
    if (fcntl(fd, F_SETLK, &lock) == 0) {
        return fd;
    }
    gboolean held = (errno == EACCES || errno == EAGAIN) && fcntl(fd, F_GETLK, &holder) == 0;
    if (held) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "another wsiflow is running in %s (process %d)", folder,
                    (int)holder.l_pid);
    } else {
        wsi_error_errno(error, "cannot lock", path);
    }
    close(fd);
    return -1;
}

gboolean run_lock_is_held(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "run.lock", NULL);
    int fd = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return errno != ENOENT;
    }
    struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    gboolean at_work = fcntl(fd, F_GETLK, &holder) != 0 || holder.l_type != F_UNLCK;
    close(fd);
    return at_work;
}

/* pread and pwrite may transfer less than asked for, or be interrupted: both are called until everything is done. */
#include "flows/files/file_at.h"
#include "base/error.h"
#include <errno.h>
#include <unistd.h>

gboolean file_at_read(int fd, const char *path, void *to, size_t bytes, int64_t offset, GError **error)
{
    char *at = to;
    while (bytes > 0) {
        ssize_t n = pread(fd, at, bytes, offset);
        /* The end of the file. */
        if (n == 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s is truncated: it ends at byte %" G_GINT64_FORMAT,
                        path, offset);
            return FALSE;
        }
        if (n < 0 && errno != EINTR) {
            return wsi_error_errno(error, "cannot read", path);
        }
        /* -1 with EINTR: nothing was read, so the same part is asked for again. */
        n = MAX(n, 0);
        at += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return TRUE;
}

gboolean file_at_write(int fd, const char *path, const void *from, size_t bytes, int64_t offset,
                       GError **error)
{
    const char *at = from;
    while (bytes > 0) {
        ssize_t n = pwrite(fd, at, bytes, offset);
        if (n < 0 && errno != EINTR) {
            return wsi_error_errno(error, "cannot write", path);
        }
        /* As above, for an interrupted write. */
        n = MAX(n, 0);
        at += n;
        offset += n;
        bytes -= (size_t)n;
    }
    return TRUE;
}

/* The identity of a slide without hashing all of it: a SHA-256 of the file's size, the geometry of its levels, and its first and last MiB. */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

/* Adds `bytes` bytes of the file from `at` on to the checksum; fewer when the file ends before. */
static gboolean hash_part(const char *path, int fd, int64_t at, int64_t bytes, GChecksum *sum, GError **error)
{
    enum { PIECE = 1 << 16 };
    g_autofree guchar *buffer = g_malloc(PIECE);
    while (bytes > 0) {
        ssize_t got = pread(fd, buffer, (size_t)MIN(bytes, PIECE), at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", path);
        }
        /* The file ends here. */
        if (got == 0) {
            break;
        }
        g_checksum_update(sum, buffer, got);
        at += got;
        bytes -= got;
    }
    return TRUE;
}

gboolean slide_fingerprint_set(Slide *slide, GError **error)
{
    const int64_t part = 1 << 20; /* bytes */
    struct stat status;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    int fd = g_open(slide->source, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || fstat(fd, &status) != 0) {
        wsi_error_errno(error, "cannot read", slide->source);
        if (fd >= 0) {
            close(fd);
        }
        return FALSE;
    }
    /* The version line lets a later rule give other fingerprints. */
    g_autoptr(GString) text = g_string_new("wsiflow slide 1\n");
    g_string_append_printf(text, "%" G_GINT64_FORMAT " bytes\n", (gint64)status.st_size);
    for (int i = 0; i < slide->info.level_count; i++) {
        g_string_append_printf(text, "%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT "\n", slide->levels[i].width,
                               slide->levels[i].height);
    }
    g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
    /* The first and the last MiB; in a small file they overlap. */
    gboolean ok = hash_part(slide->source, fd, 0, part, sum, error) &&
                  hash_part(slide->source, fd, MAX(0, status.st_size - part), part, sum, error);
    close(fd);
    g_strlcpy(slide->info.fingerprint, g_checksum_get_string(sum), sizeof slide->info.fingerprint);
    return ok;
}

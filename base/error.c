/* Errors carry what a person needs (file, position, limit) and what the job table needs (the code). */
#include "base/error.h"
#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(wsiflow, wsi_error)

/* The meaning of errno.  A number that is not in the table is a system failure (WSI_ERROR_IO) if one of our own calls set it, and means
 * nothing after a call of a library. */
static const struct {
    int number;
    GFileError file_error; /* G_FILE_ERROR_FAILED: GLib has no code of its own */
    WsiErrorCode code;
} meanings[] = {
    {ENOENT, G_FILE_ERROR_NOENT, WSI_ERROR_ABSENT},
    {ENOTDIR, G_FILE_ERROR_NOTDIR, WSI_ERROR_ABSENT},
    {EISDIR, G_FILE_ERROR_ISDIR, WSI_ERROR_ABSENT},
    {EACCES, G_FILE_ERROR_ACCES, WSI_ERROR_ABSENT},
    {EPERM, G_FILE_ERROR_PERM, WSI_ERROR_ABSENT},
    {EROFS, G_FILE_ERROR_ROFS, WSI_ERROR_ABSENT},
    {ELOOP, G_FILE_ERROR_LOOP, WSI_ERROR_ABSENT},
    {ENAMETOOLONG, G_FILE_ERROR_NAMETOOLONG, WSI_ERROR_INPUT}, /* it will be too long the next time, too */
    {ENOSPC, G_FILE_ERROR_NOSPC, WSI_ERROR_FULL},
    {EDQUOT, G_FILE_ERROR_FAILED, WSI_ERROR_FULL},
    {ENOMEM, G_FILE_ERROR_NOMEM, WSI_ERROR_IO},
    {EIO, G_FILE_ERROR_IO, WSI_ERROR_IO},
    {EMFILE, G_FILE_ERROR_MFILE, WSI_ERROR_IO},
    {ENFILE, G_FILE_ERROR_NFILE, WSI_ERROR_IO},
    {EAGAIN, G_FILE_ERROR_AGAIN, WSI_ERROR_IO},
    {ENODEV, G_FILE_ERROR_NODEV, WSI_ERROR_IO},
    {ESTALE, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ETIMEDOUT, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {EHOSTUNREACH, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {EHOSTDOWN, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENETUNREACH, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENETDOWN, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENETRESET, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ECONNRESET, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ECONNABORTED, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ECONNREFUSED, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENOTCONN, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ESHUTDOWN, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENOLCK, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {EREMOTEIO, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
    {ENOBUFS, G_FILE_ERROR_FAILED, WSI_ERROR_IO},
};

gboolean wsi_error_errno(GError **error, const char *what, const char *file)
{
    int saved = errno;
    WsiErrorCode code = WSI_ERROR_IO;
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
        code = meanings[i].number == saved ? meanings[i].code : code;
    }
    g_set_error(error, WSI_ERROR, code, "%s %s: %s", what, file, g_strerror(saved));
    return FALSE;
}

gboolean wsi_error_input(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, WSI_ERROR, WSI_ERROR_INPUT, text);
    return FALSE;
}

gboolean wsi_error_glib(GError **error, const GError *why)
{
    WsiErrorCode code = WSI_ERROR_IO;
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
        gboolean same = meanings[i].file_error != G_FILE_ERROR_FAILED &&
                        g_error_matches(why, G_FILE_ERROR, (gint)meanings[i].file_error);
        code = same ? meanings[i].code : code;
    }
    g_set_error_literal(error, WSI_ERROR, code, why->message);
    return FALSE;
}

gboolean wsi_error_library(GError **error, const char *what, const char *file, const char *message,
                           int number)
{
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++) {
        const int one = meanings[i].number;
        const gboolean failed = meanings[i].code == WSI_ERROR_IO;
        const gboolean left = number == one && one != EAGAIN; /* GLib's locks leave EAGAIN behind */
        if (failed && (left || (message && strstr(message, g_strerror(one))))) {
            g_set_error(error, WSI_ERROR, meanings[i].code, "%s %s: %s%s%s", what, file, g_strerror(one),
                        message ? ": " : "", message ? message : "");
            return TRUE;
        }
    }
    return FALSE;
}

gboolean wsi_error_is_system(const GError *error)
{
    static const WsiErrorCode ours[] = {WSI_ERROR_INPUT, WSI_ERROR_INTERNAL, WSI_ERROR_LOST,
                                        WSI_ERROR_CANCELLED};
    gboolean system = TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++) {
        system = system && !g_error_matches(error, WSI_ERROR, (gint)ours[i]);
    }
    return system;
}

void *wsi_try_alloc(size_t count, size_t size, const char *what, GError **error)
{
    size_t bytes;
    void *block = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes)) {
        block = g_try_malloc0(bytes ? bytes : 1);
    }
    if (!block) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %s (%zu x %zu bytes)", what, count,
                    size);
    }
    return block;
}

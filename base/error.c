/* Errors carry what a person needs (file, place, limit) and what the job table needs (the code). */
#include "base/error.h"
#include <errno.h>

G_DEFINE_QUARK(wsiflow, wsi_error)

/* What is not in the table is the system's fault: WSI_ERROR_IO. */
static const struct {
    int number;
    GFileError file_error;
    WsiErrorCode code;
} meanings[] = {
    {ENOENT, G_FILE_ERROR_NOENT, WSI_ERROR_ABSENT},
    {ENOTDIR, G_FILE_ERROR_NOTDIR, WSI_ERROR_ABSENT},
    {EISDIR, G_FILE_ERROR_ISDIR, WSI_ERROR_ABSENT},
    {EACCES, G_FILE_ERROR_ACCES, WSI_ERROR_ABSENT},
    {EPERM, G_FILE_ERROR_PERM, WSI_ERROR_ABSENT},
    {EROFS, G_FILE_ERROR_ROFS, WSI_ERROR_ABSENT},
    {ELOOP, G_FILE_ERROR_LOOP, WSI_ERROR_ABSENT},
    {ENAMETOOLONG, G_FILE_ERROR_NAMETOOLONG, WSI_ERROR_ABSENT},
    {ENOSPC, G_FILE_ERROR_NOSPC, WSI_ERROR_FULL},
    {EDQUOT, G_FILE_ERROR_NOSPC, WSI_ERROR_FULL},
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
        code = g_error_matches(why, G_FILE_ERROR, (gint)meanings[i].file_error) ? meanings[i].code : code;
    }
    g_set_error_literal(error, WSI_ERROR, code, why->message);
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

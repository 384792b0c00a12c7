/* Errors carry what a person needs (file, place, limit) and what the job table needs (the code). */
#include "base/error.h"
#include <errno.h>

G_DEFINE_QUARK(wsiflow, wsi_error)

gboolean wsi_error_errno(GError **error, const char *what, const char *file)
{
    int saved = errno;
    g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s %s: %s", what, file, g_strerror(saved));
    return FALSE;
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

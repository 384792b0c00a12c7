/* OpenSlide: opening a file, its properties, and whose failure an error is.
 *
 * OpenSlide reports errors as texts.  errno and these texts decide whether the file is at fault or the system failed (base/error.c). */
#include "tiler/slide/slide_private.h"
#include "base/error.h"
#include <errno.h>
#include <math.h>
#include <tiffio.h>

/* libtiff would print messages about untrusted files to stderr.  Whatever matters comes back as an error. */
static void no_message(const char *module, const char *format, va_list args)
{
}

static void no_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

void slide_openslide_silence(void)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        TIFFSetErrorHandler(no_message);
        TIFFSetWarningHandler(no_message);
        /* The domain is spelled in two ways: by version 3, and from version 4 on. */
        g_log_set_handler("Openslide", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, no_log, NULL);
        g_log_set_handler("OpenSlide", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE, no_log, NULL);
        g_once_init_leave(&done, 1);
    }
}

gboolean slide_openslide_failed(const char *path, const char *message, int number, GError **error)
{
    g_autofree char *text = message ? g_strdup_printf("OpenSlide: %s", message) : NULL;
    return wsi_error_library(error, "cannot read", path, text, number);
}

/* One attempt.  *resolved: a second one would have the same result. */
static gboolean try_openslide(const char *path, openslide_t **handle, gboolean *resolved, GError **error)
{
    errno = 0;
    *handle = openslide_open(path);
    const int number = errno;
    const char *message = *handle ? openslide_get_error(*handle) : NULL;
    /* A file may open although the system failed: OpenSlide treats a directory that it cannot read as absent. */
    gboolean failed = slide_openslide_failed(path, message, number, error);
    *resolved = failed || (*handle && !message);
    if (message && !failed) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: OpenSlide: %s", path, message);
    }
    if (*handle && (message || failed)) {
        g_clear_pointer(handle, openslide_close);
        return FALSE;
    }
    return !failed;
}

gboolean slide_openslide_open(const char *path, openslide_t **handle, GError **error)
{
    gboolean resolved;
    GError *first = NULL;
    if (try_openslide(path, handle, &resolved, &first) && resolved) {
        return TRUE;
    }
    if (!resolved) { /* errno does not always survive, so a file that OpenSlide refuses is tried twice */
        g_clear_error(&first);
        return try_openslide(path, handle, &resolved, error);
    }
    g_propagate_error(error, first);
    return FALSE;
}

double slide_openslide_number(openslide_t *handle, const char *name)
{
    const char *text = handle ? openslide_get_property_value(handle, name) : NULL;
    char *end = NULL;
    double value = text ? g_ascii_strtod(text, &end) : 0;
    /* Text that is not a number counts as missing. */
    return text && end != text && isfinite(value) ? value : 0;
}

double slide_openslide_known(openslide_t *handle, const char *name)
{
    return handle && openslide_get_property_value(handle, name) ? slide_openslide_number(handle, name) : NAN;
}

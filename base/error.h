/* The one error domain of wsiflow.
 *
 * Every function that can fail takes a `GError **error` last, returns FALSE or NULL, and names in the
 * message the file, the place and the limit.  The code says what the job table should do about it. */
#pragma once
#include <glib.h>

#define WSI_ERROR (wsi_error_quark())
GQuark wsi_error_quark(void);

typedef enum {
    WSI_ERROR_INPUT,     /* the input or the configuration is wrong: trying again cannot help */
    WSI_ERROR_IO,        /* reading or writing failed (no space, I/O error): may work later */
    WSI_ERROR_MEMORY,    /* an allocation whose size a file or a user decides was refused */
    WSI_ERROR_LOST,      /* the lease of the job went to somebody else: publish nothing */
    WSI_ERROR_CANCELLED, /* the user or the supervisor asked to stop */
    WSI_ERROR_INTERNAL   /* a broken invariant of ours: please report */
} WsiErrorCode;

/* Sets WSI_ERROR_IO with "WHAT FILE: strerror(errno)". Always returns FALSE. */
gboolean wsi_error_errno(GError **error, const char *what, const char *file);

/* g_try_malloc of count * size bytes, checked for overflow; zeroed.  NULL with WSI_ERROR_MEMORY naming `what`. */
void *wsi_try_alloc(size_t count, size_t size, const char *what, GError **error);

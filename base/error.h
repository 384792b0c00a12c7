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
    WSI_ERROR_IO,        /* the system failed (I/O error, stale handle, no descriptor left): may work later */
    WSI_ERROR_MEMORY,    /* an allocation whose size a file or a user decides was refused */
    WSI_ERROR_LOST,      /* the lease of the job went to somebody else: publish nothing */
    WSI_ERROR_CANCELLED, /* the user or the supervisor asked to stop */
    WSI_ERROR_INTERNAL,  /* a broken invariant of ours: please report */
    WSI_ERROR_ABSENT, /* a file is not there, or may not be used: wrong, or its disk is away for a moment */
    WSI_ERROR_FULL    /* the disk is full or a quota exhausted: nothing helps but room */
} WsiErrorCode;

/* Sets an error with "WHAT FILE: strerror(errno)" and the code that follows from errno: WSI_ERROR_ABSENT, WSI_ERROR_FULL, WSI_ERROR_INPUT
 * for a name that is too long, otherwise WSI_ERROR_IO.  Always returns FALSE. */
gboolean wsi_error_errno(GError **error, const char *what, const char *file);
/* Sets WSI_ERROR_INPUT with this message.  Always returns FALSE. */
gboolean wsi_error_input(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* As wsi_error_errno, for an error of GLib's file functions (G_FILE_ERROR), whose message names the file.  Always returns FALSE. */
gboolean wsi_error_glib(GError **error, const GError *why);

/* After a failure of a library that reads files itself: sets an error with WSI_ERROR_IO and returns TRUE when errno
 * (number), or the library's message (may be NULL) by the text of an errno, says that the system failed.  Otherwise it was the file: FALSE,
 * no error. */
gboolean wsi_error_library(GError **error, const char *what, const char *file, const char *message,
                           int number);

/* TRUE when the system failed, not what it was asked for: trying again can help. */
gboolean wsi_error_is_system(const GError *error);

/* g_try_malloc of count * size bytes, checked for overflow; zeroed.  NULL with WSI_ERROR_MEMORY naming `what`. */
void *wsi_try_alloc(size_t count, size_t size, const char *what, GError **error);

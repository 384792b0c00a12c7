/* The error domain of wsiflow.
 *
 * Every function that can fail takes a `GError **error` last and returns FALSE or NULL.  The message names the file, the position in it and
 * the limit; the code tells the job table what to do.  Any thread. */
#pragma once
#include <glib.h>

#define WSI_ERROR (wsi_error_quark())
GQuark wsi_error_quark(void);

typedef enum {
    WSI_ERROR_INPUT,     /* the input or the configuration is wrong: trying again cannot help */
    WSI_ERROR_IO,        /* the system failed (I/O error, stale handle, no descriptor left): may work later */
    WSI_ERROR_MEMORY,    /* no memory for something whose size a file or a user decides */
    WSI_ERROR_LOST,      /* another worker has the lease of the job now: publish nothing */
    WSI_ERROR_CANCELLED, /* the user or the supervisor asked to stop */
    WSI_ERROR_INTERNAL,  /* a broken invariant of ours: please report */
    WSI_ERROR_ABSENT, /* a file does not exist or may not be used: a mistake, or its disk is away for a moment */
    WSI_ERROR_FULL    /* the disk is full or a quota is exhausted: only free space helps */
} WsiErrorCode;

/* Sets the error "WHAT FILE: strerror(errno)" with the code that follows from errno: WSI_ERROR_ABSENT, WSI_ERROR_FULL, WSI_ERROR_INPUT for a
 * name that is too long, otherwise WSI_ERROR_IO.  Always returns FALSE. */
gboolean wsi_error_errno(GError **error, const char *what, const char *file);
/* Sets WSI_ERROR_INPUT with this message.  Always returns FALSE. */
gboolean wsi_error_input(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same for an error of GLib's file functions (G_FILE_ERROR), whose message names the file.  Always returns FALSE. */
gboolean wsi_error_glib(GError **error, const GError *why);

/* For a failure of a library that reads files itself: whether the system failed or the file is wrong.  The system failed when errno (number) says so,
 * or the library's message (may be NULL) contains the text of such an errno: sets WSI_ERROR_IO and returns TRUE.  Otherwise FALSE without an
 * error. */
gboolean wsi_error_library(GError **error, const char *what, const char *file, const char *message,
                           int number);

/* TRUE when the system failed, not the request: trying again can help. */
gboolean wsi_error_is_system(const GError *error);

/* g_try_malloc of count * size bytes, checked for overflow; zeroed.  NULL with WSI_ERROR_MEMORY naming `what`. */
void *wsi_try_alloc(size_t count, size_t size, const char *what, GError **error);

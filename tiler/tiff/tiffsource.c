/* The functions through which libtiff reads: pread() on a descriptor, at a position; the errno of the first failure is kept. */
#include "tiler/tiff/tiffsource.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

struct TiffSource {
    char *path;
    int fd, failure; /* errno of a failed read, 0 = none */
    int64_t at, size;
    TIFF *tiff;
};

/* Reads at the current position.  A short result tells libtiff of an error or the end; `failure` tells which. */
static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t bytes)
{
    TiffSource *source = handle;
    tmsize_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(source->fd, (char *)to + done, (size_t)(bytes - done), source->at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        /* The first failure is the cause; later ones follow from it. */
        if (got < 0 && !source->failure) {
            source->failure = errno;
        }
        if (got <= 0) {
            break;
        }
        done += got;
        source->at += got;
    }
    return done;
}

/* Nothing is ever written. */
static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t bytes)
{
    return 0;
}

/* Only moves the position; positions beyond the end are allowed, and reads there return nothing. */
static toff_t seek(thandle_t handle, toff_t offset, int whence)
{
    TiffSource *source = handle;
    /* libtiff's offsets are unsigned; sums are checked for overflow. */
    int64_t from = whence == SEEK_CUR ? source->at : whence == SEEK_END ? source->size : 0, to;
    if (offset > G_MAXINT64 || __builtin_add_overflow(from, (int64_t)offset, &to) || to < 0) {
        return (toff_t)-1;
    }
    source->at = to;
    return (toff_t)to;
}

/* The descriptor belongs to the TiffSource. */
static int close_nothing(thandle_t handle)
{
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    return (toff_t)((TiffSource *)handle)->size;
}

/* libtiff would print messages to stderr.  Whatever matters comes back as an error. */
static int no_message(TIFF *tiff, void *data, const char *module, const char *format, va_list args)
{
    return 1;
}

/* Opens with our read functions and without messages. */
static TIFF *open_quietly(TiffSource *source)
{
    /* Handlers for this file only; the process keeps its own. */
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFFOpenOptionsSetErrorHandlerExtR(options, no_message, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, no_message, NULL);
    /* Without map functions libtiff reads by read_bytes() only. */
    TIFF *tiff = TIFFClientOpenExt(source->path, "rm", source, read_bytes, write_bytes, seek, close_nothing,
                                   size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

TiffSource *tiffsource_open(const char *path, GError **error)
{
    struct stat status;
    g_autoptr(TiffSource) source = g_new0(TiffSource, 1);
    source->path = g_strdup(path);
    source->fd = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (source->fd < 0 || fstat(source->fd, &status) != 0) {
        wsi_error_errno(error, "cannot open", path);
        return NULL;
    }
    /* For SEEK_END and libtiff's own checks. */
    source->size = status.st_size;
    /* Mode "m": not memory-mapped, since a failed read of mapped memory ends the program by a signal. */
    source->tiff = open_quietly(source);
    if (!tiffsource_check(source, error)) {
        return NULL;
    }
    if (!source->tiff) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: libtiff cannot read it", path);
        return NULL;
    }
    return g_steal_pointer(&source);
}

void tiffsource_free(TiffSource *source)
{
    if (!source) {
        return;
    }
    if (source->tiff) {
        TIFFClose(source->tiff);
    }
    if (source->fd >= 0) {
        close(source->fd);
    }
    g_free(source->path);
    g_free(source);
}

TIFF *tiffsource_tiff(TiffSource *source)
{
    return source->tiff;
}

gboolean tiffsource_check(TiffSource *source, GError **error)
{
    if (!source->failure) {
        return TRUE;
    }
    /* Report the failure once, with its errno. */
    errno = source->failure;
    source->failure = 0;
    return wsi_error_errno(error, "cannot read", source->path);
}

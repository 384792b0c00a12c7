/* Features on disk: a header of text, then rows. */
#include "flows/training/feature_file.h"
#include "flows/files/file_at.h"
#include "flows/kernels/half.h"
#include "base/durable.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER 256 /* bytes */

struct FeatureFile {
    char *path;
    int64_t rows, length;
    gboolean half;
    int fd;
    Durable *durable; /* of a new file, until it is published */
};

/* Format, key, size and precision; filled up with zeros.  Two files agree when their headers do. */
static void header(const FeatureFile *f, const char *key, char text[HEADER])
{
    /* Zeros up to the end, so that headers can be compared as a whole. */
    memset(text, 0, HEADER);
    g_snprintf(text, HEADER, "wsiflow-features 1\n%s\n%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " %s\n", key,
               f->rows, f->length, f->half ? "binary16" : "float");
}

/* binary16 or float, whatever `real` is in this build. */
static size_t row_bytes(const FeatureFile *f)
{
    return (size_t)f->length * (f->half ? sizeof(uint16_t) : sizeof(float));
}

/* Offset of a row in bytes; for row = rows the size of the file. */
static int64_t row_offset(const FeatureFile *f, int64_t row)
{
    return HEADER + row * (int64_t)row_bytes(f);
}

/* Closed so far; feature_file_free can free it. */
static FeatureFile *new_file(const FeatureFileSpec *spec)
{
    FeatureFile *f = g_new0(FeatureFile, 1);
    f->path = g_strdup(spec->path);
    f->rows = spec->rows;
    f->length = spec->length;
    f->half = spec->half;
    f->fd = -1;
    return f;
}

FeatureFile *feature_file_open(const FeatureFileSpec *spec, const char *key, GError **error)
{
    g_autoptr(FeatureFile) f = new_file(spec);
    /* The header must be the one that this training would write, and the size that of all rows. */
    char expected[HEADER], found[HEADER];
    struct stat info;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &info) != 0) {
        wsi_error_errno(error, "cannot read", f->path);
        return NULL;
    }
    if (!file_at_read(f->fd, f->path, found, HEADER, 0, error)) {
        return NULL;
    }
    header(f, key, expected);
    /* A file that was cut off has the right header and too few bytes. */
    if (memcmp(expected, found, HEADER) != 0 || info.st_size != row_offset(f, f->rows)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s holds features of other tiles or settings",
                    f->path);
        return NULL;
    }
    return g_steal_pointer(&f);
}

FeatureFile *feature_file_create(const FeatureFileSpec *spec, GError **error)
{
    g_autoptr(FeatureFile) f = new_file(spec);
    f->durable = durable_open(f->path, error);
    if (!f->durable) {
        return NULL;
    }
    /* Rows are written and read under the temporary name; only feature_file_publish gives the final one. */
    f->fd = open(durable_temp_path(f->durable), O_RDWR | O_CLOEXEC);
    if (f->fd < 0) {
        wsi_error_errno(error, "cannot write", f->path);
        return NULL;
    }
    errno = posix_fallocate(f->fd, 0, row_offset(f, f->rows)); /* a full disk shows now, not in an hour */
    if (errno != 0) {
        wsi_error_errno(error, "cannot reserve the space of", f->path);
        return NULL;
    }
    return g_steal_pointer(&f);
}

/* A row from memory to the file's format. */
static void narrow(const FeatureFile *f, const real *values, void *room)
{
    /* `room` is a buffer of one row in the file's format. */
    float *single = room;
    if (f->half) {
        half_from_real(values, f->length, room);
        return;
    }
    for (int64_t i = 0; i < f->length; i++) {
        single[i] = (float)values[i];
    }
}

/* A row from the file's format to memory. */
static void widen(const FeatureFile *f, const void *room, real *values)
{
    const float *single = room;
    if (f->half) {
        half_to_real(room, f->length, values);
        return;
    }
    for (int64_t i = 0; i < f->length; i++) {
        values[i] = (real)single[i];
    }
}

gboolean feature_file_put(FeatureFile *f, int64_t row, const real *values, void *room, GError **error)
{
    narrow(f, values, room);
    return file_at_write(f->fd, f->path, room, row_bytes(f), row_offset(f, row), error);
}

gboolean feature_file_get(const FeatureFile *f, int64_t row, real *values, void *room, GError **error)
{
    if (!file_at_read(f->fd, f->path, room, row_bytes(f), row_offset(f, row), error)) {
        return FALSE;
    }
    widen(f, room, values);
    return TRUE;
}

gboolean feature_file_publish(FeatureFile *f, const char *key, GError **error)
{
    char text[HEADER];
    /* The key is known only after all tiles were read, so the header comes last. */
    header(f, key, text);
    if (!file_at_write(f->fd, f->path, text, HEADER, 0, error) ||
        !durable_commit(f->durable, NULL, NULL, error)) {
        return FALSE;
    }
    g_clear_pointer(&f->durable, durable_free);
    return TRUE;
}

void feature_file_free(FeatureFile *f)
{
    if (!f) {
        return;
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    g_clear_pointer(&f->durable, durable_free);
    g_free(f->path);
    g_free(f);
}

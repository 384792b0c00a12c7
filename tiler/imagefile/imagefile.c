/* Image files: the content decides the codec, never the file's extension. */
#include "tiler/imagefile/imagefile.h"
#include "tiler/imagefile/imagefile_codec.h"
#include "base/error.h"
#include "base/listing.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

/* No image within the pixel limit is larger than this, even uncompressed, at 16 bits and with alpha. */
#define MAX_FILE_BYTES ((int64_t)IMAGEFILE_MAX_PIXELS * 8 + (1 << 20))

static const uint8_t png_start[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'},
                     jpeg_start[3] = {0xff, 0xd8, 0xff};

/* The signature of PNG (W3C, 5.2). */
static gboolean is_png(const void *data, size_t bytes)
{
    return bytes >= sizeof png_start && memcmp(data, png_start, sizeof png_start) == 0;
}

/* SOI and the start of the next marker (ITU-T T.81, B.1). */
static gboolean is_jpeg(const void *data, size_t bytes)
{
    return bytes >= sizeof jpeg_start && memcmp(data, jpeg_start, sizeof jpeg_start) == 0;
}

/* A big-endian number; 0 when it is too large for an int. */
static int big_endian(const uint8_t *p, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | p[i];
    }
    return value > G_MAXINT ? 0 : (int)value;
}

/* PNG (W3C, 11.2.2): IHDR is the first chunk.  JPEG (ITU-T T.81, B.2): walks the segments up to the first SOFn, a marker from 0xc0 to
 * 0xcf except DHT (c4), JPG (c8) and DAC (cc). */
gboolean imagefile_size(const void *data, size_t bytes, int *width, int *height)
{
    const uint8_t *p = data;
    if (is_png(data, bytes) && bytes >= 24) {
        /* 8 bytes of signature, length and name of the chunk, then width and height. */
        *width = big_endian(p + 16, 4);
        *height = big_endian(p + 20, 4);
        return *width > 0 && *height > 0;
    }
    for (size_t at = 2; is_jpeg(data, bytes) && at + 9 <= bytes && p[at] == 0xff;) {
        int marker = p[at + 1];
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            /* SOFn: marker 2, length 2, precision 1, height 2, width 2. */
            *height = big_endian(p + at + 5, 2);
            *width = big_endian(p + at + 7, 2);
            return *width > 0 && *height > 0;
        }
        /* The length of a segment does not include its marker. */
        at += 2 + (size_t)big_endian(p + at + 2, 2);
    }
    return FALSE;
}

Image *imagefile_decode(const void *data, size_t bytes, const char *name, GError **error)
{
    if (is_png(data, bytes)) {
        return imagefile_decode_png(data, bytes, name, error);
    }
    if (is_jpeg(data, bytes)) {
        return imagefile_decode_jpeg(data, bytes, name, error);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: neither a PNG nor a JPEG image", name);
    return NULL;
}

/* Reads exactly `bytes` bytes. */
static gboolean read_all(int fd, uint8_t *data, size_t bytes, const char *path, GError **error)
{
    while (bytes > 0) {
        ssize_t got = read(fd, data, bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", path);
        }
        if (got == 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "%s became shorter while it was read", path);
            return FALSE;
        }
        data += got;
        bytes -= (size_t)got;
    }
    return TRUE;
}

/* Reads a regular file as a whole, so that the codec sees one consistent copy. */
static Image *read_open_file(int fd, const char *path, GError **error)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        wsi_error_errno(error, "cannot examine", path);
        return NULL;
    }
    if (!S_ISREG(info.st_mode) || info.st_size > MAX_FILE_BYTES) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: not an image file (%" G_GINT64_FORMAT " bytes)",
                    path, (int64_t)info.st_size);
        return NULL;
    }
    g_autofree uint8_t *data = wsi_try_alloc((size_t)info.st_size, 1, path, error);
    if (!data || !read_all(fd, data, (size_t)info.st_size, path, error)) {
        return NULL;
    }
    return imagefile_decode(data, (size_t)info.st_size, path, error);
}

Image *imagefile_read(const char *path, GError **error)
{
    /* Opened once, so that size and content are of the same file. */
    int fd = g_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        wsi_error_errno(error, "cannot open", path);
        return NULL;
    }
    Image *image = read_open_file(fd, path, error);
    close(fd);
    return image;
}

gboolean imagefile_write_png_dpi(const char *path, const Image *image, int dpi, char sha256[65],
                                 GError **error)
{
    g_autoptr(Durable) file = durable_open(path, error);
    return file && imagefile_stream_png(file, image, dpi, error) && durable_commit(file, sha256, NULL, error);
}

gboolean imagefile_write_png(const char *path, const Image *image, char sha256[65], GError **error)
{
    return imagefile_write_png_dpi(path, image, 0, sha256, error);
}

/* Whether the name is not hidden and has the suffix of an image, in any case. */
static gboolean has_image_name(const char *name, const void *data)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    for (guint i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (name[0] != '.' && g_str_has_suffix(lower, endings[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

char **imagefile_list(const char *folder, GError **error)
{
    return listing_select(folder, has_image_name, NULL, error);
}

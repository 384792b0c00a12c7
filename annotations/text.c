/* Text files from strangers: a bound on size before memory is asked for, and one encoding.
 *
 * gzip is unpacked in memory up to the same bound, so that a small file cannot become a large one. */
#include "annotations/dialect.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static gboolean read_all(int fd, const char *path, char *text, size_t length, GError **error)
{
    for (size_t at = 0; at < length;) {
        ssize_t got = read(fd, text + at, length - at);
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
        at += (size_t)got;
    }
    return TRUE;
}

/* Unpacks into memory that grows with what comes out. NULL with error. */
static char *unpack(const char *path, char *packed, size_t *length, GError **error)
{
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)*length};
    int status = inflateInit2(&stream, MAX_WBITS + 16);
    char *text = NULL;
    size_t room = 0;
    gboolean no_memory = status != Z_OK;
    while (status == Z_OK && stream.total_out <= TEXT_LIMIT) {
        if (stream.total_out == room) {
            room = MAX((size_t)1 << 20, 2 * room);
            char *more = g_try_realloc(text, room + 1);
            if (!more) {
                no_memory = TRUE;
                break;
            }
            text = more;
        }
        stream.next_out = (Bytef *)text + stream.total_out;
        stream.avail_out = (uInt)(room - stream.total_out);
        status = inflate(&stream, Z_NO_FLUSH);
    }
    *length = stream.total_out;
    gboolean whole = status == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (whole && *length <= TEXT_LIMIT) {
        text[*length] = 0;
        return text;
    }
    g_free(text);
    if (no_memory) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory to unpack %s", path);
    } else {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", path,
                    *length > TEXT_LIMIT ? "is larger than 64 MiB when unpacked, too large for annotations"
                                         : "is damaged gzip");
    }
    return NULL;
}

/* UTF-8 without NUL is the only encoding; the others are named, since some Windows programs write them. */
static gboolean check_text(const char *path, const char *text, size_t length, GError **error)
{
    const char *problem = NULL;
    if (length == 0) {
        problem = "is empty";
    } else if (length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        problem = "is UTF-16; save it as UTF-8";
    } else if (memchr(text, 0, length)) {
        problem = "holds NUL bytes: not UTF-8 text";
    } else if (!g_utf8_validate_len(text, length, NULL)) {
        problem = "is not UTF-8 text";
    }
    if (problem) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", path, problem);
    }
    return !problem;
}

/* The bytes of a file, and a NUL after them; NULL with error. */
static char *load_bytes(const char *path, size_t *length, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        wsi_error_errno(error, "cannot open", path);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    char *text = NULL;
    if (!S_ISREG(info.st_mode) || info.st_size > (off_t)TEXT_LIMIT) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is %s", path,
                    S_ISREG(info.st_mode) ? "larger than 64 MiB, too large for annotations"
                                          : "not a regular file");
    } else {
        *length = (size_t)info.st_size;
        text = wsi_try_alloc(*length + 1, 1, path, error);
    }
    if (text && !read_all(fd, path, text, *length, error)) {
        g_clear_pointer(&text, g_free);
    }
    close(fd);
    return text;
}

char *text_load(const char *path, size_t *length, GError **error)
{
    g_autofree char *text = load_bytes(path, length, error);
    if (text && *length > 2 && memcmp(text, "\x1f\x8b", 2) == 0) {
        char *packed = text;
        text = unpack(path, packed, length, error);
        g_free(packed);
    }
    return text && check_text(path, text, *length, error) ? g_steal_pointer(&text) : NULL;
}

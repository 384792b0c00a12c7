/* Text files from strangers: a bound on size before memory is asked for, and one encoding for the readers.
 *
 * gzip is unpacked in memory up to the same bound, so that a small file cannot become a large one.
 *
 * Readers get UTF-8.  UTF-16 is known by its byte-order mark or by how "<" or "{" stand in it, other encodings by the XML declaration;
 * a table says which are converted.  Afterwards the declaration would be wrong, so that it is blanked; its lines stay. */
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

/* ---- encodings ---- */

/* Formats that people take for annotations, by their first bytes. */
static const struct {
    const char *bytes;
    size_t length;
    const char *name;
} kinds[] = {
    {"\xFF\xD8\xFF", 3, "a JPEG picture: its compression changes labels"},
    {"\x89PNG", 4, "a PNG picture that is damaged"},
    {"GIF8", 4, "a GIF picture"},
    {"BM", 2, "a BMP picture"},
    {"\x93NUMPY", 6, "a NumPy array"},
    {"\x89HDF", 4, "an HDF5 file"},
    {"PK\x03\x04", 4, "a ZIP archive"},
    {"%PDF", 4, "a PDF"},
    {"\0\0\0\x0CjP", 6, "a JPEG 2000 picture"},
    {"MATLAB", 6, "a MATLAB file"},
    {"RIFF", 4, "a WebP picture"},
};

/* Encodings of XML that are read, beside UTF-8. */
static const char *const encodings[] = {
    "UTF-16",       "UTF-16LE",     "UTF-16BE",     "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252",
    "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1257", "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-5",
    "ISO-8859-7",   "ISO-8859-9",   "ISO-8859-15",  "KOI8-R",       "SHIFT_JIS",    "EUC-JP",
    "GB2312",       "GBK",          "GB18030",      "BIG5",         "EUC-KR",       NULL};

static gboolean begins(const char *text, size_t length, const char *with, size_t bytes)
{
    return length >= bytes && memcmp(text, with, bytes) == 0;
}

/* UTF-16 by its mark, or by a "<", "{" or "[" with a NUL beside it; NULL when it is not. */
static const char *utf16_of(const char *text, size_t length)
{
    if (length < 4 || begins(text, length, "\xFF\xFE\0\0", 4)) {
        return NULL;
    }
    if (begins(text, length, "\xFF\xFE", 2) || (strchr("<{[", text[0]) && !text[1] && text[2])) {
        return "UTF-16LE";
    }
    return begins(text, length, "\xFE\xFF", 2) || (!text[0] && text[1] && strchr("<{[", text[1])) ? "UTF-16BE"
                                                                                                  : NULL;
}

/* The declared encoding of XML, in upper case; NULL without. Caller frees. */
static char *declared_encoding(const char *text)
{
    const char *end = g_str_has_prefix(text, "<?xml") ? strstr(text, "?>") : NULL;
    g_autofree char *declaration = end ? g_strndup(text, (size_t)MIN(end - text, 512)) : g_strdup("");
    const char *encoding = strstr(declaration, "encoding");
    const char *value = encoding ? strpbrk(encoding, "\"'") : NULL;
    g_autofree char *name = value ? g_strndup(value + 1, strcspn(value + 1, "\"'")) : NULL;
    return name && *name ? g_ascii_strup(name, -1) : NULL;
}

static void blank_declaration(char *text)
{
    text += g_str_has_prefix(text, "\xEF\xBB\xBF") ? 3 : 0;
    char *end = g_str_has_prefix(text, "<?xml") ? strstr(text, "?>") : NULL;
    for (; end && text < end + 2; text++) {
        *text = strchr("\r\n", *text) ? *text : ' ';
    }
}

/* Replaces *text, of *length bytes in the encoding, by UTF-8. */
static gboolean convert(const char *path, const char *encoding, char **text, size_t *length, GError **error)
{
    g_autoptr(GError) why = NULL;
    gsize written = 0;
    char *converted = g_convert(*text, (gssize)*length, "UTF-8", encoding, NULL, &written, &why);
    if (!converted || written > TEXT_LIMIT) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: in %s: %s", path, encoding,
                    converted ? "larger than 64 MiB as UTF-8, too large for annotations" : why->message);
        g_free(converted);
        return FALSE;
    }
    g_free(*text);
    *text = converted;
    *length = written;
    return TRUE;
}

/* To UTF-8, from what the bytes prove or else the declaration says. */
static gboolean decode(const char *path, char **text, size_t *length, GError **error)
{
    const char *utf16 = utf16_of(*text, *length);
    if (utf16) {
        if (!convert(path, utf16, text, length, error)) {
            return FALSE;
        }
        blank_declaration(*text);
        return TRUE;
    }
    g_autofree char *declared = declared_encoding(*text);
    /* Programs that write into memory first declare UTF-16 and save UTF-8. */
    if (!declared || g_str_equal(declared, "UTF-8") || g_str_equal(declared, "UTF8") ||
        g_str_equal(declared, "US-ASCII") || g_str_has_prefix(declared, "UTF-16")) {
        blank_declaration(*text);
        return TRUE;
    }
    if (!g_strv_contains(encodings, declared)) {
        g_autofree char *list = g_strjoinv(", ", (char **)encodings);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s:1: declares the encoding \"%.40s\", which is not read (known: UTF-8, %s)", path,
                    declared, list);
        return FALSE;
    }
    gboolean good = convert(path, declared, text, length, error);
    if (good) {
        blank_declaration(*text);
    }
    return good;
}

static gboolean check_text(const char *path, const char *text, size_t length, GError **error)
{
    const char *problem = NULL;
    if (length == 0) {
        problem = "is empty";
    } else if (memchr(text, 0, length)) {
        problem = "holds NUL bytes: not text";
    } else if (!g_utf8_validate_len(text, length, NULL)) {
        problem = "is not UTF-8 text, and declares no other encoding";
    }
    if (problem) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", path, problem);
    }
    return !problem;
}

/* Refuses what is known to be no text by its name. */
static gboolean check_kind(const char *path, const char *text, size_t length, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (begins(text, length, kinds[i].bytes, kinds[i].length)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s is %s; annotations are XML or GeoJSON, label masks are PNG or TIFF", path,
                        kinds[i].name);
            return FALSE;
        }
    }
    return TRUE;
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
    if (!text || !check_kind(path, text, *length, error) || !decode(path, &text, length, error)) {
        return NULL;
    }
    return check_text(path, text, *length, error) ? g_steal_pointer(&text) : NULL;
}

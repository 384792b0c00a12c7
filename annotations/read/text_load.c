/* Text from untrusted files: a limit on the size before memory is allocated, and one encoding for the readers.
 *
 * gzip is unpacked in memory up to the same limit, so a small file cannot become a large one.
 *
 * Readers get UTF-8.  UTF-16 and UTF-32 are recognised by their byte-order mark or by the NULs around the first character, other encodings by
 * the XML declaration, under any name that iconv knows.  After the conversion the declaration would be wrong, so it is blanked; its line
 * breaks stay, so line numbers in messages are right. */
#include "annotations/read/dialect.h"
#include "base/error.h"
#include "base/magic.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Reads exactly `length` bytes.  A file that became shorter meanwhile may be read again later. */
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

/* Unpacks gzip into memory that grows with the output, up to TEXT_LIMIT.  Caller frees; NULL with error. */
static char *unpack(const char *path, char *packed, size_t *length, GError **error)
{
    /* 16 more window bits make zlib expect a gzip header. */
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)*length};
    int status = inflateInit2(&stream, MAX_WBITS + 16);
    char *text = NULL;
    size_t capacity = 0;
    gboolean no_memory = status != Z_OK;
    while (status == Z_OK && stream.total_out <= TEXT_LIMIT) {
        if (stream.total_out == capacity) {
            capacity = MAX((size_t)1 << 20, 2 * capacity);
            char *more = g_try_realloc(text, capacity + 1);
            if (!more) {
                no_memory = TRUE;
                break;
            }
            text = more;
        }
        stream.next_out = (Bytef *)text + stream.total_out;
        stream.avail_out = (uInt)(capacity - stream.total_out);
        status = inflate(&stream, Z_NO_FLUSH);
    }
    *length = stream.total_out;
    /* Bytes after the end of the stream are damage too. */
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
                                         : "is a damaged gzip file");
    }
    return NULL;
}

/* ---- encodings ---- */

static gboolean begins(const char *text, size_t length, const char *with, size_t bytes)
{
    return length >= bytes && memcmp(text, with, bytes) == 0;
}

/* Recognises UTF-16 and UTF-32 by a byte-order mark, or by "<", "{" or "[" as first character with NULs around it; NULL when it is neither. */
static const char *wide_of(const char *text, size_t length)
{
    static const struct {
        /* zeros: the bytes of the first character, '0' for a NUL and 'x' for the character. */
        const char *mark, *zeros;
        size_t bytes;
        const char *encoding;
    } forms[] = {
        {"\xFF\xFE\0\0", "x000", 4, "UTF-32LE"},
        {"\0\0\xFE\xFF", "000x", 4, "UTF-32BE"},
        {"\xFF\xFE", "x0", 2, "UTF-16LE"},
        {"\xFE\xFF", "0x", 2, "UTF-16BE"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(forms) && length >= 4; i++) {
        gboolean first = TRUE;
        for (size_t k = 0; k < forms[i].bytes; k++) {
            first = first && (forms[i].zeros[k] == '0' ? !text[k] : text[k] && strchr("<{[", text[k]));
        }
        if (first || begins(text, length, forms[i].mark, forms[i].bytes)) {
            return forms[i].encoding;
        }
    }
    return NULL;
}

/* The encoding that an XML declaration names, in upper case; NULL without one.  Caller frees. */
static char *declared_encoding(const char *text)
{
    const char *end = g_str_has_prefix(text, "<?xml") ? strstr(text, "?>") : NULL;
    g_autofree char *declaration = end ? g_strndup(text, (size_t)MIN(end - text, 512)) : g_strdup("");
    const char *encoding = strstr(declaration, "encoding");
    const char *value = encoding ? strpbrk(encoding, "\"'") : NULL;
    g_autofree char *name = value ? g_strndup(value + 1, strcspn(value + 1, "\"'")) : NULL;
    return name && *name ? g_ascii_strup(name, -1) : NULL;
}

/* Replaces the XML declaration by blanks, but keeps its line breaks. */
static void blank_declaration(char *text)
{
    text += g_str_has_prefix(text, "\xEF\xBB\xBF") ? 3 : 0;
    char *end = g_str_has_prefix(text, "<?xml") ? strstr(text, "?>") : NULL;
    for (; end && text < end + 2; text++) {
        *text = strchr("\r\n", *text) ? *text : ' ';
    }
}

/* Converts *text (*length bytes in this encoding) to UTF-8 and replaces it. */
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

/* What to convert from: *encoding is the declared name, or NULL where the bytes are UTF-8.  A declaration that can be read byte by byte is not
 * in an encoding of wide characters, whatever it says: programs that build the text in memory declare UTF-16 and save UTF-8.  ASCII is part
 * of UTF-8. */
static gboolean check_declared(const char *path, const char *declared, const char **encoding, GError **error)
{
    static const char *const utf8[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", NULL};
    static const char sample[] = "<?xml";
    *encoding = NULL;
    if (g_strv_contains(utf8, declared)) {
        return TRUE;
    }
    g_autoptr(GError) why = NULL;
    g_autofree char *read = NULL;
    gboolean a_name = declared[strspn(declared, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")] == 0;
    if (a_name) { /* iconv accepts more than names: "LATIN1//IGNORE" silently drops what it cannot read */
        read = g_convert(sample, -1, "UTF-8", declared, NULL, NULL, &why);
    }
    if (!a_name || g_error_matches(why, G_CONVERT_ERROR, G_CONVERT_ERROR_NO_CONVERSION)) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "%s:1: the file declares the encoding \"%.40s\", which iconv does not know; save it as UTF-8",
            path, declared);
        return FALSE;
    }
    *encoding = g_strcmp0(read, sample) == 0 ? declared : NULL;
    return TRUE;
}

/* Converts to UTF-8, from the encoding that the bytes prove, otherwise from the declared one. */
static gboolean decode(const char *path, char **text, size_t *length, GError **error)
{
    const char *encoding = wide_of(*text, *length);
    g_autofree char *declared = encoding ? NULL : declared_encoding(*text);
    if ((declared && !check_declared(path, declared, &encoding, error)) ||
        (encoding && !convert(path, encoding, text, length, error))) {
        return FALSE;
    }
    blank_declaration(*text);
    return TRUE;
}

/* The last check: whatever the encoding was, readers get UTF-8 without NULs. */
static gboolean check_text(const char *path, const char *text, size_t length, GError **error)
{
    const char *problem = NULL;
    if (length == 0) {
        problem = "is empty";
    } else if (memchr(text, 0, length)) {
        problem = "contains NUL bytes, so it is not text";
    } else if (!g_utf8_validate_len(text, length, NULL)) {
        problem = "is not UTF-8 and declares no other encoding";
    }
    if (problem) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s %s", path, problem);
    }
    return !problem;
}

/* Refuses a file whose first bytes prove that it is not an annotation, and says what it is. */
static gboolean check_kind(const char *path, const char *text, size_t length, GError **error)
{
    const Magic *kind = magic_of(text, length);
    if (!kind || kind->markup) {
        return TRUE;
    }
    const char *hint = g_str_equal(kind->name, "a JPEG image")  ? "its compression changes labels"
                       : g_str_equal(kind->name, "a PNG image") ? "it is damaged"
                                                                : kind->hint;
    return wsi_error_input(error, "%s is %s%s%s; annotations are XML or GeoJSON, label masks are PNG or TIFF",
                           path, kind->name, hint ? ": " : "", hint ? hint : "");
}

/* The bytes of a file and a NUL after them.  Caller frees; NULL with error. */
static char *load_bytes(const char *path, size_t *length, GError **error)
{
    /* O_NONBLOCK: a named pipe must not block the open; it is refused below. */
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
    /* gzip's magic number */
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

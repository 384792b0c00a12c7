/* The outlines of a file have no limit but the memory, so their text is written as it grows. */
#include "annotations/write/text_writer.h"
#include "base/error.h"
#include <math.h>
#include <zlib.h>

/* Tables of numbers hardly shrink further at higher levels. */
enum { GZIP_LEVEL = 2 };

gboolean text_writer_compress(TextWriter *writer, GError **error)
{
    writer->z = g_new0(z_stream, 1);
    /* 16 more window bits make zlib write a gzip header. */
    if (deflateInit2(writer->z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        g_clear_pointer(&writer->z, g_free);
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory to compress a file");
        return FALSE;
    }
    return TRUE;
}

void text_writer_clear(TextWriter *writer)
{
    if (writer->z) {
        deflateEnd(writer->z);
        g_clear_pointer(&writer->z, g_free);
    }
}

/* Writes the text.  flush: Z_NO_FLUSH, or Z_FINISH for the last one. */
static gboolean put(TextWriter *writer, int flush, GError **error)
{
    if (!writer->z) {
        return durable_write(writer->file, writer->text->str, writer->text->len, error);
    }
    writer->z->next_in = (Bytef *)writer->text->str;
    writer->z->avail_in = (uInt)writer->text->len;
    do {
        uint8_t packed[TEXT_WRITER_BYTES];
        writer->z->next_out = packed;
        writer->z->avail_out = sizeof packed;
        deflate(writer->z, flush);
        if (!durable_write(writer->file, packed, sizeof packed - writer->z->avail_out, error)) {
            return FALSE;
        }
    } while (writer->z->avail_out == 0);
    return TRUE;
}

gboolean text_writer_flush(TextWriter *writer, size_t keep, GError **error)
{
    if (writer->text->len <= keep) {
        return TRUE;
    }
    gboolean good = put(writer, Z_NO_FLUSH, error);
    g_string_truncate(writer->text, 0);
    return good;
}

gboolean text_writer_end(TextWriter *writer, GError **error)
{
    gboolean good = put(writer, Z_FINISH, error);
    g_string_truncate(writer->text, 0);
    return good;
}

const char *text_writer_number(char buffer[32], double value)
{
    /* 15 digits always survive a decimal number's way through a double, 17 a double's way through decimal. */
    static const char *const formats[] = {"%.15g", "%.16g", "%.17g"};
    for (int i = 0; i < 3; i++) {
        g_ascii_formatd(buffer, 32, formats[i], value);
        if (g_ascii_strtod(buffer, NULL) == value) {
            break;
        }
    }
    return buffer;
}

const char *text_writer_rounded(char buffer[32], double value)
{
    int64_t thousandths = llround(value * 1000), size = thousandths < 0 ? -thousandths : thousandths;
    int n = g_snprintf(buffer, 32, "%s%" G_GINT64_FORMAT ".%03d", thousandths < 0 ? "-" : "", size / 1000,
                       (int)(size % 1000));
    while (buffer[n - 1] == '0') {
        buffer[--n] = 0;
    }
    if (buffer[n - 1] == '.') {
        buffer[n - 1] = 0;
    }
    return buffer;
}

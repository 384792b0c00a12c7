/* The outlines of a file have no limit but the memory, so their text is written as it grows. */
#include "annotations/write/text_writer.h"

gboolean text_writer_flush(TextWriter *writer, size_t keep, GError **error)
{
    if (writer->text->len <= keep) {
        return TRUE;
    }
    gboolean good = durable_write(writer->file, writer->text->str, writer->text->len, error);
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

/* Inside annotations/: writing large texts in pieces of bounded size, as they are or through gzip. */
#pragma once
#include "base/durable.h"

typedef struct {
    Durable *file;
    GString *text;        /* not yet written */
    struct z_stream_s *z; /* of text_writer_compress; NULL: the text is written as it is */
} TextWriter;

enum { TEXT_WRITER_BYTES = 64 << 10 };

/* From now on the text is compressed (RFC 1952, without a name or a time).  Before the first byte is written; text_writer_clear frees it. */
gboolean text_writer_compress(TextWriter *writer, GError **error);
/* Writes the text to the file when it is longer than `keep` bytes: TEXT_WRITER_BYTES on the way, 0 at the end. */
gboolean text_writer_flush(TextWriter *writer, size_t keep, GError **error);
/* Writes all that is left, and the end of the gzip stream if it is one. */
gboolean text_writer_end(TextWriter *writer, GError **error);
/* Frees what text_writer_compress made.  File and text stay the caller's. */
void text_writer_clear(TextWriter *writer);
/* The shortest decimal number that reads back as the same double.  Returns buffer. */
const char *text_writer_number(char buffer[32], double value);
/* The number rounded to 1/1000, without zeros at its end; |value| < 10^12.  Returns buffer. */
const char *text_writer_rounded(char buffer[32], double value);

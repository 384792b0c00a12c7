/* Inside annotations/: writing large texts in pieces of bounded size. */
#pragma once
#include "base/durable.h"

typedef struct {
    Durable *file;
    GString *text; /* not yet written */
} TextWriter;

enum { TEXT_WRITER_BYTES = 64 << 10 };

/* Writes the text to the file when it is longer than `keep` bytes: TEXT_WRITER_BYTES on the way, 0 at the end. */
gboolean text_writer_flush(TextWriter *writer, size_t keep, GError **error);
/* The shortest decimal number that reads back as the same double.  Returns buffer. */
const char *text_writer_number(char buffer[32], double value);

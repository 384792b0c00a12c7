/* What a file is by its first bytes, when it is not what was expected: for errors that say what somebody really has.  Any thread. */
#pragma once
#include <glib.h>

typedef struct {
    int at; /* offset of the bytes */
    const char *bytes;
    gsize count;
    gboolean text;    /* white space and a byte-order mark may precede it, and case does not matter */
    gboolean markup;  /* XML or JSON, which may be an annotation */
    const char *name; /* "a PNG image" */
    const char *hint; /* what to do, or how such files come about; or NULL */
} Magic;

/* The kind of a file that begins with these bytes, static; NULL when it is not in the table (TIFF is not). */
const Magic *magic_of(const void *head, gsize bytes);

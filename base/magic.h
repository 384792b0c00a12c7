/* What a file is by its first bytes, where it is none of ours: for errors that say what somebody really has. */
#pragma once
#include <glib.h>

typedef struct {
    int at; /* where the bytes are */
    const char *bytes;
    gsize count;
    gboolean text;    /* blanks and a mark of UTF-8 may come before, case does not matter */
    gboolean markup;  /* XML or JSON, which may be an annotation */
    const char *name; /* "a PNG image" */
    const char *hint; /* what to do, or how that comes about; NULL */
} Magic;

/* The kind of a file that begins so; NULL when it is not in the table (TIFF is not).  Static. Thread-safe. */
const Magic *magic_of(const void *head, gsize bytes);

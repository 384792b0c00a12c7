/* Structs as JSON objects, by a table of their fields; reading is strict.
 *
 * One line of a table is one key: it adds a member of the struct to the file format. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef enum {
    FIELD_TEXT,   /* char *, never NULL; reading allocates */
    FIELD_MAYBE,  /* char * or NULL, which is null */
    FIELD_INT,    /* int */
    FIELD_BOOL,   /* gboolean */
    FIELD_INT64,  /* int64_t; uint64_t as the same bits */
    FIELD_NUMBER, /* double, with 17 digits; NAN and infinities are null, which is read as NAN */
    FIELD_NAME    /* enum (int), by the names of its values */
} FieldKind;

typedef struct {
    const char *key; /* NULL ends the table */
    FieldKind kind;
    size_t offset;
    int count;                /* > 1: an array of that many values; 0 or 1: one value */
    const char *const *names; /* of FIELD_NAME, ended by NULL */
} Field;

/* A new object with the keys in the order of the table.  Caller owns it. */
json_t *fields_write(const Field *table, const void *base);
/* Fills the struct, which must be zeroed before.  FALSE with WSI_ERROR_INPUT for a key that is unknown, missing or of the wrong
 * type; `what` names the object in the message. */
gboolean fields_read(const Field *table, const json_t *object, void *base, const char *what, GError **error);
/* Frees the texts of a struct and sets them to NULL. */
void fields_clear(const Field *table, void *base);
/* Compact text, numbers with 17 digits; the same text for the same content.  Caller frees. */
char *fields_text(const json_t *value);
/* Parses a text from anywhere; duplicate keys are refused.  `what` names it in the message.  NULL with WSI_ERROR_INPUT. */
json_t *fields_parse(const char *text, const char *what, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

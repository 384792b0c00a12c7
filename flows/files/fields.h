/* Structs as JSON objects by a table of their fields; reading is strict.
 *
 * One line of a table is one key: adding a setting to a struct and its file format is that line. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef enum {
    FIELD_TEXT,   /* char *, never NULL; reading allocates */
    FIELD_MAYBE,  /* char * or NULL, which is null */
    FIELD_INT,    /* int */
    FIELD_BOOL,   /* gboolean */
    FIELD_INT64,  /* int64_t; uint64_t as the same bits */
    FIELD_NUMBER, /* double, written with 17 digits; not finite is null, read as NAN */
    FIELD_NAME    /* an enum (int) by the names of its values */
} FieldKind;

typedef struct {
    const char *key; /* NULL ends the table */
    FieldKind kind;
    size_t offset;
    int count;                /* > 1: an array of so many values; 0 or 1: one value */
    const char *const *names; /* of FIELD_NAME, ended by NULL */
} Field;

/* A new object with the keys in the order of the table. */
json_t *fields_write(const Field *table, const void *base);
/* Fills the struct (zeroed before). An unknown, missing or ill-typed key is WSI_ERROR_INPUT; `what` names the object in the message. */
gboolean fields_read(const Field *table, const json_t *object, void *base, const char *what, GError **error);
/* Frees the texts of a struct and sets them to NULL. */
void fields_clear(const Field *table, void *base);
/* Compact text, numbers with 17 digits, the same for the same content. Caller frees. */
char *fields_text(const json_t *value);
/* Parses a text of another program or of ours; duplicate keys are refused.  `what` names it in the message. */
json_t *fields_parse(const char *text, const char *what, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

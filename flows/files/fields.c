/* Tables of fields.  Doubles are written with 17 digits, which give the same bits when they are read. */
#include "flows/files/fields.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from one value to the next in a struct; a choice is an int. */
static const size_t sizes[] = {
    [FIELD_TEXT] = sizeof(char *),   [FIELD_MAYBE] = sizeof(char *),  [FIELD_INT] = sizeof(int),
    [FIELD_BOOL] = sizeof(gboolean), [FIELD_INT64] = sizeof(int64_t), [FIELD_NUMBER] = sizeof(double),
    [FIELD_NAME] = sizeof(int),
};

/* JSON has no NaN and no infinity: a number that is not finite is null. */
static json_t *write_one(const Field *field, const char *at)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_MAYBE:
        return *(char *const *)at ? json_string(*(char *const *)at) : json_null();
    case FIELD_BOOL:
        return json_boolean(*(const gboolean *)at);
    case FIELD_INT64:
        return json_integer(*(const int64_t *)at);
    case FIELD_NUMBER:
        return isfinite(*(const double *)at) ? json_real(*(const double *)at) : json_null();
    case FIELD_NAME:
        return json_string(field->names[*(const int *)at]);
    case FIELD_INT:
        break;
    }
    return json_integer(*(const int *)at);
}

json_t *fields_write(const Field *table, const void *base)
{
    json_t *object = json_object();
    for (const Field *f = table; f->key; f++) {
        /* Where the member is in the struct. */
        const char *at = (const char *)base + f->offset;
        /* A field of several values is an array in the struct and in JSON. */
        json_t *value = f->count > 1 ? json_array() : write_one(f, at);
        for (int i = 0; f->count > 1 && i < f->count; i++) {
            json_array_append_new(value, write_one(f, at + i * sizes[f->kind]));
        }
        json_object_set_new(object, f->key, value);
    }
    return object;
}

/* A choice is the position of its name in the list. */
static gboolean read_name(const Field *field, const json_t *value, int *out)
{
    for (int i = 0; json_is_string(value) && field->names[i]; i++) {
        if (strcmp(field->names[i], json_string_value(value)) == 0) {
            *out = i;
            return TRUE;
        }
    }
    return FALSE;
}

/* Allocates; null is accepted for FIELD_MAYBE only. */
static gboolean read_text(const json_t *value, gboolean maybe, char **out)
{
    *out = g_strdup(json_string_value(value)); /* NULL for null */
    return json_is_string(value) || (maybe && json_is_null(value));
}

static gboolean read_int(const json_t *value, int *out)
{
    /* 64 bits: a number that does not fit into an int differs after the cast. */
    json_int_t number = json_integer_value(value);
    *out = (int)number;
    return json_is_integer(value) && number == *out;
}

/* FALSE when the value is of another kind.  `at` may be set even then. */
static gboolean read_one(const Field *field, const json_t *value, char *at)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_MAYBE:
        return read_text(value, field->kind == FIELD_MAYBE, (char **)at);
    case FIELD_BOOL:
        *(gboolean *)at = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_INT64:
        *(int64_t *)at = json_integer_value(value);
        return json_is_integer(value);
    case FIELD_NUMBER:
        /* Whole numbers are accepted too, since 1 is a way to write 1.0. */
        *(double *)at = json_is_null(value) ? NAN : json_number_value(value);
        return json_is_number(value) || json_is_null(value);
    case FIELD_NAME:
        return read_name(field, value, (int *)at);
    case FIELD_INT:
        break;
    }
    return read_int(value, (int *)at);
}

static gboolean read_field(const Field *field, const json_t *value, char *at)
{
    if (field->count <= 1) {
        return read_one(field, value, at);
    }
    /* The struct has room for exactly `count` values. */
    gboolean ok = json_is_array(value) && json_array_size(value) == (size_t)field->count;
    for (int i = 0; ok && i < field->count; i++) {
        ok = read_one(field, json_array_get(value, i), at + i * sizes[field->kind]);
    }
    return ok;
}

/* Whether a key is in the table. */
static gboolean known(const Field *table, const char *key)
{
    while (table->key && strcmp(table->key, key) != 0) {
        table++;
    }
    return table->key != NULL;
}

gboolean fields_read(const Field *table, const json_t *object, void *base, const char *what, GError **error)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: an object was expected", what);
        return FALSE;
    }
    /* Every key must be in the table, and below every key of the table in the object. */
    json_object_foreach((json_t *)object, key, value)
    {
        if (!known(table, key)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: unknown key \"%s\"", what, key);
            return FALSE;
        }
    }
    for (const Field *f = table; f->key; f++) {
        const json_t *member = json_object_get(object, f->key);
        if (!member || !read_field(f, member, (char *)base + f->offset)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: key \"%s\" %s", what, f->key,
                        member ? "has a value of the wrong kind" : "is missing");
            return FALSE;
        }
    }
    return TRUE;
}

void fields_clear(const Field *table, void *base)
{
    for (const Field *f = table; f->key; f++) {
        /* Only texts own memory. */
        if (f->kind == FIELD_TEXT || f->kind == FIELD_MAYBE) {
            g_clear_pointer((char **)((char *)base + f->offset), g_free);
        }
    }
}

char *fields_text(const json_t *value)
{
    /* Jansson's memory comes from malloc(), but callers use g_free(). */
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    char *text = g_strdup(dumped);
    free(dumped);
    return text;
}

json_t *fields_parse(const char *text, const char *what, GError **error)
{
    json_error_t why;
    /* Of two equal keys Jansson would silently take the last. */
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!value) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s (column %d)", what, why.text, why.column);
    }
    return value;
}

/* Structs as JSON and back: the same bits, and only keys of the table. */
#include "flows/files/fields.h"
#include "base/error.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef enum { RED, GREEN } Colour;

typedef struct {
    char *name, *note;
    int number;
    gboolean flag;
    int64_t large;
    double value, row[3];
    Colour colour;
} Thing;

static const char *const colours[] = {"red", "green", NULL};

#define AT(member) offsetof(Thing, member)
static const Field table[] = {
    {"name", FIELD_TEXT, AT(name), 1, NULL},
    {"note", FIELD_MAYBE, AT(note), 1, NULL},
    {"number", FIELD_INT, AT(number), 1, NULL},
    {"flag", FIELD_BOOL, AT(flag), 1, NULL},
    {"large", FIELD_INT64, AT(large), 1, NULL},
    {"value", FIELD_NUMBER, AT(value), 1, NULL},
    {"row", FIELD_NUMBER, AT(row), 3, NULL},
    {"colour", FIELD_NAME, AT(colour), 1, colours},
    {NULL, 0, 0, 0, NULL},
};

static char *text_of(const Thing *thing)
{
    g_autoptr(json_t) object = fields_write(table, thing);
    return fields_text(object);
}

static const Thing example = {(char *)"a \"b\"",     NULL, -7, TRUE, INT64_MIN, 0.1,
                              {1.0 / 3, NAN, 1e300}, GREEN};

static void test_text(void)
{
    g_autofree char *text = text_of(&example);
    g_assert_cmpstr(
        text, ==,
        "{\"name\":\"a \\\"b\\\"\",\"note\":null,\"number\":-7,\"flag\":true,\"large\":-9223372036854775808,"
        "\"value\":0.10000000000000001,\"row\":[0.33333333333333331,null,1.0000000000000001e300],"
        "\"colour\":\"green\"}");
}

static void test_same_bits_come_back(void)
{
    Thing back = {0};
    g_autofree char *text = text_of(&example);
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) object = fields_parse(text, "test", &error);
    g_assert_no_error(error);
    g_assert_true(fields_read(table, object, &back, "test", &error));
    g_assert_no_error(error);
    g_assert_cmpstr(back.name, ==, example.name);
    g_assert_null(back.note);
    g_assert_cmpint(back.number, ==, -7);
    g_assert_true(back.flag);
    g_assert_cmpint(back.large, ==, INT64_MIN);
    g_assert_true(back.value == example.value && back.row[0] == example.row[0] &&
                  back.row[2] == example.row[2]);
    g_assert_true(isnan(back.row[1]));
    g_assert_cmpint(back.colour, ==, GREEN);
    fields_clear(table, &back);
    g_assert_null(back.name);
}

/* Replaces `from` in the text of the example by `to`: reading must fail and say `says`. */
static void refused(const char *from, const char *to, const char *says)
{
    Thing back = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *text = text_of(&example);
    char *at = strstr(text, from);
    g_assert_nonnull(at);
    g_autofree char *changed = g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    g_autoptr(json_t) object = fields_parse(changed, "the thing", &error);
    g_assert_false(object && fields_read(table, object, &back, "the thing", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "the thing"));
    g_assert_nonnull(strstr(error->message, says));
    fields_clear(table, &back);
}

static void test_what_is_not_in_the_table_is_refused(void)
{
    refused("\"number\"", "\"nummer\"", "unknown key \"nummer\"");
    refused("\"number\":-7,", "", "\"number\" is missing");
    refused("\"number\":-7", "\"number\":-7,\"number\":-7", "number");
    refused("-7", "1.5", "\"number\"");
    refused("-7", "3000000000", "\"number\"");
    refused("-7", "\"-7\"", "\"number\"");
    refused("true", "1", "\"flag\"");
    refused("\"name\":\"a \\\"b\\\"\"", "\"name\":null", "\"name\"");
    refused("\"note\":null", "\"note\":5", "\"note\"");
    refused("0.10000000000000001", "\"x\"", "\"value\"");
    refused(",null,", ",", "\"row\"");
    refused(",null,", ",true,", "\"row\"");
    refused("green", "blue", "\"colour\"");
    refused("{", "[", "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fields/text", test_text);
    g_test_add_func("/fields/bits", test_same_bits_come_back);
    g_test_add_func("/fields/refused", test_what_is_not_in_the_table_is_refused);
    return g_test_run();
}

/* Options.
 *
 * getopt_long reads them, because GLib's parser knows neither -j2 nor abbreviations and expects texts in the locale's encoding, which is ASCII in
 * cron and in containers.  The tables are still GLib's GOptionEntry.  Every given value is used or refused. */
#include "pipeline/cli/options.h"
#include "base/error.h"
#include "base/nearest.h"
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 256 }; /* getopt_long returns LONG + i for the long name of entry i */

/* Ranges of numbers; an option means the same in all commands.  Other options have the range of their type. */
static const struct {
    const char *name;
    double low, high;
} ranges[] = {
    {"patience", 0, 10080}, /* minutes: a week */
    {"workers", 1, 1024},         {"threads", 1, 1024},    {"mpp", 0.001, 1000},
    {"level-mpp", 0.001, 1e6},    {"samples", 1, 1000000}, {"sample", 0, 1000000000},
    {"temperature", 0.001, 1000}, {"tolerance", 0, 1e6},   {"slides", 1, 100000},
    {"lesions", 0, 100000},       {"artefacts", 0, 8},     {"width", 2048, 1000000000},
    {"height", 2048, 1000000000},
};

typedef struct {
    const GOptionEntry *entries;
    int count;
    struct option *longs;
    char *shorts;
    char **values; /* as given, NULL = not yet */
} Parser;

static void parser_init(Parser *parser, const GOptionEntry *entries)
{
    GString *shorts = g_string_new(":");
    *parser = (Parser){.entries = entries};
    while (entries[parser->count].long_name) {
        parser->count++;
    }
    parser->longs = g_new0(struct option, parser->count + 1);
    parser->values = g_new0(char *, parser->count + 1);
    for (int i = 0; i < parser->count; i++) {
        gboolean value = entries[i].arg != G_OPTION_ARG_NONE;
        parser->longs[i] =
            (struct option){entries[i].long_name, value ? required_argument : no_argument, NULL, LONG + i};
        if (entries[i].short_name) {
            g_string_append_printf(shorts, "%c%s", entries[i].short_name, value ? ":" : "");
        }
    }
    parser->shorts = g_string_free(shorts, FALSE);
}

static void parser_clear(Parser *parser)
{
    for (int i = 0; i < parser->count; i++) {
        g_free(parser->values[i]);
    }
    g_free(parser->values);
    g_free(parser->longs);
    g_free(parser->shorts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parser, parser_clear)

/* Index of the entry for a return value of getopt_long, -1 = none. */
static int entry_of(const Parser *parser, int code)
{
    if (code >= LONG) {
        return code - LONG;
    }
    for (int i = 0; i < parser->count; i++) {
        if (parser->entries[i].short_name == code) {
            return i;
        }
    }
    return -1;
}

/* ---- values ---- */

/* Index of an option's range, -1 = none. */
static int range_of(const GOptionEntry *entry)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if (g_str_equal(ranges[i].name, entry->long_name)) {
            return entry->arg == G_OPTION_ARG_INT || entry->arg == G_OPTION_ARG_DOUBLE ? (int)i : -1;
        }
    }
    return -1;
}

static gboolean number_in_range(const GOptionEntry *entry, const char *text, double *out, GError **error)
{
    char *end;
    *out = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(*out)) {
        return wsi_error_input(error, "--%s is \"%s\": expected a number", entry->long_name, text);
    }
    int range = range_of(entry);
    if (range >= 0 && !(*out >= ranges[range].low && *out <= ranges[range].high)) {
        return wsi_error_input(error, "--%s is %s: allowed are %.10g to %.10g", entry->long_name, text,
                               ranges[range].low, ranges[range].high);
    }
    return TRUE;
}

static gboolean whole_number(const GOptionEntry *entry, const char *text, gint64 low, gint64 high,
                             gint64 *out, GError **error)
{
    double value;
    g_autoptr(GError) why = NULL;
    if (!number_in_range(entry, text, &value, error)) {
        return FALSE;
    }
    int range = range_of(entry);
    if (!g_ascii_string_to_signed(text, 10, low, high, out, &why)) {
        return wsi_error_input(error, "--%s is \"%s\": expected a whole number from %.0f to %.0f",
                               entry->long_name, text, range >= 0 ? ranges[range].low : (double)low,
                               range >= 0 ? ranges[range].high : (double)high);
    }
    return TRUE;
}

static void append_text(char ***list, const char *text)
{
    guint n = *list ? g_strv_length(*list) : 0;
    *list = g_renew(char *, *list, n + 2);
    (*list)[n] = g_strdup(text);
    (*list)[n + 1] = NULL;
}

static gboolean store(const GOptionEntry *entry, const char *text, GError **error)
{
    gint64 whole;
    switch (entry->arg) {
    case G_OPTION_ARG_NONE:
        *(gboolean *)entry->arg_data = TRUE;
        return TRUE;
    case G_OPTION_ARG_INT:
        if (!whole_number(entry, text, G_MININT, G_MAXINT, &whole, error)) {
            return FALSE;
        }
        *(int *)entry->arg_data = (int)whole;
        return TRUE;
    case G_OPTION_ARG_INT64:
        return whole_number(entry, text, G_MININT64, G_MAXINT64, entry->arg_data, error);
    case G_OPTION_ARG_DOUBLE:
        return number_in_range(entry, text, entry->arg_data, error);
    case G_OPTION_ARG_STRING_ARRAY:
        append_text(entry->arg_data, text);
        return TRUE;
    default: /* STRING, FILENAME */
        g_free(*(char **)entry->arg_data);
        *(char **)entry->arg_data = g_strdup(text);
        return TRUE;
    }
}

static gboolean take_value(Parser *parser, int i, const char *text, GError **error)
{
    const GOptionEntry *entry = &parser->entries[i];
    if (text && !*text) {
        return wsi_error_input(error, "--%s is empty: expected %s", entry->long_name, entry->arg_description);
    }
    if (entry->arg == G_OPTION_ARG_FILENAME && g_str_equal(text, "-")) {
        return wsi_error_input(error,
                               "--%s is -, but wsiflow does not use standard input and output; write ./- for "
                               "a file of that name",
                               entry->long_name);
    }
    if (entry->arg != G_OPTION_ARG_STRING_ARRAY && parser->values[i] &&
        !g_str_equal(parser->values[i], text ? text : "")) {
        return wsi_error_input(error, "--%s is given twice: %s and %s", entry->long_name, parser->values[i],
                               text);
    }
    g_free(parser->values[i]);
    parser->values[i] = g_strdup(text ? text : "");
    return store(entry, text, error);
}

/* ---- names ---- */

/* The error for a long option that getopt_long refused; `given` is "--name" or "--name=value". */
static gboolean refuse_long(const Parser *parser, const char *given, GError **error)
{
    size_t length = strcspn(given + 2, "=");
    g_autofree char *name = g_strndup(given + 2, length);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GString) fitting = g_string_new(NULL);
    int fit = 0;
    for (int i = 0; i < parser->count; i++) {
        const char *known = parser->entries[i].long_name;
        g_ptr_array_add(names, (char *)known);
        if (g_str_has_prefix(known, name)) {
            g_string_append_printf(fitting, "%s--%s", fit++ ? ", " : "", known);
        }
    }
    g_ptr_array_add(names, NULL);
    if (fit > 1) {
        return wsi_error_input(error, "--%s is ambiguous: %s", name, fitting->str);
    }
    const char *near = nearest_name(name, (const char *const *)names->pdata);
    return wsi_error_input(error, "unknown option --%s%s%s%s", name, near ? "; did you mean --" : "",
                           near ? near : "", near ? "?" : "");
}

static gboolean refuse_option(const Parser *parser, int code, char *const *argv, GError **error)
{
    if (code == ':') {
        const GOptionEntry *entry = &parser->entries[entry_of(parser, optopt)];
        return wsi_error_input(error, "--%s needs a value: %s", entry->long_name, entry->arg_description);
    }
    if (optopt >= LONG) {
        return wsi_error_input(error, "--%s takes no value", parser->entries[optopt - LONG].long_name);
    }
    return optopt ? wsi_error_input(error, "unknown option -%c", optopt)
                  : refuse_long(parser, argv[optind - 1], error);
}

gboolean options_parse(const GOptionEntry *entries, int *argc, char ***argv, GError **error)
{
    g_auto(Parser) parser;
    parser_init(&parser, entries);
    int code;
    optind = 0; /* glibc: from the start */
    opterr = 0;
    while ((code = getopt_long(*argc, *argv, parser.shorts, parser.longs, NULL)) != -1) {
        int i = code == '?' || code == ':' ? -1 : entry_of(&parser, code);
        if (i < 0) {
            return refuse_option(&parser, code, *argv, error);
        }
        if (!take_value(&parser, i, entries[i].arg == G_OPTION_ARG_NONE ? NULL : optarg, error)) {
            return FALSE;
        }
    }
    for (int i = optind; i < *argc; i++) {
        (*argv)[1 + i - optind] = (*argv)[i];
    }
    *argc -= optind - 1;
    (*argv)[*argc] = NULL;
    return TRUE;
}

char *options_help(const GOptionEntry *entries)
{
    g_autoptr(GString) out = g_string_new("\nOptions:\n");
    for (; entries->long_name; entries++) {
        char short_name[] = {'-', entries->short_name, ',', ' ', 0};
        const char *value = entries->arg == G_OPTION_ARG_NONE ? NULL : entries->arg_description;
        g_autofree char *name = g_strdup_printf("%s--%s%s%s", entries->short_name ? short_name : "    ",
                                                entries->long_name, value ? "=" : "", value ? value : "");
        g_string_append_printf(out, "  %-28s %s", name, entries->description);
        int range = range_of(entries);
        if (range >= 0) {
            g_string_append_printf(out, " [%.10g to %.10g]", ranges[range].low, ranges[range].high);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

gboolean options_distinct(int argc, char **argv, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL);
    for (int i = 1; i < argc; i++) {
        char *real = realpath(argv[i], NULL); /* NULL: opening it will give the error */
        const char *former = real ? g_hash_table_lookup(seen, real) : NULL;
        if (former) {
            free(real);
            return g_str_equal(former, argv[i])
                       ? wsi_error_input(error, "%s is given twice", argv[i])
                       : wsi_error_input(error, "%s and %s are the same file", former, argv[i]);
        }
        if (real) {
            g_hash_table_insert(seen, real, argv[i]);
        }
    }
    return TRUE;
}

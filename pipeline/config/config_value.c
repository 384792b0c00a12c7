/* Values.  Every value is used or refused: one that could mean two things is an error that says what to write. */
#include "pipeline/config/config_value.h"
#include "base/error.h"
#include "base/nearest.h"
#include "pipeline/write/terminal.h"
#include <math.h>
#include <string.h>

gboolean config_value_wrong(const KeyLocation *at_key, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args), *why = terminal_cut(text, CONFIG_MESSAGE);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s.%s %s", at_key->path, at_key->line,
                at_key->key->section, at_key->key->key, why);
    return FALSE;
}

static gboolean parse_number(const KeyLocation *at_key, const char *text, gboolean whole, double *out,
                             GError **error)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(value)) {
        return config_value_wrong(at_key, error, "is \"%s\": expected a number", text);
    }
    if (whole && value != floor(value)) {
        return config_value_wrong(at_key, error, "is %s: expected a whole number", text);
    }
    const ConfigKey *key = at_key->key;
    gboolean inside = value >= key->low && value <= key->high && (!key->step || fmod(value, key->step) == 0);
    if (!inside && !(key->or_zero && value == 0)) {
        g_autofree char *range = config_range(key);
        return config_value_wrong(at_key, error, "is %s: allowed are %s", text, range);
    }
    *out = value;
    return TRUE;
}

static gboolean parse_bool(const KeyLocation *at_key, const char *text, gboolean *out, GError **error)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(text, words[i]) == 0) {
            *out = i >= G_N_ELEMENTS(words) / 2;
            return TRUE;
        }
    }
    return config_value_wrong(at_key, error, "is \"%s\": expected true or false", text);
}

/* Appends the variable for the "${NAME}" at *at, and moves *at past it. */
static gboolean append_variable(const KeyLocation *at_key, const char **at, GString *out, GError **error)
{
    const char *start = *at + 2, *end = start;
    while (g_ascii_isalnum(*end) || *end == '_') {
        end++;
    }
    if (*end != '}' || end == start || g_ascii_isdigit(*start)) {
        return config_value_wrong(
            at_key, error,
            "contains \"${\", but not ${NAME} of an environment variable: write $${ for the characters ${");
    }
    g_autofree char *name = g_strndup(start, (gsize)(end - start));
    const char *value = g_getenv(name);
    if (!value || !*value) {
        return config_value_wrong(
            at_key, error,
            "uses ${%s}, but this environment variable is %s: set it, or write the value itself", name,
            value ? "empty" : "not set");
    }
    g_string_append(out, value);
    *at = end + 1;
    return TRUE;
}

/* Replaces ${NAME} by the environment variable, and "$${" by "${". */
static char *expand(const KeyLocation *at_key, const char *text, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *at = text; *at;) {
        if (g_str_has_prefix(at, "$${")) {
            g_string_append(out, "${");
            at += 3;
        } else if (g_str_has_prefix(at, "${")) {
            if (!append_variable(at_key, &at, out, error)) {
                return NULL;
            }
        } else {
            g_string_append_c(out, *at++);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* "~/" is the home folder, as in a shell; a relative path is relative to the folder of the configuration. */
static char *parse_path(const KeyLocation *at_key, const char *text, GError **error)
{
    g_autofree char *path = expand(at_key, text, error);
    if (!path) {
        return NULL;
    }
    if (text[0] == '~') {
        if (text[1] != '/') {
            config_value_wrong(at_key, error,
                               "is \"%s\": write ~/ for your home folder, or ./%s for a file of that name",
                               text, text);
            return NULL;
        }
        return g_build_filename(g_get_home_dir(), path + 2, NULL);
    }
    if (!*path || g_path_is_absolute(path) || !at_key->path[0]) {
        return g_steal_pointer(&path);
    }
    g_autofree char *folder = g_path_get_dirname(at_key->path);
    return g_canonicalize_filename(path, g_str_equal(folder, ".") ? NULL : folder);
}

static gboolean is_choice(const KeyLocation *at_key, const char *text, GError **error)
{
    g_auto(GStrv) choices = g_strsplit(at_key->key->choices, " ", -1);
    if (g_strv_contains((const char *const *)choices, text)) {
        return TRUE;
    }
    g_autofree char *hint = nearest_hint(text, (const char *const *)choices);
    return config_value_wrong(at_key, error, "is \"%s\": allowed are %s%s", text, at_key->key->choices, hint);
}

/* Several of the choices, or none. */
static gboolean are_choices(const KeyLocation *at_key, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ", -1);
    for (char **word = words; *word; word++) {
        if (**word && !is_choice(at_key, *word, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean config_value_set(Config *config, const KeyLocation *at_key, const char *text, GError **error)
{
    void *to = config_member(config, at_key->key);
    double number;
    char *value = NULL;
    switch (at_key->key->kind) {
    case KEY_INT:
        if (!parse_number(at_key, text, TRUE, &number, error)) {
            return FALSE;
        }
        *(int *)to = (int)number;
        return TRUE;
    case KEY_NUMBER:
        return parse_number(at_key, text, FALSE, to, error);
    case KEY_BOOL:
        return parse_bool(at_key, text, to, error);
    case KEY_INT3:
        return config_value_wrong(at_key, error, "is \"%s\": expected three values, for example %s", text,
                                  at_key->key->normal);
    case KEY_GROUPS: {
        g_autoptr(GError) why = NULL;
        return groups_add_text(*(GPtrArray **)to, text, &why) ||
               config_value_wrong(at_key, error, "is wrong: %s", why->message);
    }
    case KEY_CHOICE:
        value = is_choice(at_key, text, error) ? g_strdup(text) : NULL;
        break;
    case KEY_WORDS:
        value = are_choices(at_key, text, error) ? g_strdup(text) : NULL;
        break;
    case KEY_PATH:
        value = parse_path(at_key, text, error);
        break;
    case KEY_TEXT:
        value = expand(at_key, text, error);
        break;
    }
    if (!value) {
        return FALSE;
    }
    g_free(*(char **)to);
    *(char **)to = value;
    return TRUE;
}

gboolean config_value_set_int3(Config *config, const KeyLocation *at_key, char *const *list, guint count,
                               GError **error)
{
    int *to = config_member(config, at_key->key);
    if (count != 3) {
        return config_value_wrong(at_key, error, "has %u values: expected three, for example %s", count,
                                  at_key->key->normal);
    }
    for (int i = 0; i < 3; i++) {
        double value;
        if (!parse_number(at_key, list[i], TRUE, &value, error)) {
            return FALSE;
        }
        to[i] = (int)value;
    }
    return TRUE;
}

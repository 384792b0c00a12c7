/* Reading and writing configurations.
 *
 * libcyaml parses the file against a schema that is built from the table of keys: every key an optional text (or
 * list of texts), so that structure and unknown keys are its business, with line numbers, while types, ranges and
 * defaults are the table's.  The canonical text (config_text without comments) is what runs store and stages hash. */
#include "pipeline/config.h"
#include "pipeline/config_keys.h"
#include "base/durable.h"
#include "base/error.h"
#include <cyaml/cyaml.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *text;
    char **list;
    unsigned list_count;
} Raw; /* one value as the file has it; all NULL = not given */

static int key_count(void)
{
    int n = 0;
    while (config_keys[n].section) {
        n++;
    }
    return n;
}

static void *member(const Config *config, const ConfigKey *key)
{
    return (char *)config + key->offset;
}

/* ---- where a key stands, for messages about its value ---- */

static int line_of(const char *text, const ConfigKey *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean inside = FALSE;
    for (int i = 0; lines[i]; i++) {
        const char *line = lines[i];
        if (*line && *line != ' ' && *line != '#') {
            size_t n = strlen(key->section);
            inside = strncmp(line, key->section, n) == 0 && line[n] == ':';
        }
        const char *found = inside ? strstr(line, key->key) : NULL;
        if (found) {
            const char *after = found + strlen(key->key);
            gboolean starts = found == line || strchr(" {,", found[-1]);
            if (starts && after[strspn(after, " ")] == ':') {
                return i + 1;
            }
        }
    }
    return 0;
}

typedef struct {
    const char *text, *path; /* of the file */
    const ConfigKey *key;
} Place;

static gboolean wrong(const Place *place, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean wrong(const Place *place, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s.%s %s", place->path,
                line_of(place->text, place->key), place->key->section, place->key->key, why);
    return FALSE;
}

/* ---- one value ---- */

static gboolean parse_number(const Place *place, const char *text, gboolean whole, double *out,
                             GError **error)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(value)) {
        return wrong(place, error, "is \"%s\": a number was expected", text);
    }
    if (whole && value != floor(value)) {
        return wrong(place, error, "is %s: a whole number was expected", text);
    }
    if (value < place->key->low || value > place->key->high) {
        return wrong(place, error, "is %s: allowed are %g to %g", text, place->key->low, place->key->high);
    }
    *out = value;
    return TRUE;
}

static gboolean parse_bool(const Place *place, const char *text, gboolean *out, GError **error)
{
    *out = g_str_equal(text, "true") || g_str_equal(text, "yes");
    if (!*out && !g_str_equal(text, "false") && !g_str_equal(text, "no")) {
        return wrong(place, error, "is \"%s\": true or false was expected", text);
    }
    return TRUE;
}

/* Expands ${NAME} and anchors a relative path at the folder of the configuration. */
static char *parse_path(const Place *place, const char *text, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *at = text; *at;) {
        const char *end = g_str_has_prefix(at, "${") ? strchr(at, '}') : NULL;
        if (!end) {
            g_string_append_c(out, *at++);
            continue;
        }
        g_autofree char *name = g_strndup(at + 2, end - at - 2);
        const char *value = g_getenv(name);
        if (!value) {
            wrong(place, error, "uses ${%s}, but that environment variable is not set", name);
            return NULL;
        }
        g_string_append(out, value);
        at = end + 1;
    }
    if (out->len == 0 || g_path_is_absolute(out->str) || !place->path[0]) {
        return g_strdup(out->str);
    }
    g_autofree char *folder = g_path_get_dirname(place->path);
    return g_canonicalize_filename(out->str, g_str_equal(folder, ".") ? NULL : folder);
}

static gboolean parse_choice(const Place *place, const char *text, GError **error)
{
    g_auto(GStrv) choices = g_strsplit(place->key->choices, " ", -1);
    if (!g_strv_contains((const char *const *)choices, text)) {
        return wrong(place, error, "is \"%s\": allowed are %s", text, place->key->choices);
    }
    return TRUE;
}

static gboolean parse_int3(const Place *place, char **list, unsigned count, int out[3], GError **error)
{
    if (count != 3) {
        return wrong(place, error, "has %u values: three were expected, for example %s", count,
                     place->key->normal);
    }
    for (int i = 0; i < 3; i++) {
        double value;
        if (!parse_number(place, list[i], TRUE, &value, error)) {
            return FALSE;
        }
        out[i] = (int)value;
    }
    return TRUE;
}

static gboolean set_value(Config *config, const Place *place, const Raw *raw, GError **error)
{
    void *to = member(config, place->key);
    double number;
    switch (place->key->kind) {
    case KEY_INT:
        if (!parse_number(place, raw->text, TRUE, &number, error)) {
            return FALSE;
        }
        *(int *)to = (int)number;
        return TRUE;
    case KEY_NUMBER:
        return parse_number(place, raw->text, FALSE, to, error);
    case KEY_BOOL:
        return parse_bool(place, raw->text, to, error);
    case KEY_INT3:
        return parse_int3(place, raw->list, raw->list_count, to, error);
    case KEY_CHOICE:
        if (!parse_choice(place, raw->text, error)) {
            return FALSE;
        }
        break;
    case KEY_PATH: {
        char *path = parse_path(place, raw->text, error);
        g_free(*(char **)to);
        return (*(char **)to = path) != NULL;
    }
    case KEY_TEXT:
        break;
    }
    g_free(*(char **)to);
    *(char **)to = g_strdup(raw->text);
    return TRUE;
}

static void set_default(Config *config, const ConfigKey *key)
{
    g_auto(GStrv) list = key->kind == KEY_INT3 ? g_strsplit_set(key->normal, "[], ", -1) : NULL;
    char *three[3] = {0};
    int n = 0;
    for (char **at = list; at && *at; at++) {
        if (**at && n < 3) {
            three[n++] = *at;
        }
    }
    Raw raw = {(char *)key->normal, three, (unsigned)n};
    Place place = {"", "", key};
    g_autoptr(GError) bug = NULL;
    if (!set_value(config, &place, &raw, &bug)) {
        g_error("default of %s.%s: %s", key->section, key->key, bug->message);
    }
}

Config *config_default(void)
{
    Config *config = g_new0(Config, 1);
    config->path = g_strdup("");
    for (const ConfigKey *key = config_keys; key->section; key++) {
        set_default(config, key);
    }
    return config;
}

void config_free(Config *config)
{
    if (!config) {
        return;
    }
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (key->kind == KEY_TEXT || key->kind == KEY_PATH || key->kind == KEY_CHOICE) {
            g_free(*(char **)member(config, key));
        }
    }
    g_free(config->path);
    g_free(config);
}

/* ---- the schema for libcyaml ---- */

typedef struct {
    cyaml_schema_value_t entry, top;
    cyaml_schema_field_t *sections; /* a mapping of Raw for each section */
    cyaml_schema_field_t *fields;
    GString *log;
} Schema;

static void schema_clear(Schema *schema)
{
    g_free(schema->sections);
    g_free(schema->fields);
    g_string_free(schema->log, TRUE);
}

/* All Raws lie in one array in the order of the table; a section's mapping starts at its first key. */
static cyaml_schema_field_t raw_field(const ConfigKey *key, const cyaml_schema_value_t *entry,
                                      uint32_t offset)
{
    cyaml_schema_field_t field = {.key = key->key, .data_offset = offset + offsetof(Raw, text)};
    field.value.flags = CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL;
    if (key->kind == KEY_INT3) {
        field.data_offset = offset + offsetof(Raw, list);
        field.count_offset = offset + offsetof(Raw, list_count);
        field.count_size = sizeof(unsigned);
        field.value = (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
                                             .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                             .data_size = sizeof(char *)};
        field.value.sequence.entry = entry;
        field.value.sequence.max = CYAML_UNLIMITED;
    } else {
        field.value.type = CYAML_STRING;
        field.value.data_size = sizeof(char);
        field.value.string.max = CYAML_UNLIMITED;
    }
    return field;
}

static void schema_build(Schema *schema)
{
    int n = key_count(), fields = 0, sections = 0;
    schema->entry =
        (cyaml_schema_value_t){CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};
    schema->fields = g_new0(cyaml_schema_field_t, 2 * n + 1);
    schema->sections = g_new0(cyaml_schema_field_t, n + 1);
    for (int i = 0; i < n;) {
        cyaml_schema_field_t *section = &schema->sections[sections++];
        int first = i, start = fields;
        for (; i < n && g_str_equal(config_keys[i].section, config_keys[first].section); i++) {
            schema->fields[fields++] =
                raw_field(&config_keys[i], &schema->entry, (uint32_t)((i - first) * sizeof(Raw)));
        }
        fields++; /* an empty field ends the section */
        section->key = config_keys[first].section;
        section->data_offset = (uint32_t)(first * sizeof(Raw));
        section->value.type = CYAML_MAPPING;
        section->value.flags = CYAML_FLAG_OPTIONAL;
        section->value.data_size = (uint32_t)((i - first) * sizeof(Raw));
        section->value.mapping.fields = &schema->fields[start];
    }
    schema->top.type = CYAML_MAPPING;
    schema->top.flags = CYAML_FLAG_POINTER;
    schema->top.data_size = (uint32_t)(n * sizeof(Raw));
    schema->top.mapping.fields = schema->sections;
    schema->log = g_string_new(NULL);
}

static void keep_log(cyaml_log_t level, void *data, const char *format, va_list args)
{
    g_string_append_vprintf(data, format, args);
}

/* Number of the first line whose text begins with "KEY:", 0 = none. */
static int line_starting_with(const char *text, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        const char *line = lines[i] + strspn(lines[i], " {");
        if (g_str_has_prefix(line, key) && line[strlen(key)] == ':') {
            return i + 1;
        }
    }
    return 0;
}

/* From libcyaml's log ("Load: Unexpected key: x", then a backtrace with lines, innermost first) one sentence. */
static void syntax_error(const char *path, const char *text, cyaml_err_t code, const char *log,
                         GError **error)
{
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    int line = 0;
    const char *unknown = "Load: Unexpected key: ";
    if (lines[0] && g_str_has_prefix(lines[0], unknown)) {
        line = line_starting_with(text, lines[0] + strlen(unknown)); /* the backtrace names the line before */
    }
    for (int i = 0; lines[i] && line == 0; i++) {
        const char *at = strstr(lines[i], "line: ");
        if (at) {
            sscanf(at, "line: %d", &line);
        }
    }
    const char *what = lines[0] ? lines[0] : "";
    what = g_str_has_prefix(what, "Load: ") ? what + 6 : what;
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s", path, line,
                *what ? what : cyaml_strerror(code));
}

Config *config_parse(const char *text, const char *path, GError **error)
{
    Schema schema;
    Raw *raw = NULL;
    schema_build(&schema);
    cyaml_config_t options = {
        .log_fn = keep_log, .log_ctx = schema.log, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
    cyaml_err_t code =
        cyaml_load_data((const uint8_t *)text, strlen(text), &options, &schema.top, (void **)&raw, NULL);
    g_autoptr(Config) config = config_default();
    gboolean ok = code == CYAML_OK;
    g_free(config->path);
    config->path = g_strdup(path);
    if (!ok) {
        syntax_error(path, text, code, schema.log->str, error);
    }
    for (int i = 0; ok && i < key_count(); i++) {
        Place place = {text, path, &config_keys[i]};
        if (raw[i].text || raw[i].list) {
            ok = set_value(config, &place, &raw[i], error);
        }
    }
    if (raw) {
        cyaml_free(&options, &schema.top, raw, 0);
    }
    schema_clear(&schema);
    return ok ? g_steal_pointer(&config) : NULL;
}

Config *config_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &text, NULL, &why)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s", why->message);
        return NULL;
    }
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    return config_parse(text, absolute, error);
}

/* ---- writing ---- */

static char *quoted(const char *text)
{
    g_autoptr(GString) out = g_string_new("\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *value_text(const Config *config, const ConfigKey *key)
{
    const void *from = member(config, key);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    const int *three = from;
    switch (key->kind) {
    case KEY_INT:
        return g_strdup_printf("%d", *(const int *)from);
    case KEY_NUMBER:
        return g_strdup(g_ascii_formatd(number, sizeof number, "%.12g", *(const double *)from));
    case KEY_BOOL:
        return g_strdup(*(const gboolean *)from ? "true" : "false");
    case KEY_INT3:
        return g_strdup_printf("[%d, %d, %d]", three[0], three[1], three[2]);
    case KEY_CHOICE:
        return g_strdup(*(char *const *)from);
    case KEY_TEXT:
    case KEY_PATH:
        break;
    }
    return quoted(*(char *const *)from);
}

char *config_text(const Config *config, gboolean comments)
{
    GString *out = g_string_new(NULL);
    const char *section = "";
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (!g_str_equal(section, key->section)) {
            section = key->section;
            if (comments) {
                g_string_append_printf(out, "%s# %s\n", out->len ? "\n" : "",
                                       config_section_comment(section));
            }
            g_string_append_printf(out, "%s:\n", section);
        }
        g_autofree char *value = value_text(config, key);
        if (comments) {
            g_string_append_printf(out, "  # %s", key->comment);
            if (key->choices) {
                g_string_append_printf(out, " (%s)", key->choices);
            } else if (key->kind == KEY_INT || key->kind == KEY_NUMBER || key->kind == KEY_INT3) {
                g_string_append_printf(out, " (%.10g to %.10g)", key->low, key->high);
            }
            g_string_append_c(out, '\n');
        }
        g_string_append_printf(out, "  %s: %s\n", key->key, value);
    }
    return g_string_free(out, FALSE);
}

void config_hash(const Config *config, const char *what, char sha256[65])
{
    g_auto(GStrv) wanted = g_strsplit(what, " ", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    for (const ConfigKey *key = config_keys; key->section; key++) {
        g_autofree char *full = g_strdup_printf("%s.%s", key->section, key->key);
        if (g_strv_contains((const char *const *)wanted, key->section) ||
            g_strv_contains((const char *const *)wanted, full)) {
            g_autofree char *value = value_text(config, key);
            g_string_append_printf(text, "%s=%s\n", full, value);
        }
    }
    durable_hash_bytes(text->str, text->len, sha256);
}

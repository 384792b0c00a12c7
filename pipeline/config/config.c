/* Reading configurations.
 *
 * yamlfile.c gives the nodes of the file with their lines; structure, names, types, ranges and defaults are the table's (config_keys.c).
 * Every value is used or refused: an unknown name, a name given twice and a value that could mean two things are errors that
 * say what to write.  config_text.c writes. */
#include "pipeline/config/config.h"
#include "pipeline/config/config_keys.h"
#include "base/error.h"
#include "base/nearest.h"
#include "pipeline/write/terminal.h"
#include "pipeline/config/yamlfile.h"
#include <math.h>
#include <string.h>

enum {
    SIZE_LIMIT = 1 << 20, /* bytes of a configuration */
    MESSAGE = 1000        /* characters of a message, which is one line whatever the values hold */
};

typedef struct {
    const char *path; /* of the file */
    const ConfigKey *key;
    int line;
} Position;

void *config_member(const Config *config, const ConfigKey *key)
{
    return (char *)config + key->offset;
}

static gboolean wrong(const Position *position, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean wrong(const Position *position, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args), *why = terminal_cut(text, MESSAGE);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s.%s %s", position->path, position->line,
                position->key->section, position->key->key, why);
    return FALSE;
}

/* ---- one value ---- */

static gboolean parse_number(const Position *position, const char *text, gboolean whole, double *out,
                             GError **error)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    if (end == text || *end || !isfinite(value)) {
        return wrong(position, error, "is \"%s\": expected a number", text);
    }
    if (whole && value != floor(value)) {
        return wrong(position, error, "is %s: expected a whole number", text);
    }
    const ConfigKey *key = position->key;
    gboolean inside = value >= key->low && value <= key->high && (!key->step || fmod(value, key->step) == 0);
    if (!inside && !(key->or_zero && value == 0)) {
        g_autofree char *range = config_range(key);
        return wrong(position, error, "is %s: allowed are %s", text, range);
    }
    *out = value;
    return TRUE;
}

static gboolean parse_bool(const Position *position, const char *text, gboolean *out, GError **error)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(text, words[i]) == 0) {
            *out = i >= G_N_ELEMENTS(words) / 2;
            return TRUE;
        }
    }
    return wrong(position, error, "is \"%s\": expected true or false", text);
}

/* Appends the variable of the "${NAME}" at *at, and moves *at behind it. */
static gboolean append_variable(const Position *position, const char **at, GString *out, GError **error)
{
    const char *start = *at + 2, *end = start;
    while (g_ascii_isalnum(*end) || *end == '_') {
        end++;
    }
    if (*end != '}' || end == start || g_ascii_isdigit(*start)) {
        return wrong(position, error,
                     "holds \"${\", but no ${NAME} of an environment variable: write $${ for the letters ${");
    }
    g_autofree char *name = g_strndup(start, (gsize)(end - start));
    const char *value = g_getenv(name);
    if (!value || !*value) {
        return wrong(position, error,
                     "uses ${%s}, but that environment variable is %s: set it, or write the value itself",
                     name, value ? "empty" : "not set");
    }
    g_string_append(out, value);
    *at = end + 1;
    return TRUE;
}

/* Puts the environment in: ${NAME}; "$${" is "${". */
static char *expand(const Position *position, const char *text, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *at = text; *at;) {
        if (g_str_has_prefix(at, "$${")) {
            g_string_append(out, "${");
            at += 3;
        } else if (g_str_has_prefix(at, "${")) {
            if (!append_variable(position, &at, out, error)) {
                return NULL;
            }
        } else {
            g_string_append_c(out, *at++);
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* As a shell reads it, "~/" is the home folder; a relative path is anchored at the folder of the configuration. */
static char *parse_path(const Position *position, const char *text, GError **error)
{
    g_autofree char *path = expand(position, text, error);
    if (!path) {
        return NULL;
    }
    if (text[0] == '~') {
        if (text[1] != '/') {
            wrong(position, error,
                  "is \"%s\": write ~/ for your home folder, or ./%s for a file of that name", text, text);
            return NULL;
        }
        return g_build_filename(g_get_home_dir(), path + 2, NULL);
    }
    if (!*path || g_path_is_absolute(path) || !position->path[0]) {
        return g_steal_pointer(&path);
    }
    g_autofree char *folder = g_path_get_dirname(position->path);
    return g_canonicalize_filename(path, g_str_equal(folder, ".") ? NULL : folder);
}

static gboolean is_choice(const Position *position, const char *text, GError **error)
{
    g_auto(GStrv) choices = g_strsplit(position->key->choices, " ", -1);
    if (g_strv_contains((const char *const *)choices, text)) {
        return TRUE;
    }
    g_autofree char *hint = nearest_hint(text, (const char *const *)choices);
    return wrong(position, error, "is \"%s\": allowed are %s%s", text, position->key->choices, hint);
}

/* Several of the choices, or none. */
static gboolean are_choices(const Position *position, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ", -1);
    for (char **word = words; *word; word++) {
        if (**word && !is_choice(position, *word, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean set_scalar(Config *config, const Position *position, const char *text, GError **error)
{
    void *to = config_member(config, position->key);
    double number;
    char *value = NULL;
    switch (position->key->kind) {
    case KEY_INT:
        if (!parse_number(position, text, TRUE, &number, error)) {
            return FALSE;
        }
        *(int *)to = (int)number;
        return TRUE;
    case KEY_NUMBER:
        return parse_number(position, text, FALSE, to, error);
    case KEY_BOOL:
        return parse_bool(position, text, to, error);
    case KEY_INT3:
        return wrong(position, error, "is \"%s\": three values were expected, for example %s", text,
                     position->key->normal);
    case KEY_GROUPS: {
        g_autoptr(GError) why = NULL;
        return groups_add_text(*(GPtrArray **)to, text, &why) ||
               wrong(position, error, "is wrong: %s", why->message);
    }
    case KEY_CHOICE:
        value = is_choice(position, text, error) ? g_strdup(text) : NULL;
        break;
    case KEY_WORDS:
        value = are_choices(position, text, error) ? g_strdup(text) : NULL;
        break;
    case KEY_PATH:
        value = parse_path(position, text, error);
        break;
    case KEY_TEXT:
        value = expand(position, text, error);
        break;
    }
    if (!value) {
        return FALSE;
    }
    g_free(*(char **)to);
    *(char **)to = value;
    return TRUE;
}

static gboolean set_int3(Config *config, const Position *position, char *const *list, guint count,
                         GError **error)
{
    int *to = config_member(config, position->key);
    if (count != 3) {
        return wrong(position, error, "has %u values: three were expected, for example %s", count,
                     position->key->normal);
    }
    for (int i = 0; i < 3; i++) {
        double value;
        if (!parse_number(position, list[i], TRUE, &value, error)) {
            return FALSE;
        }
        to[i] = (int)value;
    }
    return TRUE;
}

/* ---- defaults ---- */

static void set_default(Config *config, const ConfigKey *key)
{
    Position position = {"", key, 0};
    g_autoptr(GError) bug = NULL;
    gboolean ok;
    if (key->kind == KEY_GROUPS) {
        *(GPtrArray **)config_member(config, key) = groups_new();
    }
    if (key->kind == KEY_INT3) {
        g_autofree char *inside = g_strndup(key->normal + 1, strlen(key->normal) - 2);
        g_auto(GStrv) list = g_strsplit(inside, ", ", -1);
        ok = set_int3(config, &position, list, g_strv_length(list), &bug);
    } else {
        ok = set_scalar(config, &position, key->normal, &bug);
    }
    if (!ok) {
        g_error("default of %s.%s: %s", key->section, key->key, bug->message);
    }
}

Config *config_default(void)
{
    Config *config = g_new0(Config, 1);
    config->path = g_strdup("");
    config->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
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
        if (key->kind == KEY_TEXT || key->kind == KEY_PATH || key->kind == KEY_CHOICE ||
            key->kind == KEY_WORDS) {
            g_free(*(char **)config_member(config, key));
        } else if (key->kind == KEY_GROUPS) {
            g_ptr_array_unref(*(GPtrArray **)config_member(config, key));
        }
    }
    g_free(config->path);
    g_hash_table_unref(config->given);
    g_free(config);
}

gboolean config_given(const Config *config, const char *section, const char *key)
{
    g_autofree char *name = g_strdup_printf("%s.%s", section, key);
    return g_hash_table_contains(config->given, name);
}

/* The default is for slides: images have the um/px they have. */
static void forget_mpp(Config *config)
{
    if (!config_given(config, "tiles", "mpp")) {
        config->tiles_mpp = 0;
    }
}

void config_use_patches(Config *config, const char *folder)
{
    g_free(config->patches_folder);
    config->patches_folder = g_strdup(folder);
    forget_mpp(config);
}

/* ---- the file ---- */

typedef struct {
    Config *config;
    yaml_document_t *document;
    const char *path;
    GHashTable *seen; /* "section", "section.key": owned */
} Reader;

static gboolean misplaced(const Reader *reader, const yaml_node_t *node, GError **error, const char *format,
                          ...) G_GNUC_PRINTF(4, 5);
static gboolean misplaced(const Reader *reader, const yaml_node_t *node, GError **error, const char *format,
                          ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args), *why = terminal_cut(text, MESSAGE);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s", reader->path, yamlfile_line(node), why);
    return FALSE;
}

static yaml_node_t *node_at(const Reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static gboolean read_list(const Reader *reader, const Position *position, const yaml_node_t *node,
                          GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        g_autofree char *reason = NULL;
        char *text = yamlfile_text(node_at(reader, *item), &reason);
        if (!text) {
            return wrong(position, error, "%s", reason);
        }
        g_ptr_array_add(list, text);
    }
    return set_int3(reader->config, position, (char *const *)list->pdata, list->len, error);
}

static gboolean read_groups(const Reader *reader, const Position *position, const yaml_node_t *node,
                            GError **error)
{
    GPtrArray *groups = *(GPtrArray **)config_member(reader->config, position->key);
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        Position own = {position->path, position->key, yamlfile_line(key)};
        g_autofree char *reason = NULL;
        g_autofree char *name = yamlfile_text(key, &reason);
        g_autofree char *kind = name ? yamlfile_text(node_at(reader, pair->value), &reason) : NULL;
        g_autoptr(GError) why = NULL;
        guint before = groups->len;
        if (!kind) {
            return wrong(&own, error, "%s", reason);
        }
        if (!groups_add(groups, name, kind, &why)) {
            return wrong(&own, error, "is wrong: %s", why->message);
        }
        if (groups->len == before) {
            return wrong(&own, error, "names group \"%s\" twice", name);
        }
    }
    return TRUE;
}

static gboolean read_value(const Reader *reader, const Position *position, const yaml_node_t *node,
                           GError **error)
{
    if (yamlfile_is_null(node)) {
        return TRUE; /* the default */
    }
    if (node->type == YAML_SEQUENCE_NODE && position->key->kind == KEY_INT3) {
        return read_list(reader, position, node, error);
    }
    if (node->type == YAML_MAPPING_NODE && position->key->kind == KEY_GROUPS) {
        return read_groups(reader, position, node, error);
    }
    g_autofree char *reason = NULL;
    g_autofree char *text = yamlfile_text(node, &reason);
    if (!text) {
        return wrong(position, error, "%s", reason);
    }
    if (g_str_equal(text, "~") && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return wrong(
            position, error,
            "is ~, which YAML reads as null: leave the value empty for the default, ~/ for your home folder");
    }
    return set_scalar(reader->config, position, text, error);
}

/* The key, or NULL with an error that offers the nearest of the section, else of all. */
static const ConfigKey *find_key(const Reader *reader, const char *section, const char *name,
                                 const yaml_node_t *node, GError **error)
{
    g_autoptr(GPtrArray) own = g_ptr_array_new(), all = g_ptr_array_new();
    for (const ConfigKey *key = config_keys; key->section; key++) {
        gboolean here = g_str_equal(key->section, section);
        if (here && g_str_equal(key->key, name)) {
            return key;
        }
        g_ptr_array_add(all, (char *)key->key);
        if (here) {
            g_ptr_array_add(own, (char *)key->key);
        }
    }
    g_ptr_array_add(own, NULL);
    g_ptr_array_add(all, NULL);
    const char *near = nearest_name(name, (const char *const *)own->pdata);
    const char *far = near ? NULL : nearest_name(name, (const char *const *)all->pdata);
    for (const ConfigKey *key = config_keys; far && key->section; key++) {
        if (g_str_equal(key->key, far)) {
            misplaced(reader, node, error, "there is no key %s.%s; did you mean \"%s.%s\"?", section, name,
                      key->section, far);
            return NULL;
        }
    }
    misplaced(reader, node, error, "there is no key %s.%s%s%s%s", section, name,
              near ? "; did you mean \"" : "", near ? near : " (wsiflow config lists all keys)",
              near ? "\"?" : "");
    return NULL;
}

/* Whether a section or key has not been there before. */
static gboolean is_first(const Reader *reader, const char *section, const char *key, const yaml_node_t *node,
                         GError **error)
{
    char *name = key ? g_strdup_printf("%s.%s", section, key) : g_strdup(section);
    return g_hash_table_add(reader->seen, name) ||
           misplaced(reader, node, error, "%s%s%s is there twice", section, key ? "." : "", key ? key : "");
}

static gboolean read_section(const Reader *reader, const char *section, const yaml_node_t *node,
                             GError **error)
{
    if (yamlfile_is_null(node)) {
        return TRUE;
    }
    if (node->type != YAML_MAPPING_NODE) {
        return misplaced(reader, node, error, "section %s holds no keys: \"%s: {key: value}\" was expected",
                         section, section);
    }
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name_node = node_at(reader, pair->key);
        g_autofree char *reason = NULL;
        g_autofree char *name = yamlfile_text(name_node, &reason);
        if (!name) {
            return misplaced(reader, name_node, error, "a key of section %s %s", section, reason);
        }
        const ConfigKey *key = find_key(reader, section, name, name_node, error);
        Position position = {reader->path, key, yamlfile_line(name_node)};
        if (!key || !is_first(reader, section, name, name_node, error) ||
            !read_value(reader, &position, node_at(reader, pair->value), error)) {
            return FALSE;
        }
        if (!yamlfile_is_null(node_at(reader, pair->value))) {
            g_hash_table_add(reader->config->given, g_strdup_printf("%s.%s", section, name));
        }
    }
    return TRUE;
}

static gboolean unknown_section(const Reader *reader, const char *name, const yaml_node_t *node,
                                GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (names->len == 0 || !g_str_equal(names->pdata[names->len - 1], key->section)) {
            g_ptr_array_add(names, (char *)key->section);
        }
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *hint = nearest_hint(name, (const char *const *)names->pdata);
    return misplaced(reader, node, error, "there is no section \"%s\"%s", name, hint);
}

static gboolean read_sections(const Reader *reader, const yaml_node_t *root, GError **error)
{
    if (yamlfile_is_null(root)) {
        return TRUE;
    }
    if (root->type != YAML_MAPPING_NODE) {
        return misplaced(reader, root, error,
                         "sections were expected, for example \"slides: {folder: ...}\"");
    }
    const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
    for (; pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *node = node_at(reader, pair->key);
        g_autofree char *reason = NULL;
        g_autofree char *name = yamlfile_text(node, &reason);
        if (!name) {
            return misplaced(reader, node, error, "the name of a section %s", reason);
        }
        if (!config_section_comment(name)) {
            return unknown_section(reader, name, node, error);
        }
        if (!is_first(reader, name, NULL, node, error) ||
            !read_section(reader, name, node_at(reader, pair->value), error)) {
            return FALSE;
        }
    }
    return TRUE;
}

static Config *parse(const char *text, gsize length, const char *path, GError **error)
{
    yaml_document_t document;
    if (length > SIZE_LIMIT) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is larger than %d bytes: it is not a configuration", path, SIZE_LIMIT);
        return NULL;
    }
    if (!yamlfile_read(&document, text, length, path, error)) {
        return NULL;
    }
    g_autoptr(Config) config = config_default();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reader reader = {config, &document, path, seen};
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    g_autoptr(GError) why = NULL;
    gboolean ok = !root || read_sections(&reader, root, error);
    if (ok && !config_check(config, &why)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s", path, why->message);
        ok = FALSE;
    }
    yaml_document_delete(&document);
    g_free(config->path);
    config->path = g_strdup(path);
    if (ok && *config->patches_folder) {
        forget_mpp(config);
    }
    return ok ? g_steal_pointer(&config) : NULL;
}

Config *config_parse(const char *text, const char *path, GError **error)
{
    return parse(text, strlen(text), path, error);
}

Config *config_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &text, &length, &why)) {
        wsi_error_glib(error, why);
        return NULL;
    }
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    return parse(text, length, absolute, error);
}

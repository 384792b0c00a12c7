/* Reading configurations.
 *
 * yamlfile.c gives the nodes of the file with their lines; structure, names, types, ranges and defaults are those of the table
 * (config_keys.c).  An unknown name and a name given twice are errors.  config_text.c writes. */
#include "base/error.h"
#include "base/nearest.h"
#include "pipeline/config/config.h"
#include "pipeline/config/config_value.h"
#include "pipeline/config/yamlfile.h"
#include "pipeline/write/terminal.h"
#include <string.h>

enum { SIZE_LIMIT = 1 << 20 }; /* bytes of a configuration */

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
    g_autofree char *text = g_strdup_vprintf(format, args), *why = terminal_cut(text, CONFIG_MESSAGE);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: %s", reader->path, yamlfile_line(node), why);
    return FALSE;
}

static yaml_node_t *node_at(const Reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static gboolean read_list(const Reader *reader, const KeyLocation *at_key, const yaml_node_t *node,
                          GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        g_autofree char *reason = NULL;
        char *text = yamlfile_text(node_at(reader, *item), &reason);
        if (!text) {
            return config_value_wrong(at_key, error, "%s", reason);
        }
        g_ptr_array_add(list, text);
    }
    return config_value_set_int3(reader->config, at_key, (char *const *)list->pdata, list->len, error);
}

static gboolean read_groups(const Reader *reader, const KeyLocation *at_key, const yaml_node_t *node,
                            GError **error)
{
    GPtrArray *groups = *(GPtrArray **)config_member(reader->config, at_key->key);
    const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
    for (; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key);
        KeyLocation own = {at_key->path, at_key->key, yamlfile_line(key)};
        g_autofree char *reason = NULL;
        g_autofree char *name = yamlfile_text(key, &reason);
        g_autofree char *kind = name ? yamlfile_text(node_at(reader, pair->value), &reason) : NULL;
        g_autoptr(GError) why = NULL;
        guint before = groups->len;
        if (!kind) {
            return config_value_wrong(&own, error, "%s", reason);
        }
        if (!groups_add(groups, name, kind, &why)) {
            return config_value_wrong(&own, error, "is wrong: %s", why->message);
        }
        if (groups->len == before) {
            return config_value_wrong(&own, error, "names group \"%s\" twice", name);
        }
    }
    return TRUE;
}

static gboolean read_value(const Reader *reader, const KeyLocation *at_key, const yaml_node_t *node,
                           GError **error)
{
    if (yamlfile_is_null(node)) {
        return TRUE; /* the default */
    }
    if (node->type == YAML_SEQUENCE_NODE && at_key->key->kind == KEY_INT3) {
        return read_list(reader, at_key, node, error);
    }
    if (node->type == YAML_MAPPING_NODE && at_key->key->kind == KEY_GROUPS) {
        return read_groups(reader, at_key, node, error);
    }
    g_autofree char *reason = NULL;
    g_autofree char *text = yamlfile_text(node, &reason);
    if (!text) {
        return config_value_wrong(at_key, error, "%s", reason);
    }
    if (g_str_equal(text, "~") && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return config_value_wrong(
            at_key, error,
            "is ~, which YAML reads as null: leave the value empty for the default, ~/ for your home folder");
    }
    return config_value_set(reader->config, at_key, text, error);
}

/* Keys of earlier versions, for the message only. */
static const struct {
    const char *section, *former, *key;
} former_keys[] = {
    {"dataset", "valid_share", "valid_fraction"},
    {"dataset", "test_share", "test_fraction"},
    {"dataset", "picture", "image"},
    {"train", "shards", "batch_parts"},
    {"loss", "anomaly_share", "anomaly_fraction"},
};

/* The present name of a key that was renamed, or NULL. */
static const char *renamed_key(const char *section, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(former_keys); i++) {
        if (g_str_equal(former_keys[i].section, section) && g_str_equal(former_keys[i].former, name)) {
            return former_keys[i].key;
        }
    }
    return NULL;
}

/* The key, or NULL with an error that says how a renamed one is called now, or suggests the nearest name of the section, otherwise of all sections. */
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
    const char *renamed = renamed_key(section, name);
    if (renamed) {
        misplaced(reader, node, error, "key %s.%s is called %s.%s now", section, name, section, renamed);
        return NULL;
    }
    g_ptr_array_add(own, NULL);
    g_ptr_array_add(all, NULL);
    const char *near = nearest_name(name, (const char *const *)own->pdata);
    const char *far = near ? NULL : nearest_name(name, (const char *const *)all->pdata);
    for (const ConfigKey *key = config_keys; far && key->section; key++) {
        if (g_str_equal(key->key, far)) {
            misplaced(reader, node, error, "unknown key %s.%s; did you mean \"%s.%s\"?", section, name,
                      key->section, far);
            return NULL;
        }
    }
    misplaced(reader, node, error, "unknown key %s.%s%s%s%s", section, name, near ? "; did you mean \"" : "",
              near ? near : " (wsiflow config lists all keys)", near ? "\"?" : "");
    return NULL;
}

/* FALSE with an error when the section or key was given before. */
static gboolean is_first(const Reader *reader, const char *section, const char *key, const yaml_node_t *node,
                         GError **error)
{
    char *name = key ? g_strdup_printf("%s.%s", section, key) : g_strdup(section);
    return g_hash_table_add(reader->seen, name) ||
           misplaced(reader, node, error, "%s%s%s is given twice", section, key ? "." : "", key ? key : "");
}

static gboolean read_section(const Reader *reader, const char *section, const yaml_node_t *node,
                             GError **error)
{
    if (yamlfile_is_null(node)) {
        return TRUE;
    }
    if (node->type != YAML_MAPPING_NODE) {
        return misplaced(reader, node, error, "section %s has no keys: expected \"%s: {key: value}\"",
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
        KeyLocation at_key = {reader->path, key, yamlfile_line(name_node)};
        if (!key || !is_first(reader, section, name, name_node, error) ||
            !read_value(reader, &at_key, node_at(reader, pair->value), error)) {
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
    return misplaced(reader, node, error, "unknown section \"%s\"%s", name, hint);
}

static gboolean read_sections(const Reader *reader, const yaml_node_t *root, GError **error)
{
    if (yamlfile_is_null(root)) {
        return TRUE;
    }
    if (root->type != YAML_MAPPING_NODE) {
        return misplaced(reader, root, error, "expected sections, for example \"slides: {folder: ...}\"");
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
        config_forget_mpp(config);
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

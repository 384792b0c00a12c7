/* YAML in and out.
 *
 * libyaml gives the nodes of a document with their lines, whatever their keys; config_read.c decides which keys are allowed.  (libcyaml, which
 * reads into C structs, has no mapping with free keys, but groups of annotations are such a mapping.)
 *
 * A YAML text is UTF-8, but a path may hold any bytes; such a text is written as !!binary, the standard tag for bytes. */
#include "pipeline/config/yamlfile.h"
#include "base/error.h"
#include <string.h>

enum { DEEPEST = 16 }; /* levels of lists and mappings; libyaml's time grows with their square */

static gboolean is_text(const char *text, gsize length, const char *path, GError **error)
{
    const char *nul = memchr(text, 0, length), *bad;
    gsize at = nul ? (gsize)(nul - text) : length;
    if (!nul && g_utf8_validate(text, (gssize)length, &bad)) {
        return TRUE;
    }
    at = nul ? at : (gsize)(bad - text);
    int line = 1;
    for (gsize i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %d: byte %" G_GSIZE_FORMAT " is %s", path, line,
                at + 1, nul ? "NUL: this is not a text file in UTF-8" : "not UTF-8: save the file as UTF-8");
    return FALSE;
}

static gboolean syntax_error(const yaml_parser_t *parser, const char *path, GError **error)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %s", path);
        return FALSE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %zu: %s%s%s", path, parser->problem_mark.line + 1,
                parser->problem ? parser->problem : "not YAML", parser->context ? ", " : "",
                parser->context ? parser->context : "");
    return FALSE;
}

/* Loads the next document; at the end of the file it has no root. */
static gboolean load(yaml_parser_t *parser, yaml_document_t *document, const char *path, GError **error)
{
    return yaml_parser_load(parser, document) || syntax_error(parser, path, error);
}

static gboolean is_last(yaml_parser_t *parser, const char *path, GError **error)
{
    yaml_document_t second;
    if (!load(parser, &second, path, error)) {
        return FALSE;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %zu: a second document starts here, but a file holds one configuration", path,
                    second.start_mark.line + 1);
    }
    yaml_document_delete(&second);
    return !root;
}

/* The change of depth by an event. */
static int step_of(yaml_event_type_t type)
{
    gboolean in = type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT;
    gboolean out = type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
    return in - out;
}

/* FALSE with an error when the document is nested too deeply. */
static gboolean is_flat(yaml_parser_t *parser, const char *path, GError **error)
{
    int depth = 0;
    for (gboolean more = TRUE; more && depth <= DEEPEST;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            return syntax_error(parser, path, error);
        }
        depth += step_of(event.type);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    if (depth > DEEPEST) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s line %zu: nested deeper than %d levels", path,
                    parser->mark.line + 1, DEEPEST);
    }
    return depth <= DEEPEST;
}

static gboolean load_only(yaml_parser_t *parser, yaml_document_t *document, const char *path, GError **error)
{
    if (!load(parser, document, path, error)) {
        return FALSE;
    }
    if (yaml_document_get_root_node(document) && !is_last(parser, path, error)) {
        yaml_document_delete(document);
        return FALSE;
    }
    return TRUE;
}

gboolean yamlfile_read(yaml_document_t *document, const char *text, gsize length, const char *path,
                       GError **error)
{
    if (!is_text(text, length, path, error)) {
        return FALSE;
    }
    gboolean good = TRUE;
    for (int pass = 0; good && pass < 2; pass++) {
        yaml_parser_t parser;
        if (!yaml_parser_initialize(&parser)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %s", path);
            return FALSE;
        }
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
        good = pass == 0 ? is_flat(&parser, path, error) : load_only(&parser, document, path, error);
        yaml_parser_delete(&parser);
    }
    return good;
}

int yamlfile_line(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

gboolean yamlfile_is_null(const yaml_node_t *node)
{
    static const char *const nulls[] = {"", "null", "Null", "NULL"};
    gboolean plain = node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    for (size_t i = 0; plain && i < G_N_ELEMENTS(nulls); i++) {
        if (g_str_equal((const char *)node->data.scalar.value, nulls[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The decoded bytes of base64, which may have line breaks; NULL when it is invalid. */
static char *decode(const char *base64, gsize *length)
{
    g_autoptr(GString) signs = g_string_new(NULL);
    for (; *base64; base64++) {
        if (!g_ascii_isspace(*base64)) {
            g_string_append_c(signs, *base64);
        }
    }
    g_autofree guchar *bytes = g_base64_decode(signs->str, length);
    g_autofree char *again = g_base64_encode(bytes, *length);
    return g_str_equal(again, signs->str) ? (char *)g_steal_pointer(&bytes) : NULL;
}

/* Whether a block scalar ("|" or ">") ends with a line break. */
static gboolean ends_line(const yaml_node_t *node)
{
    gboolean block = node->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                     node->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
    gsize length = node->data.scalar.length;
    return block && length > 0 && node->data.scalar.value[length - 1] == '\n';
}

char *yamlfile_text(const yaml_node_t *node, char **reason)
{
    if (node->type != YAML_SCALAR_NODE) {
        *reason = g_strdup_printf("is a %s: expected one value",
                                  node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        return NULL;
    }
    const char *tag = (const char *)node->tag, *value = (const char *)node->data.scalar.value;
    gsize length = node->data.scalar.length;
    g_autofree char *bytes = NULL;
    if (g_strcmp0(tag, "tag:yaml.org,2002:binary") == 0) {
        bytes = decode(value, &length);
        if (!bytes) {
            *reason = g_strdup("is !!binary, but not base64");
            return NULL;
        }
    } else if (tag && !g_str_has_prefix(tag, "tag:yaml.org,2002:")) {
        *reason = g_strdup_printf("has the unknown tag %s", tag);
        return NULL;
    } else if (ends_line(node)) {
        *reason = g_strdup(
            "ends with a line break because of | or >: write it on the line of its key, or with |- or >-");
        return NULL;
    }
    if (memchr(bytes ? bytes : value, 0, length)) {
        *reason = g_strdup("contains a NUL character");
        return NULL;
    }
    return g_strndup(bytes ? bytes : value, length);
}

/* Whether libyaml reads the character back unchanged between double quotes. */
static gboolean may_stand(gunichar c)
{
    gboolean ascii = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
    gboolean other = (c >= 0xa0 && c <= 0xfffd && c != 0xfeff && c != 0x2028 && c != 0x2029) || c >= 0x10000;
    return ascii || other;
}

char *yamlfile_quoted(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        g_autofree char *base64 = g_base64_encode((const guchar *)text, strlen(text));
        return g_strdup_printf("!!binary \"%s\"", base64);
    }
    g_autoptr(GString) out = g_string_new("\"");
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        if (may_stand(c)) {
            g_string_append_unichar(out, c);
        } else if (c == '\n' || c == '\t') {
            g_string_append(out, c == '\n' ? "\\n" : "\\t");
        } else if (c == '"' || c == '\\') {
            g_string_append_printf(out, "\\%c", (char)c);
        } else {
            g_string_append_printf(out, "\\u%04X", c);
        }
    }
    g_string_append_c(out, '"');
    return g_string_free(g_steal_pointer(&out), FALSE);
}

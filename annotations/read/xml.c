/* XML from untrusted files.
 *
 * libxml2's defaults trust the file: a DOCTYPE may name files, entities may multiply 300 kB into 2 GB, and 100,000 attributes on one tag
 * cost 20 s (its check for duplicates is quadratic).  There are two barriers, and either one stops the known attacks:
 *
 * 1. survey() walks over the bytes before libxml2 sees them.  It knows tags, quotes, comments, CDATA and processing instructions.  Any other
 *    "<!" is refused, which covers every DOCTYPE and ENTITY; so are tags that are too long or have too many attributes.
 * 2. libxml2 runs as a SAX2 push parser without a tree, with no option that loads or replaces anything.  A DOCTYPE that got through would
 *    reach on_doctype() and stop the parser; the process-wide entity loader refuses everything.  libxml2 2.9 reports a stopped document as
 *    well-formed, so we keep our own flag.
 *
 * The encoding is fixed before both: text_load returns UTF-8 without a declaration. */
#include "annotations/read/xml.h"
#include "base/error.h"
#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <math.h>
#include <string.h>

enum { TAG_BYTES = 64 << 10, TAG_ATTRIBUTES = 64, DEPTH = 64, CHUNK = 64 << 10, TEXT_BYTES = 1 << 20 };

typedef struct {
    const char *path;
    const XmlHandler *handler;
    void *data;
    xmlParserCtxt *context;
    int depth;
    gboolean stopped;
    GString *text;
    GError *error; /* the first one */
} Parse;

static gboolean xml_fail(const char *path, int line, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
static gboolean xml_fail(const char *path, int line, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s:%d: %s", path, line, message);
    return FALSE;
}

/* ---- first barrier: a survey of the bytes ---- */

/* The line of a position; slow, for errors only. */
static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (const char *p = text; (p = memchr(p, '\n', (size_t)(at - p))); p++) {
        line++;
    }
    return line;
}

/* The end of the tag that starts at `at` (after its '>'); NULL with error. */
static const char *survey_tag(const char *path, const char *text, const char *at, GError **error)
{
    int attributes = 0;
    char quote = 0;
    /* A ">" inside quotes does not end the tag.  Every "=" outside quotes is an attribute. */
    for (const char *p = at + 1; *p; p++) {
        if (p - at > TAG_BYTES) {
            xml_fail(path, line_of(text, at), error, "a tag is longer than %d bytes", TAG_BYTES);
            return NULL;
        }
        if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '>') {
            return p + 1;
        } else if (*p == '=' && ++attributes > TAG_ATTRIBUTES) {
            xml_fail(path, line_of(text, at), error, "a tag has more than %d attributes", TAG_ATTRIBUTES);
            return NULL;
        }
    }
    xml_fail(path, line_of(text, at), error, "the file ends inside a tag");
    return NULL;
}

/* The end of a construct that `close` ends; NULL with error. */
static const char *survey_until(const char *path, const char *text, const char *at, const char *close,
                                GError **error)
{
    const char *end = strstr(at, close);
    if (!end) {
        xml_fail(path, line_of(text, at), error, "the file ends before a closing \"%s\"", close);
        return NULL;
    }
    return end + strlen(close);
}

/* Looks at every "<" of the text. */
static gboolean survey(const char *path, const char *text, GError **error)
{
    const char *at = text;
    while (at && (at = strchr(at, '<'))) {
        if (g_str_has_prefix(at, "<!--")) {
            at = survey_until(path, text, at + 4, "-->", error);
        } else if (g_str_has_prefix(at, "<![CDATA[")) {
            at = survey_until(path, text, at + 9, "]]>", error);
        } else if (g_str_has_prefix(at, "<?")) {
            at = survey_until(path, text, at + 2, "?>", error);
        } else if (at[1] == '!') {
            return xml_fail(path, line_of(text, at), error,
                            "a DOCTYPE or entity is not allowed in annotations");
        } else {
            at = survey_tag(path, text, at, error);
        }
        if (!at) {
            return FALSE;
        }
    }
    return TRUE;
}

char *xml_root(const char *text)
{
    for (const char *at = text; (at = strchr(at, '<')); at++) {
        const char *close = g_str_has_prefix(at, "<?")     ? "?>"
                            : g_str_has_prefix(at, "<!--") ? "-->"
                            : at[1] == '!'                 ? ">" /* a DOCTYPE: xml_parse will say so */
                                                           : NULL;
        if (close) {
            at = strstr(at, close);
            if (!at) {
                return NULL;
            }
            continue;
        }
        size_t length = strcspn(at + 1, " \t\r\n/>");
        g_autofree char *name = g_strndup(at + 1, MIN(length, 64));
        const char *colon = strchr(name, ':');
        return g_strdup(colon ? colon + 1 : name);
    }
    return NULL;
}

/* ---- second fence: SAX ---- */

/* libxml2's attribute arrays: (name, prefix, URI, value, end of value). */
static const char **find(const XmlTag *tag, const char *name)
{
    for (int i = 0; i < tag->count; i++) {
        if (strcmp(tag->attributes[5 * i], name) == 0) {
            return &tag->attributes[5 * i];
        }
    }
    return NULL;
}

char *xml_attribute(const XmlTag *tag, const char *name)
{
    const char **found = find(tag, name);
    if (!found) {
        return NULL;
    }
    /* When libxml2 replaces no entities, it leaves every ampersand of a value as this, however it was written. */
    g_autoptr(GString) value = g_string_new_len(found[3], found[4] - found[3]);
    g_string_replace(value, "&#38;", "&", 0);
    return g_string_free(g_steal_pointer(&value), FALSE);
}

/* strtod also reads "inf", "nan" and hexadecimal; a coordinate is none of these. */
static gboolean number(const char *text, size_t length, double *out)
{
    char copy[64];
    if (length == 0 || length >= sizeof copy) {
        return FALSE;
    }
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    *out = g_ascii_strtod(copy, &end);
    return *end == 0 && strspn(copy, "+-0123456789.eE") == length;
}

gboolean xml_number(const XmlTag *tag, const char *name, double *out)
{
    const char **found = find(tag, name);
    return found && number(found[3], (size_t)(found[4] - found[3]), out);
}

gboolean xml_text_number(const char *text, double *out)
{
    text += strspn(text, " \t\r\n");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1])) {
        length--;
    }
    return number(text, length, out);
}

/* From here on no handler is called. */
static void stop(Parse *parse)
{
    parse->stopped = TRUE;
    xmlStopParser(parse->context);
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **namespace_list, int attributes, int defaulted,
                     const xmlChar **list)
{
    Parse *parse = data;
    XmlTag tag = {(const char *)name, (const char **)list, attributes, xmlSAX2GetLineNumber(parse->context),
                  parse->depth++};
    g_string_truncate(parse->text, 0);
    if (parse->stopped) {
        return;
    }
    if (tag.depth >= DEPTH) {
        xml_fail(parse->path, tag.line, &parse->error, "elements are nested deeper than %d", DEPTH);
        stop(parse);
    } else if (!parse->handler->start(parse->data, &tag, &parse->error)) {
        stop(parse);
    }
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    Parse *parse = data;
    parse->depth--;
    if (!parse->stopped && parse->handler->end &&
        !parse->handler->end(parse->data, (const char *)name, parse->text->str,
                             xmlSAX2GetLineNumber(parse->context), &parse->error)) {
        stop(parse);
    }
    g_string_truncate(parse->text, 0);
}

static void on_text(void *data, const xmlChar *text, int length)
{
    Parse *parse = data;
    if (!parse->stopped && parse->text->len + (size_t)length > TEXT_BYTES) {
        xml_fail(parse->path, xmlSAX2GetLineNumber(parse->context), &parse->error,
                 "a text is longer than %d bytes", TEXT_BYTES);
        stop(parse);
    } else if (!parse->stopped) {
        g_string_append_len(parse->text, (const char *)text, length);
    }
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    Parse *parse = data;
    if (!parse->error) {
        xml_fail(parse->path, xmlSAX2GetLineNumber(parse->context), &parse->error,
                 "a DOCTYPE is not allowed");
    }
    stop(parse);
}

/* libxml2 2.12 made the error that a handler sees constant. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *Problem;
#else
typedef xmlErrorPtr Problem;
#endif

/* Called for warnings and errors; only errors that make the document malformed count. */
static void on_error(void *data, Problem problem)
{
    Parse *parse = data;
    if (problem->level == XML_ERR_FATAL && !parse->error) {
        /* For an unclosed element libxml2 reports extra content, or from 2.14 on the element that was opened last. */
        gboolean open = parse->depth > 0 &&
                        (problem->code == XML_ERR_DOCUMENT_END || problem->code == XML_ERR_TAG_NOT_FINISHED);
        const char *said = open ? "the file ends before all elements do" : problem->message;
        g_autofree char *message = g_strstrip(g_strdup(said ? said : "malformed"));
        xml_fail(parse->path, problem->line, &parse->error, "not well-formed XML: %.200s", message);
    }
}

/* Called by libxml2 for every external entity. */
static xmlParserInputPtr refuse_entity(const char *url, const char *id, xmlParserCtxtPtr context)
{
    return NULL;
}

static void *set_up_libxml(void *unused)
{
    xmlInitParser();
    xmlSetExternalEntityLoader(refuse_entity);
    return NULL;
}

static gboolean run(Parse *parse, xmlSAXHandler *sax, const char *text, size_t length)
{
    parse->context = xmlCreatePushParserCtxt(sax, parse, NULL, 0, NULL);
    if (!parse->context) {
        g_set_error(&parse->error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory to parse %s", parse->path);
        return FALSE;
    }
    xmlCtxtUseOptions(parse->context, XML_PARSE_NONET | XML_PARSE_COMPACT);
    int failed = 0;
    for (size_t at = 0; at < length && !failed && !parse->stopped; at += CHUNK) {
        failed = xmlParseChunk(parse->context, text + at, (int)MIN(CHUNK, length - at), 0);
    }
    if (!failed && !parse->stopped) {
        failed = xmlParseChunk(parse->context, NULL, 0, 1);
    }
    gboolean good = !parse->stopped && !parse->error && parse->context->wellFormed;
    if (!good && !parse->error) {
        xml_fail(parse->path, xmlSAX2GetLineNumber(parse->context), &parse->error, "not well-formed XML");
    }
    xmlFreeDoc(parse->context->myDoc);
    parse->context->myDoc = NULL;
    xmlFreeParserCtxt(parse->context);
    return good;
}

gboolean xml_parse(const char *path, const char *text, size_t length, const XmlHandler *handler, void *data,
                   GError **error)
{
    static GOnce once = G_ONCE_INIT;
    g_once(&once, set_up_libxml, NULL);
    if (!survey(path, text, error)) {
        return FALSE;
    }
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_text,
        .cdataBlock = on_text,
        .internalSubset = on_doctype,
        .serror = on_error,
    };
    Parse parse = {.path = path, .handler = handler, .data = data, .text = g_string_new(NULL)};
    gboolean good = run(&parse, &sax, text, length);
    g_string_free(parse.text, TRUE);
    if (!good) {
        g_propagate_error(error, parse.error);
    }
    return good;
}

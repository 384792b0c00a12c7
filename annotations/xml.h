/* XML from strangers: elements as calls, nothing else of XML.
 *
 * No DOCTYPE, no entities but the five and the numbered ones, nothing from disk or network;
 * tags of at most 64 KiB with at most 64 attributes, a depth of at most 64.  All of that is an error, at once. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name;        /* without a namespace prefix */
    const char **attributes; /* libxml2's fives; use the functions below */
    int count, line, depth;  /* line: where the tag ends; the root has depth 0 */
} XmlTag;

typedef struct {
    /* FALSE with error stops. */
    gboolean (*start)(void *data, const XmlTag *tag, GError **error);
    /* text: the characters since the last tag, so all of a leaf's. May be NULL. */
    gboolean (*end)(void *data, const char *name, const char *text, int line, GError **error);
} XmlHandler;

/* text: UTF-8, NUL-ended, without an XML declaration of another encoding.  Errors read "PATH:LINE: ...". */
gboolean xml_parse(const char *path, const char *text, size_t length, const XmlHandler *handler, void *data,
                   GError **error);
/* The value (caller frees) or NULL when there is no such attribute. */
char *xml_attribute(const XmlTag *tag, const char *name);
/* FALSE when it is missing or not a decimal number as a whole; no locale.  May give an infinity for 1e999. */
gboolean xml_number(const XmlTag *tag, const char *name, double *out);
/* The same for text: white space around it is allowed. */
gboolean xml_text_number(const char *text, double *out);
/* The root element's name without prefix, by a look at the beginning of the text (caller frees); NULL when there is none. */
char *xml_root(const char *text);

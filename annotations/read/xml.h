/* XML from untrusted files: elements become calls, and most of the rest of XML is refused.
 *
 * No DOCTYPE, no entities except the five predefined and the numeric ones, nothing from disk or network; tags of at most 64 KiB with at most
 * 64 attributes, a depth of at most 64.  Anything beyond is an error at once.  Any number of threads may parse at the same time. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name;        /* without a namespace prefix */
    const char **attributes; /* libxml2's, five pointers each; use the functions below */
    int count, line, depth;  /* line: where the tag ends; the root has depth 0 */
} XmlTag;

typedef struct {
    /* An element begins.  FALSE with error stops. */
    gboolean (*start)(void *data, const XmlTag *tag, GError **error);
    /* An element ends. text: the characters since the last tag, so all of a leaf's.  The function may be NULL. */
    gboolean (*end)(void *data, const char *name, const char *text, int line, GError **error);
} XmlHandler;

/* text: UTF-8, NUL-ended, without an XML declaration of another encoding.  FALSE with WSI_ERROR_INPUT "PATH:LINE: ...". */
gboolean xml_parse(const char *path, const char *text, size_t length, const XmlHandler *handler, void *data,
                   GError **error);
/* The value of an attribute (caller frees); NULL when there is none. */
char *xml_attribute(const XmlTag *tag, const char *name);
/* The value as a number, whatever the locale; FALSE when the attribute is missing or not one decimal number.  1e999 gives infinity. */
gboolean xml_number(const XmlTag *tag, const char *name, double *out);
/* The same for a text, which may have white space around the number. */
gboolean xml_text_number(const char *text, double *out);
/* The name of the root element without prefix, from the beginning of the text (caller frees); NULL when there is none. */
char *xml_root(const char *text);

/* Reading one YAML document (libyaml) as nodes with line numbers, and writing texts that it reads back.
 *
 * Errors are WSI_ERROR_INPUT with "PATH line N: ...".  A document belongs to one thread. */
#pragma once
#include <glib.h>
#include <yaml.h>

/* Reads one document of `length` bytes; `path` is for messages.  Invalid UTF-8, a NUL and a second document are errors.  Without content (empty,
 * or comments only) it succeeds, and yaml_document_get_root_node() is NULL.  On success the caller frees it with yaml_document_delete. */
gboolean yamlfile_read(yaml_document_t *document, const char *text, gsize length, const char *path,
                       GError **error);

/* Line of a node, starting at 1. */
int yamlfile_line(const yaml_node_t *node);
/* Whether the value is empty or null. */
gboolean yamlfile_is_null(const yaml_node_t *node);
/* The text of a scalar (!!binary: its decoded bytes).  NULL when the node is not a scalar, has an unknown tag or contains a NUL, with a reason that
 * continues a sentence after the name of the key.  Caller frees text and reason. */
char *yamlfile_text(const yaml_node_t *node, char **reason);

/* A text as a YAML scalar on one line: in double quotes, with escapes; !!binary when it is not UTF-8.  Every C string reads back the same.
 * Caller frees. */
char *yamlfile_quoted(const char *text);

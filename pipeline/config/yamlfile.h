/* One YAML document (libyaml) as nodes that know their lines, and texts written so that it reads them back.
 *
 * Errors are WSI_ERROR_INPUT with "PATH line N: ...".  A document belongs to one thread. */
#pragma once
#include <glib.h>
#include <yaml.h>

/* Reads one document of `length` bytes; `path` is for messages.  Bytes that are no text in UTF-8, a NUL and a second document are
 * errors.  Without content (empty, comments only) it succeeds and yaml_document_get_root_node() is NULL.
 * On success the caller ends it with yaml_document_delete. */
gboolean yamlfile_read(yaml_document_t *document, const char *text, gsize length, const char *path,
                       GError **error);

/* Line of a node, from 1. */
int yamlfile_line(const yaml_node_t *node);
/* Whether nothing is given: an empty value, or null. */
gboolean yamlfile_is_null(const yaml_node_t *node);
/* The text of a scalar (!!binary: its bytes, decoded); NULL with a reason that fits behind the name of the key when it is none, is
 * of an unknown tag, or holds a NUL.  Caller frees text and reason. */
char *yamlfile_text(const yaml_node_t *node, char **reason);

/* A text as YAML has it on one line: in double quotes, with escapes for what they may not hold; !!binary when it is not UTF-8.
 * Every text of C reads back the same.  Caller frees. */
char *yamlfile_quoted(const char *text);

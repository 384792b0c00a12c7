/* Whether results can be written where they are to go: asked before the work that makes them. */
#pragma once
#include <glib.h>

/* Whether a file can be put at `path`: it is no folder, no device and no pipe, and the folder that it goes to, or the nearest above that
 * there is, takes a file (one is written there and removed).  Nothing is left behind.  WSI_ERROR_INPUT for what the path is, WSI_ERROR_IO for
 * what the system says. */
gboolean writable_file(const char *path, GError **error);
/* The same of a folder that is there or will be made, and of files in it (ended by NULL; NULL = any). */
gboolean writable_folder(const char *path, const char *const *files, GError **error);
/* Whether the output is another file than the input (NULL = none), which it would replace. */
gboolean writable_differs(const char *output, const char *input, GError **error);

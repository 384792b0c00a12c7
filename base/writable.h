/* Checks before the work that its results can be written where they should go.  Any thread. */
#pragma once
#include <glib.h>

/* Checks that a file can be written at `path`: that it is not a folder, device or pipe, and that its folder, or the nearest existing one above,
 * accepts a file (one is written there and removed).  Nothing is left.  FALSE with WSI_ERROR_INPUT when the path is wrong, or another code when
 * the system fails. */
gboolean writable_file(const char *path, GError **error);
/* The same for a folder that exists or will be created, and for these files in it (ended by NULL; NULL = none in particular). */
gboolean writable_folder(const char *path, const char *const *files, GError **error);
/* Checks that the output is not the input (NULL = none), which it would replace. */
gboolean writable_differs(const char *output, const char *input, GError **error);

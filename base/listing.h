/* What is in a folder, and what a path is.  Only what the system reports as absent counts as absent.
 *
 * g_dir_read_name() cannot tell the end of a folder from a failed read, and g_file_test() cannot tell a file that does not exist from one
 * that cannot be examined now.  These functions are for cases where that would change results.  Any thread. */
#pragma once
#include <glib.h>

/* The names in a folder, sorted by bytes, without "." and "..": array of char*, owned.  Caller unrefs; NULL with error when the folder cannot
 * be opened or read to its end. */
GPtrArray *listing_read(const char *folder, GError **error);
/* The same; a folder that does not exist has no names. */
GPtrArray *listing_read_if_there(const char *folder, GError **error);
/* The names for which `wanted` returns TRUE, otherwise as listing_read.  Caller frees with g_strfreev. */
typedef gboolean (*ListingWanted)(const char *name, const void *data);
char **listing_select(const char *folder, ListingWanted wanted, const void *data, GError **error);

typedef enum { FILE_ABSENT, FILE_REGULAR, FILE_FOLDER, FILE_OTHER } FileKind;
/* What is at this path; links are followed.  FILE_ABSENT only for ENOENT, ENOTDIR and ELOOP; FALSE with error for any other failure. */
gboolean listing_kind(const char *path, FileKind *kind, GError **error);

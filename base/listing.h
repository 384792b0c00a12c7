/* What is in a folder, and what a name is: nothing is taken for absent unless the system says so.
 *
 * g_dir_read_name() cannot tell the end of a folder from a failed read, and g_file_test() cannot tell a file that is not there from one
 * that cannot be looked at now.  Where either would change results, these are used.  All functions may be called by any thread. */
#pragma once
#include <glib.h>

/* The names in a folder, sorted by bytes, without "." and "..": array of char*, owned.  NULL with error when the folder cannot be
 * opened or read to its end. */
GPtrArray *listing_read(const char *folder, GError **error);
/* The same; a folder that is not there is empty. */
GPtrArray *listing_read_if_there(const char *folder, GError **error);
/* The names that `wanted` says yes to, as listing_read.  Caller frees with g_strfreev. */
typedef gboolean (*ListingWanted)(const char *name, const void *data);
char **listing_select(const char *folder, ListingWanted wanted, const void *data, GError **error);

typedef enum { FILE_ABSENT, FILE_REGULAR, FILE_FOLDER, FILE_OTHER } FileKind;
/* What has this name, links followed.  FILE_ABSENT only for ENOENT, ENOTDIR and ELOOP; with any other failure FALSE with error. */
gboolean listing_kind(const char *path, FileKind *kind, GError **error);

/* Former names of columns and members, for messages about files of earlier versions.  They are no aliases: nothing is read by a former name.
 * Any thread. */
#pragma once
#include <glib.h>

/* The name that earlier versions gave to the column or member `name`; NULL when there is none. */
const char *former_name(const char *name);
/* For a file that has the former name where `name` is required: WSI_ERROR_INPUT with both names, which says that the file is of an earlier
 * version and that its maker has to make it again.  what: the file.  Always returns FALSE. */
gboolean former_name_error(GError **error, const char *what, const char *name);
/* Whether former_name_error set this error. */
gboolean former_name_caused(const GError *error);

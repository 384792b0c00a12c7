/* The last lines of a run. */
#pragma once
#include <glib.h>

/* What came out in the folder of a run, to standard output, and what a reader of it has to know, to standard error.  All of it is by the job
 * table: files of an earlier configuration that are still in the folder are no results.  FALSE with error when the table or a record
 * cannot be read. */
gboolean ending_show(const char *folder, GError **error);

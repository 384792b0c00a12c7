/* What is printed after a run. */
#pragma once
#include <glib.h>

/* Prints the results in the folder of a run to standard output, and what a reader must know about them to standard error.  The job table
 * decides what is a result: files of an earlier configuration that are still in the folder are not.  FALSE with an error when the table or a
 * record cannot be read. */
gboolean run_results_print(const char *folder, GError **error);

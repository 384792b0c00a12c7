/* Whether a folder may become, or is, the folder of a run: nothing of the user's is overwritten or deleted. */
#pragma once
#include "pipeline/config/config.h"

/* FALSE with an error that says what to do when the folder
 *   holds something and no job table: a run would mix its files with files that are not its own;
 *   is where the slides are;
 *   has, as its config.yaml, the very file that -c names (given) with a text that the run would replace.
 * A folder that is not there, is empty, or holds only what a run makes before its job table is fit. */
gboolean run_folder_check(const char *folder, const char *given, const Config *config, GError **error);

/* Whether a folder is, or may become, the folder of a run.  Nothing of the user's is overwritten or deleted. */
#pragma once
#include "pipeline/config/config.h"

/* FALSE with an error that says what to do when the folder
 *   is not empty and has no job table: a run would mix its files with others;
 *   is the folder of the slides;
 *   has, as its config.yaml, the file that -c names (given), with a text that the run would replace.
 * A folder passes when it does not exist, is empty, or contains only what a run creates before its job table. */
gboolean run_folder_check(const char *folder, const char *given, const Config *config, GError **error);

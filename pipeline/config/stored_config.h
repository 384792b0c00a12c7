/* The configuration that a run keeps in its folder, as config.yaml. */
#pragma once
#include "pipeline/config/config.h"

/* Path of that file.  Caller frees. */
char *stored_config_path(const char *folder);
/* WSI_ERROR_INPUT when the folder has none, so that it is not the folder of a run. */
Config *stored_config_read(const char *folder, GError **error);

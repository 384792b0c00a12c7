/* The table of commands. */
#pragma once
#include "pipeline/cli/command.h"

extern const Command *const commands[]; /* as --help lists them; ends with NULL */
/* NULL when there is none of that name. */
const Command *command_table_find(const char *name);
/* The name of the command that was probably meant, or NULL. */
const char *command_table_nearest(const char *name);

/* A command, and what commands share. */
#pragma once
#include "pipeline/config/config.h"

typedef struct {
    const char *name, *arguments;
    const char *summary; /* one line of wsiflow --help; NULL: a hidden command */
    const char *details; /* printed by --help below the options; may be NULL */
    /* Returns an exit code; when error is set, its message is printed. argv[0] is the command's name. */
    int (*run)(int argc, char **argv, GError **error);
} Command;

/* Parses the options of a command (options.h); argv keeps only the arguments.  FALSE with *code when there is nothing more to do:
 * --help was given and printed (0), or the usage is wrong (2, with the error). */
gboolean command_options(const Command *command, GOptionEntry *entries, int *argc, char ***argv, int *code,
                         GError **error);
/* Sets an error of usage; returns EXIT_USAGE. */
int command_misused(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Removes the files of these names (ended by NULL) from the folder, which an earlier call may have left and this one does not write: beside its
 * results they would look like its own.  Says so in one line on standard error. */
gboolean command_remove_former(const Command *command, const char *folder, const char *const *names,
                               GError **error);
/* The configuration in a file, or the defaults when path is NULL. */
Config *command_config_or_default(const char *path, GError **error);

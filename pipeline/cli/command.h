/* The table of commands. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name, *arguments, *summary;
    const char *details; /* shown by --help below the options; may be NULL */
    /* Returns an exit code; with error set the message is printed. argv[0] is the command's name. */
    int (*run)(int argc, char **argv, GError **error);
} Command;

extern const Command commands[]; /* ends with name NULL */
const Command *command_find(const char *name);
/* The name of the command that was likely meant, or NULL. */
const char *command_nearest(const char *name);

/* Parses the options of a command (options.h); --help prints them with the command's texts and returns FALSE with code 0.  Wrong
 * usage: FALSE, *code = 2 and the error.  What is left in argv are the arguments. */
gboolean command_options(const char *name, GOptionEntry *entries, int *argc, char ***argv, int *code,
                         GError **error);
/* Error of usage; returns EXIT_USAGE. */
int command_misused(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

int command_run(int argc, char **argv, GError **error);
int command_dataset(int argc, char **argv, GError **error);
int command_status(int argc, char **argv, GError **error);
int command_retry(int argc, char **argv, GError **error);
int command_slide(int argc, char **argv, GError **error);
int command_train(int argc, char **argv, GError **error);
int command_score(int argc, char **argv, GError **error);
int command_heatmap(int argc, char **argv, GError **error);
int command_annotation(int argc, char **argv, GError **error);
int command_mask(int argc, char **argv, GError **error);
int command_sample(int argc, char **argv, GError **error);
int command_evaluate(int argc, char **argv, GError **error);
int command_synth(int argc, char **argv, GError **error);
int command_config(int argc, char **argv, GError **error);
int command_doctor(int argc, char **argv, GError **error);
int command_worker(int argc, char **argv, GError **error);

/* Command-line options in the GNU style: -j2, -oX, --opt=value, abbreviations, options after arguments, "--". */
#pragma once
#include <glib.h>

/* Reads the options that `entries` names (kinds NONE, INT, INT64, DOUBLE, STRING, FILENAME and STRING_ARRAY; texts are bytes in every locale).
 * argv keeps argv[0] and the arguments.  WSI_ERROR_INPUT: an unknown option (the message suggests the nearest one), an ambiguous
 * abbreviation, a missing, empty or superfluous value, a number that is invalid, infinite or out of the option's range, an option given twice
 * with two values.  Not thread-safe, because getopt_long has one global state. */
gboolean options_parse(const GOptionEntry *entries, int *argc, char ***argv, GError **error);
/* The lines of --help that describe the options.  Caller frees. */
char *options_help(const GOptionEntry *entries);
/* FALSE with an error when two arguments are the same file, which would count twice. */
gboolean options_distinct(int argc, char **argv, GError **error);

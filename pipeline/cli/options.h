/* Options of the command line in the style of GNU: -j2, -oX, --opt=value, abbreviations, options behind arguments, "--".  */
#pragma once
#include <glib.h>

/* Reads the options that `entries` names (kinds NONE, INT, INT64, DOUBLE, STRING, FILENAME and STRING_ARRAY; texts are bytes, whatever
 * the locale).  What is left in argv behind argv[0] are the arguments.  WSI_ERROR_INPUT: an unknown option (with the nearest one), an
 * ambiguous abbreviation, a missing, empty or superfluous value, a number that is none, infinite or out of the range that the option has
 * in every command, an option given twice with two values.  Not for threads: getopt_long has one state. */
gboolean options_parse(const GOptionEntry *entries, int *argc, char ***argv, GError **error);
/* The lines of --help about the options.  Caller frees. */
char *options_help(const GOptionEntry *entries);
/* Whether no two of the arguments are the same file: what is worked on twice would count twice. */
gboolean options_distinct(int argc, char **argv, GError **error);

/* The id of a slide: its name in a run, in folders and in tables. */
#pragma once
#include <glib.h>

/* A file's name without folder and without its last suffix; a leading dot starts no suffix.  Caller frees. */
char *slide_id_stem(const char *path);
/* The id made from a path: the stem with every character outside [A-Za-z0-9._-], and leading dots, replaced by "_".  Caller frees. */
char *slide_id_of(const char *path);
/* FALSE with an error that names the file and ends with `remedy` when the id is too long for the names of the run's files. */
gboolean slide_id_check_length(const char *id, const char *path, const char *remedy, GError **error);
/* FALSE with an error that names both files when two have the same id, or the one whose id is too long. */
gboolean slide_id_all_differ(char *const *paths, int count, GError **error);

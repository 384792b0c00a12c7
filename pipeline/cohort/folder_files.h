/* What files of the folders of slides and annotations are by their names, for cohort_files.c and annotation_files.c. */
#pragma once
#include "base/listing.h"
#include "pipeline/cohort/cohort.h"

/* The names in the folder that a key names, as listing_read; when it is not there, the error offers the nearest one beside it. */
GPtrArray *folder_list(const char *key, const char *folder, GError **error);
/* By what they are: a link to the slides' folder is that folder. */
gboolean folder_same(const char *a, const char *b);
/* What something of a folder is, and why it is not a file that can be read (*why: owned), or NULL.  FALSE with error when the system
 * does not say: that is no reason to go on without the file. */
gboolean folder_look(const char *path, const char *name, FileKind *kind, char **why, GError **error);
/* Length of the name without the suffix of an annotation, of a mask only when they are asked for, or 0; *rank: of the suffix. */
size_t folder_annotation_stem(const char *name, gboolean masks, int *rank);
/* All of them with blanks between.  Caller frees. */
char *folder_annotation_suffixes(void);
/* Slides of MIRAX have a folder of their name. */
gboolean folder_is_data(const GPtrArray *names, const char *name);
/* A file by its name in a folder without links, so that one file has one path by whichever way it is named.  A link to a file
 * stays one: it is a name of its own.  Caller frees. */
char *folder_path(const char *path);
/* The set of the paths of slides, of annotations that the manifest names, or of both. */
GHashTable *folder_paths(const Cohort *cohort, gboolean slides, gboolean annotations);
gboolean folder_holds(GHashTable *paths, const char *path);

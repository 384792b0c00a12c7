/* Files in folders of slides and annotations: kinds, suffixes and paths. */
#pragma once
#include "base/listing.h"
#include "pipeline/cohort/cohort.h"

/* The names in the folder that a key names, as listing_read.  When it does not exist, the error suggests the nearest name in its parent. */
GPtrArray *folder_list(const char *key, const char *folder, GError **error);
/* Whether both are the same folder, also by a link. */
gboolean folder_same(const char *a, const char *b);
/* *kind: what a name in a folder is; *why: why it is not a readable file (owned), or NULL.  FALSE with an error when the state of the file is
 * unknown: continuing without the file would be wrong. */
gboolean folder_look(const char *path, const char *name, FileKind *kind, char **why, GError **error);
/* Length of the name without the suffix of an annotation or, if `masks`, of a mask; 0 when it has none.  *rank: rank of the suffix. */
size_t folder_annotation_stem(const char *name, gboolean masks, int *rank);
/* All suffixes of annotations and masks, separated by blanks.  Caller frees. */
char *folder_annotation_suffixes(void);
/* Whether the folder belongs to a MIRAX slide, which has a folder of its own name. */
gboolean folder_is_data(const GPtrArray *names, const char *name);
/* The path of a file with the links of its folder resolved, so that one file has one path.  A link to a file is kept: it is a name of its own.
 * Caller frees. */
char *folder_path(const char *path);
/* The set of the paths of slides, of the annotations in the manifest, or of both. */
GHashTable *folder_paths(const Cohort *cohort, gboolean slides, gboolean annotations);
gboolean folder_holds(GHashTable *paths, const char *path);

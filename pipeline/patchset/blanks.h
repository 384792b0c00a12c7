/* Labels of images by name: which are near-blank. */
#pragma once
#include "pipeline/scoring/scoretable.h"

typedef struct Blanks Blanks;
/* A CSV with the columns file and near_blank; see score_table_read for the rules. */
Blanks *blanks_read(const char *path, GError **error);
void blanks_free(Blanks *blanks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Blanks, blanks_free)
/* What is known of an image by its name; an error when several lines fit that differ. */
gboolean blanks_find(Blanks *blanks, const char *file, Blank *out, GError **error);
/* How it went so far, new reference: lines, unused_lines, joined_rows, other_rows.  NULL with error when no row joined. */
json_t *blanks_json(const Blanks *blanks, GError **error);

/* Labels of images by name: which are near-blank. */
#pragma once
#include "pipeline/scoring/score_table.h"

typedef struct NearBlankLabels NearBlankLabels;
/* A CSV with the columns file and near_blank; see score_table_read for the rules. */
NearBlankLabels *near_blank_read(const char *path, GError **error);
void near_blank_free(NearBlankLabels *blanks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NearBlankLabels, near_blank_free)
/* What is known of an image by its name; an error when several lines fit that differ. */
gboolean near_blank_find(NearBlankLabels *blanks, const char *file, NearBlank *out, GError **error);
/* How it went so far, new reference: lines, unmatched_lines, matched_rows, unmatched_rows.  NULL with error when no row joined. */
json_t *near_blank_json(const NearBlankLabels *blanks, GError **error);

/* Labels by image name: which images are near-blank. */
#pragma once
#include <glib.h>
#include <jansson.h>

typedef enum { NEAR_BLANK_UNKNOWN, NEAR_BLANK_NO, NEAR_BLANK_YES } NearBlank;

typedef struct NearBlankLabels NearBlankLabels;
/* A CSV with the columns file and near_blank; see score_table_read for the rules. */
NearBlankLabels *near_blank_read(const char *path, GError **error);
void near_blank_free(NearBlankLabels *blanks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NearBlankLabels, near_blank_free)
/* The label of an image by its name; FALSE with error when several lines match and differ. */
gboolean near_blank_find(NearBlankLabels *blanks, const char *file, NearBlank *out, GError **error);
/* What matched so far (new reference): lines, unmatched_lines, matched_rows, unmatched_rows.  NULL with error when no row matched. */
json_t *near_blank_json(const NearBlankLabels *blanks, GError **error);

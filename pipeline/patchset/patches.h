/* Scoring a folder of patches whose sub-folders are labels. */
#pragma once
#include "pipeline/scoring/scoring.h"

/* Scores FOLDER/good (label 0), FOLDER/<any other name> (label 1); images that lie in FOLDER itself have no label.  Order: folders by
 * name, files by name.  Scored.file is "<folder's name>/<label>/<image>". */
gboolean patches_score_folder(const ScoringOptions *options, const char *folder, GArray *scored,
                              GError **error);

/* The manifest.csv beside images or shards, as patchset_read_manifest; when it is not one of a patch set, the error says what to do. */
GPtrArray *patches_manifest(const char *path, GError **error);

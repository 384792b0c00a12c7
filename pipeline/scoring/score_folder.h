/* Scoring a folder of patches whose sub-folders are labels. */
#pragma once
#include "pipeline/scoring/scoring.h"

/* Scores FOLDER/good (label 0), FOLDER/<any other name> (label 1); images that lie in FOLDER itself have no label.  Order: folders by
 * name, files by name.  Scored.file is "<folder's name>/<label>/<image>". */
gboolean score_folder(const ScoringOptions *options, const char *folder, GArray *scored, GError **error);

/* Scoring a folder of images whose sub-folders are labels. */
#pragma once
#include "pipeline/scoring/scoring.h"

/* Scores the images in FOLDER/good (label 0), in every other sub-folder (label 1), and in FOLDER itself (no label), in the order of folders
 * and files by name.  Scored.file is "<name of FOLDER>/<label>/<image>". */
gboolean score_folder(const ScoringOptions *options, const char *folder, GArray *scored, GError **error);

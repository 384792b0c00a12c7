/* Files of scored tiles and images. */
#pragma once
#include "pipeline/scoring/scoring.h"

/* Writes scores as CSV.  split: of all rows; "" = unknown.  Columns for a slide: slide,split,column,row,x,y,width,height,tissue_fraction,
 * readable_fraction,lesion_fraction,label and all scores; for images: file,split,label and all scores. */
gboolean scored_files_slide(const char *path, const char *slide, const char *split, const GArray *scored,
                            char sha256[65], GError **error);
gboolean scored_files_images(const char *path, const char *split, const GArray *scored, char sha256[65],
                             GError **error);
/* The footprints in the table of a slide: array of Rect (level-0 px).  Caller unrefs. */
GArray *scored_files_positions(const char *path, GError **error);
/* A column of it: array of double, in the same order, NAN for a tile without a score.  Caller unrefs. */
GArray *scored_files_column(const char *path, const char *column, GError **error);

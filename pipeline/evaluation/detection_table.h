/* Detections in the form of Camelyon16: a CSV per slide with the lines "confidence,x,y" (level-0 px); a header line may stand before them. */
#pragma once
#include "flows/metrics/froc.h"

/* Array of Detection in level-0 px; an empty file has none.  NULL with WSI_ERROR_INPUT, file and line when a line is something else, or a
 * confidence is below `least`.  Caller unrefs. */
GArray *detection_table_read(const char *path, double least, GError **error);

/* The first and the last lines of a run. */
#pragma once
#include "pipeline/stage.h"

/* What a run is about to do: slides with and without annotation, patients, splits, what is scored and what is not and why, files that are not used,
 * what will be written, disk.  last: name of the last stage wanted, NULL = all.  jobs: also how many jobs each stage has. Caller frees. */
char *summary_begin(const Run *run, const char *last, gboolean jobs);
/* What came out in the folder of a run and where to look; slides without tiles, what was not used, what failed.  Caller frees. */
char *summary_end(const char *folder);

/* What is printed before a run. */
#pragma once
#include "pipeline/job/work.h"

/* What a run is about to do: slides with and without annotation, patients, splits, which slides are scored and why, unused files, what will be
 * written, disk space.  last: name of the last wanted stage, NULL = all.  jobs: also the number of jobs of each stage.  Caller frees. */
char *run_summary(const Run *run, const char *last, gboolean jobs);

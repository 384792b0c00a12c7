/* The first and the last lines of a run. */
#pragma once
#include "pipeline/job/work.h"

/* What a run is about to do: slides with and without annotation, patients, splits, what is scored and what is not and why, files that are not used,
 * what will be written, disk.  last: name of the last stage wanted, NULL = all.  jobs: also how many jobs each stage has. Caller frees. */
char *summary_begin(const Run *run, const char *last, gboolean jobs);
/* A run that has ended, as the job table has it. */
typedef struct {
    const char *folder;
    const Cohort *cohort;
    const GPtrArray *artefacts; /* JobInput* */
    const GPtrArray *rows;      /* JobRow* */
    const Records *records;
} Ended;
/* The path, relative to the folder, of what a stage of the cohort published as `name`; NULL when it has not. */
const char *ended_path(const Ended *ended, const char *stage, const char *name);
/* What came out and where to look; slides without tiles, what was not used, what failed.  Caller frees. */
char *summary_end(const Ended *ended);

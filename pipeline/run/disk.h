/* How much disk a run needs, and how much there is. */
#pragma once
#include "pipeline/job/work.h"

typedef struct {
    double likely,
        most; /* bytes; the first takes a third of the slides' area for tissue, the second all of it */
    int opened, failed; /* slides that the estimate comes from, and slides that could not be opened */
} DiskNeed;

/* From the size of at most 20 slides, evenly chosen: opening all of an archive takes long. */
DiskNeed disk_need(const Run *run);
/* Bytes that are free where the folder is or would be made; -1 when that is unknown. */
double disk_free(const char *folder);

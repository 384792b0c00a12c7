/* How much disk space a run needs, and how much is free. */
#pragma once
#include "pipeline/job/work.h"

typedef struct {
    double likely,
        most; /* bytes; `likely` assumes that a third of the slides' area is tissue, `most` all of it */
    int opened, failed; /* slides that the estimate is based on, and slides that could not be opened */
} DiskSpace;

/* An estimate from at most 20 slides, evenly chosen, because opening all slides of an archive takes long. */
DiskSpace disk_space_needed(const Run *run);
/* Free bytes on the file system of the folder, or of the nearest parent that exists; -1 = unknown. */
double disk_space_free(const char *folder);

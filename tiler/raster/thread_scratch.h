/* Working memory that a thread keeps between tiles, so that cutting allocates nothing after the first tiles.  For this room only. */
#pragma once
#include "base/image.h"

typedef enum {
    /* jpegtiff.c: a view of decoded tiles */
    SCRATCH_VIEW_TILES,
    SCRATCH_VIEW_ENDS,
    SCRATCH_VIEW_ROWS,
    /* cut.c: pixels read for a cut, and which of them are readable */
    SCRATCH_SOURCE,
    SCRATCH_READABLE,
    /* resample.c */
    SCRATCH_MASKED, /* RGB with readability as a fourth sample */
    SCRATCH_FIRST_X,
    SCRATCH_COUNT_X,
    SCRATCH_WEIGHT_X,
    SCRATCH_FIRST_Y,
    SCRATCH_COUNT_Y,
    SCRATCH_WEIGHT_Y,
    SCRATCH_PAIRS,
    SCRATCH_IMAGE_ROWS,
    SCRATCH_WEIGHTS,
    SCRATCH_COLUMNS,
    SCRATCH_RESULTS,
    SCRATCH_BYTES,
    /* quality.c */
    SCRATCH_GREY,
    SCRATCH_GREY_HALF,
    /* local_density.c */
    SCRATCH_DENSITY,
    SCRATCH_DENSITY_READABLE,
    SCRATCH_DENSITY_COLUMNS,
    SCRATCH_DENSITY_COUNTS,
    SCRATCH_DENSITY_FACTORS,
    SCRATCH_DENSITY_RUNNING,
    SCRATCH_DENSITY_ROWS,
    SCRATCH_USES
} ScratchUse;

/* The calling thread's memory for this use: count * size bytes, aligned to 64 bytes, valid until the thread's next call for the same use.
 * It holds what the thread left there; at first zeros.  NULL with WSI_ERROR_MEMORY that names `what`. */
void *thread_scratch(ScratchUse use, size_t count, size_t size, const char *what, GError **error);

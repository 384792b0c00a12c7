/* Working memory that a thread keeps between tiles, so that cutting allocates nothing after the first ones.  Not for other
 * rooms. */
#pragma once
#include "base/image.h"

typedef enum {
    SCRATCH_VIEW_TILES, /* pixels to cut from, where they lie */
    SCRATCH_VIEW_ENDS,
    SCRATCH_VIEW_ROWS,
    SCRATCH_SOURCE,   /* pixels read for a cut */
    SCRATCH_READABLE, /* and where they are data */
    SCRATCH_MASKED,   /* the same with validity as a fourth sample */
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
    SCRATCH_GREY, /* a tile's quality */
    SCRATCH_GREY_HALF,
    SCRATCH_DENSITY, /* what a pixel's colour says */
    SCRATCH_DENSITY_READABLE,
    SCRATCH_DENSITY_COLUMNS,
    SCRATCH_DENSITY_COUNTS,
    SCRATCH_DENSITY_UNITS,
    SCRATCH_DENSITY_RUNNING,
    SCRATCH_STAIN,
    SCRATCH_USES
} ScratchUse;

/* count * size bytes, at a multiple of 64, of the calling thread for this use, until its next call for the same use; contents: what was there
 * before, at first zero.  NULL with WSI_ERROR_MEMORY naming `what`. */
void *thread_scratch(ScratchUse use, size_t count, size_t size, const char *what, GError **error);

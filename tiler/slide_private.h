/* What the files of the slide reader share; not for others. */
#pragma once
#include "tiler/jpegtiff.h"
#include "tiler/slide.h"
#include <openslide.h>

/* An OpenSlide handle that several threads read from.  It is replaced after an error, and closed when its last
 * reader lets go. */
typedef struct {
    openslide_t *openslide;
    int readers; /* and one more while it is the current one; guarded by Slide.lock */
} SlideHandle;

struct Slide {
    SlideInfo info;
    char *path, *vendor;
    SlideLevel *levels;
    double *openslide_downsample;    /* of each level: what its coordinates are scaled by, true or not */
    int *block_width, *block_height; /* of each level: what is lost when a part cannot be read */
    JpegTiff *fast;                  /* NULL = OpenSlide reads */
    Colour *colour;                  /* NULL = tiles stay as they are */

    GMutex lock; /* guards what follows */
    SlideHandle *current;
    GHashTable *bad_blocks; /* BlockKey */
    GPtrArray *bad_areas;   /* BadArea* */

    GMutex
        salvage_lock; /* held while areas with unreadable parts are read piece by piece; taken before `lock` */
    openslide_t *salvage;
};

/* Opens the file by OpenSlide; NULL with a message that names it. */
openslide_t *slide_openslide(const char *path, GError **error);
/* The list of what could not be read. */
void slide_bad_init(Slide *slide);
void slide_bad_clear(Slide *slide);
/* Notes an area that could not be read, once.  FALSE when there are too many. Thread-safe. */
gboolean slide_note_bad(Slide *slide, int level, int64_t column, int64_t row, const char *reason,
                        GError **error);

/* What the files of the slide reader share; not for others. */
#pragma once
#include "tiler/slide/jpegtiff.h"
#include "tiler/slide/slide.h"
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
    char *source; /* the file that is opened: path, or of a DICOM slide its lead */
    gboolean dicom;
    SlideLevel *levels;
    int *openslide_level;            /* of each level: OpenSlide's number */
    int *directory;                  /* of each level: the TIFF's, or -1 */
    double *openslide_downsample;    /* of each level: what its coordinates are scaled by, true or not */
    gboolean *raw_ycbcr;             /* of each level: OpenSlide shows YCbCr samples as if they were RGB */
    int *block_width, *block_height; /* of each level: what is lost when a part cannot be read */
    JpegTiff *fast;                  /* NULL = OpenSlide reads */
    GPtrArray *notes;                /* char* */
    TileColour *colour;              /* NULL = tiles stay as they are */

    GMutex lock; /* guards what follows */
    SlideHandle *current;
    GHashTable *bad_blocks; /* BlockKey */
    GPtrArray *bad_areas;   /* BadArea* */

    GMutex
        salvage_lock; /* held while areas with unreadable parts are read piece by piece; taken before `lock` */
    openslide_t *salvage;
};

/* Opens the file by OpenSlide.  FALSE with an error that names it; TRUE with NULL in *handle when OpenSlide knows no such format. */
gboolean slide_openslide(const char *path, openslide_t **handle, GError **error);
/* After a failure of OpenSlide: TRUE with WSI_ERROR_IO or WSI_ERROR_MEMORY when errno, or its message (may be NULL), says that the
 * system failed and not the file. */
gboolean slide_system_failed(const char *path, const char *message, int number, GError **error);
/* Adds to slide_info()->notes. */
void slide_note(Slide *slide, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Memory for so many levels. */
void slide_set_level_count(Slide *slide, int count);
/* The geometry of a level of that size; given: OpenSlide's downsample, or 0. */
SlideLevel slide_level_geometry(int64_t width0, int64_t height0, int64_t width, int64_t height, double given);

/* ---- slide_tiff.c: what the pages (TiffPage) of a TIFF say ---- */

/* Whether the slide's levels are to be taken from the pages, since OpenSlide does not know the file (handle NULL) or does not take its
 * largest page for level 0. */
gboolean slide_tiff_is_own(const GArray *pages, openslide_t *handle);
/* The directory that OpenSlide's level number `level` is stored in; -1 when that is not known. */
int slide_tiff_directory(const Slide *slide, const GArray *pages, openslide_t *handle, int level);
/* Whether OpenSlide's level number `level` is none: a label, of another aspect ratio, or as large as an earlier one.  Notes why. */
gboolean slide_tiff_leaves_out(Slide *slide, const GArray *pages, openslide_t *handle, int level);
/* Opens the fast path where it serves, and finds out what holds of the levels. */
gboolean slide_tiff_open(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error);
/* The same for a slide that OpenSlide does not read: its levels are the pages'. */
gboolean slide_tiff_open_own(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error);
/* The list of what could not be read. */
void slide_bad_init(Slide *slide);
void slide_bad_clear(Slide *slide);
/* Notes an area that could not be read, once.  FALSE when there are too many. Thread-safe. */
gboolean slide_note_bad(Slide *slide, int level, int64_t column, int64_t row, const char *reason,
                        GError **error);

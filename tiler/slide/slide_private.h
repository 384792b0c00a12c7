/* What the files of the slide reader share.  For tiler/slide/slide*.c only. */
#pragma once
#include "tiler/slide/jpegtiff.h"
#include "tiler/slide/slide.h"
#include <openslide.h>

/* An OpenSlide handle that several threads read from.  It is replaced after an error, and closed when its last reader releases it. */
typedef struct {
    openslide_t *openslide;
    int readers; /* plus one while the handle is the current one; guarded by Slide.lock */
} SlideHandle;

struct Slide {
    SlideInfo info;
    char *path, *vendor;
    char *source; /* the file that is opened: path, or the lead file of a DICOM slide */
    gboolean dicom;

    /* Arrays with one entry per level. */
    SlideLevel *levels;
    int *openslide_level; /* OpenSlide's number of the level */
    int *directory;       /* of the TIFF, or -1 */
    double *
        openslide_downsample; /* what OpenSlide scales the level's coordinates by, whether it is right or not */
    gboolean *raw_ycbcr;      /* OpenSlide shows YCbCr samples as if they were RGB */
    int *block_width, *block_height; /* px that are lost together when a part cannot be read */

    JpegTiff *fast;     /* NULL = OpenSlide reads */
    GPtrArray *notes;   /* char* */
    TileColour *colour; /* NULL = tiles keep their colours */

    GMutex lock; /* guards the next three */
    SlideHandle *current;
    GHashTable *bad_blocks; /* set of BlockKey */
    GPtrArray *bad_areas;   /* BadArea* */

    GMutex
        salvage_lock; /* held while an area with unreadable parts is read block by block; taken before `lock` */
    openslide_t *salvage;
};

/* ---- slide_openslide.c: OpenSlide itself ---- */

/* Silences the messages of OpenSlide and libtiff; once per process. */
void slide_openslide_silence(void);
/* Opens the file.  TRUE with NULL in *handle when OpenSlide does not know the format; FALSE with an error that names the file. */
gboolean slide_openslide_open(const char *path, openslide_t **handle, GError **error);
/* After a failure: TRUE with WSI_ERROR_IO or WSI_ERROR_MEMORY when errno (`number`) or OpenSlide's message (may be NULL) says that the
 * system failed, not the file. */
gboolean slide_openslide_failed(const char *path, const char *message, int number, GError **error);
/* A property that is a finite number; else 0.  handle may be NULL. */
double slide_openslide_number(openslide_t *handle, const char *name);
/* The same; NAN when the file does not have the property. */
double slide_openslide_known(openslide_t *handle, const char *name);

/* ---- slide_level.c: geometry of levels ---- */

/* Allocates the arrays for `count` levels. */
void slide_level_reserve(Slide *slide, int count);
/* The geometry of a level of width x height px; given: OpenSlide's downsample, or 0. */
SlideLevel slide_level_geometry(int64_t width0, int64_t height0, int64_t width, int64_t height, double given);
/* Adds to slide_info()->notes. */
void slide_level_note(Slide *slide, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- slide_mpp.c, slide_fingerprint.c ---- */

/* Sets the resolution and the objective.  page: the page of level 0 when OpenSlide does not read the slide; else NULL. */
gboolean slide_mpp_set(Slide *slide, openslide_t *handle, const TiffPage *page, const SlideOptions *options,
                       GError **error);
/* Sets the fingerprint; the levels are known. */
gboolean slide_fingerprint_set(Slide *slide, GError **error);

/* ---- slide_tiff.c: what the pages of a TIFF (array of TiffPage) say ---- */

/* Whether the levels come from the pages: OpenSlide does not know the file (handle NULL), or its level 0 is not the largest page. */
gboolean slide_tiff_is_own(const GArray *pages, openslide_t *handle);
/* The directory that holds OpenSlide's level number `level`; -1 when that is not known. */
int slide_tiff_directory(const Slide *slide, const GArray *pages, openslide_t *handle, int level);
/* Whether OpenSlide's level number `level` is not a level of the slide: a label, a page of another aspect ratio, or a page as large as
 * an earlier level.  Adds a note with the reason. */
gboolean slide_tiff_leaves_out(Slide *slide, const GArray *pages, openslide_t *handle, int level);
/* Checks the levels that OpenSlide named against the pages, and opens the fast path where it can read them. */
gboolean slide_tiff_open(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error);
/* Makes the levels from the pages, for a slide that OpenSlide does not read. */
gboolean slide_tiff_open_own(Slide *slide, const GArray *pages, const SlideOptions *options, GError **error);

/* ---- slide_bad.c: blocks that cannot be read; slide_bad_areas() of slide.h is there too ---- */

void slide_bad_init(Slide *slide);
void slide_bad_clear(Slide *slide);
/* Whether block (column, row) of the level is known to be unreadable.  Thread-safe. */
gboolean slide_bad_block(Slide *slide, int level, int64_t column, int64_t row);
/* Records the block as unreadable; a second record of the same block changes nothing.  FALSE when there are too many.  Thread-safe. */
gboolean slide_bad_note(Slide *slide, int level, int64_t column, int64_t row, const char *reason,
                        GError **error);

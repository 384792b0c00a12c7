/* A whole-slide image: geometry, resolution, and reads that say what could not be read.
 *
 * Opens by OpenSlide after a geometry check of our own (tiffcheck.h); plain tiled JPEG TIFF/SVS, and tiled TIFF that OpenSlide
 * does not read (classic big-endian; largest page not first), is decoded by libtiff + libjpeg-turbo directly.  OpenSlide's error is sticky for a handle: the handle is re-opened after a bad
 * area, the area is counted and reported as "no data", and the reading goes on.
 * Threading: reads on one Slide may run at the same time; open, free and the accessors of bad areas may not. */
#pragma once
#include "tiler/colour/tile_colour.h"
#include "base/image.h"
#include "tiler/raster/mosaic.h"

typedef enum {
    MPP_NONE,      /* unknown, or beyond 0.005 to 40 um/px (no scanner's): no exact resolution can be cut */
    MPP_FILE,      /* openslide.mpp-x, -y */
    MPP_TIFF_TAGS, /* X/YResolution and ResolutionUnit of the first directory of a generic TIFF */
    MPP_OVERRIDE,  /* given by the user */
    MPP_OBJECTIVE  /* 10 / nominal magnification; only when the user asked for it */
} MppSource;

typedef struct {
    int64_t width, height; /* px */
    /* Level-0 px per px of this level: the vendor's value; else the whole number that made the level, when its size
     * tells (250 / 4 = 62 or 63); else the ratio of sizes. */
    double downsample_x, downsample_y;
    gboolean scaled;              /* not in the file: decoded from a stored level at part of its size */
    int64_t tiles, missing_tiles; /* stored in a TIFF, and those that have no bytes: no data; 0 = unknown */
} SlideLevel;

typedef struct {
    double mpp_x, mpp_y;    /* override in um/px; an axis that is 0 is the file's, or like the other one */
    gboolean use_objective; /* allow MPP_OBJECTIVE when nothing else is known */
    gboolean no_fast_path;  /* always OpenSlide */
    size_t
        cache_bytes; /* decoded-tile cache shared by all threads; 0 = 64 to 160 MiB, by the slide's width */
    /* With the fast path: fill gaps between stored levels by those of 1/2, 1/4 and 1/8 that JPEG's DCT gives for less
     * work than pixels take.  They come after the stored ones, which keep their numbers. */
    gboolean dct_levels;
} SlideOptions;

typedef struct {
    const char *path, *vendor;
    gboolean fast_path; /* libtiff + libjpeg-turbo */
    double mpp_x, mpp_y;
    MppSource mpp_source;
    double objective; /* nominal magnification, 0 = unknown */
    /* Hamamatsu: middle of the scan from the middle of the glass, nm; NAN = the file does not say. */
    double offset_x_nm, offset_y_nm;
    Rect bounds; /* of the scanned area, level-0 px; the whole slide when the file names none */
    int level_count;
    const SlideLevel *levels;
    /* What a person should know of how the file was taken, char*: pages that are no levels, colours that the streams prove... */
    const GPtrArray *notes;
    char fingerprint[65]; /* SHA-256 of file size, geometry and the first and last 1 MiB: identity, cheap */
} SlideInfo;

/* Area that could not be read; level px of `level`. */
typedef struct {
    int level;
    int64_t x, y, width, height;
    char *reason;
} BadArea;

typedef struct Slide Slide;

/* options may be NULL.  A file that is no slide, is truncated, has impossible geometry, or is turned or mirrored by its orientation tag:
 * NULL, WSI_ERROR_INPUT that says what it is.  A DICOM slide is its folder or any of its files, for OpenSlide 4.  When the system fails (I/O, descriptors): WSI_ERROR_IO, or WSI_ERROR_MEMORY. */
Slide *slide_open(const char *path, const SlideOptions *options, GError **error);
void slide_free(Slide *slide);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Slide, slide_free)
/* Borrowed from the slide. */
const SlideInfo *slide_info(const Slide *slide);
const char *mpp_source_name(MppSource source);

/* The level to cut `scale` level-0 px per output px from: the coarsest whose downsample is <= scale (1 + 1e-3). */
int slide_best_level(const Slide *slide, double scale);

/* Reads the rectangle [x, x+rgb->width) x [y, y+rgb->height) of level px into rgb (3 channels, caller's).
 * valid (1 channel, same size, may be NULL) gets 255 where the slide has data, 0 outside of the slide, in unscanned
 * (transparent) areas and where reading failed; rgb is 255 there.  Unreadable areas are no error: they are
 * added to slide_bad_areas.  FALSE when nothing sensible can be done: the system failed (WSI_ERROR_IO, WSI_ERROR_MEMORY; nothing is remembered,
 * it may be tried again), or too many areas are bad. */
gboolean slide_read(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
                    GError **error);

/* The same rectangle where its pixels lie already, for reading without copying; FALSE, without error, where slide_read() has to be asked.
 * All of such a rectangle has data.  One view a thread at a time, of any slide, until slide_release(). */
gboolean slide_view(Slide *slide, int level, int64_t x, int64_t y, int width, int height, MosaicView *view);
void slide_release(Slide *slide, MosaicView *view);

/* What cut_tile (cut.h) does to the colours of tiles; takes it over.  Before any tile is cut, as it is not guarded. */
void slide_set_colour(Slide *slide, TileColour *colour);
/* NULL = nothing is done. */
const TileColour *slide_colour(const Slide *slide);

/* Borrowed array of BadArea*; grows with reads. */
const GPtrArray *slide_bad_areas(const Slide *slide);

/* Names and versions of the libraries of this room, "OpenSlide 3.4.1, libtiff 4.5.0, ...". Caller frees. */
char *tiler_versions(void);

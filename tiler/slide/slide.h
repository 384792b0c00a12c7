/* A whole-slide image: its geometry, its resolution, and reads that report what could not be read.
 *
 * tiffcheck.h checks the geometry first.  OpenSlide then opens the file.  Tiled JPEG TIFF and SVS files, and tiled TIFF files that OpenSlide
 * does not read (classic big-endian; largest page not first), are decoded by libtiff and libjpeg-turbo instead: the fast path.  An OpenSlide
 * handle that met an error answers every later call with that error.  So the handle is re-opened after a bad area, the area counts as
 * "no data", and reading goes on.
 * Threading: several threads may read from one Slide at a time.  Opening, freeing and slide_bad_areas() need it alone. */
#pragma once
#include "tiler/colour/tile_colour.h"
#include "base/image.h"
#include "tiler/raster/mosaic.h"

typedef enum {
    MPP_NONE, /* unknown, or outside 0.005 to 40 um/px (no scanner's): tiles at an exact resolution cannot be cut */
    MPP_FILE,      /* openslide.mpp-x, -y */
    MPP_TIFF_TAGS, /* X/YResolution and ResolutionUnit of the first directory of a generic TIFF */
    MPP_OVERRIDE,  /* given by the user */
    MPP_OBJECTIVE  /* 10 / nominal magnification; only when the user asked for it */
} MppSource;

typedef struct {
    int64_t width, height; /* px */
    /* Level-0 px per px of this level: the vendor's value; else the whole number that made the level, when its size
     * shows it (250 / 4 = 62 or 63); else the ratio of sizes. */
    double downsample_x, downsample_y;
    gboolean scaled; /* not in the file: decoded from a stored level at a fraction of its size */
    int64_t tiles,
        missing_tiles; /* in the TIFF directory, and those of them without bytes (no data); 0 = unknown */
} SlideLevel;

typedef struct {
    double mpp_x, mpp_y;    /* override, um/px; an axis that is 0 is the file's, or equal to the other one */
    gboolean use_objective; /* allow MPP_OBJECTIVE when nothing else is known */
    gboolean no_fast_path;  /* always read by OpenSlide */
    size_t cache_bytes; /* of decoded tiles, shared by all threads; 0 = 64 to 160 MiB, by the slide's width */
    /* Only on the fast path: fill gaps between stored levels with levels of 1/2, 1/4 and 1/8 that JPEG's DCT decodes directly.  They
     * come after the stored levels, which keep their numbers. */
    gboolean dct_levels;
} SlideOptions;

typedef struct {
    const char *path, *vendor;
    gboolean fast_path; /* libtiff and libjpeg-turbo read */
    double mpp_x, mpp_y;
    MppSource mpp_source;
    double objective; /* nominal magnification, 0 = unknown */
    /* Hamamatsu: centre of the scan relative to the centre of the glass, nm; NAN = the file does not say. */
    double offset_x_nm, offset_y_nm;
    Rect bounds; /* of the scanned area, level-0 px; the whole slide when the file does not say */
    int level_count;
    const SlideLevel *levels;
    /* What a person should know about how the file was read, char*: pages that are not levels, colours that the streams prove. */
    const GPtrArray *notes;
    char fingerprint[65]; /* SHA-256 of file size, geometry, and the first and last 1 MiB: a cheap identity */
} SlideInfo;

/* An area that could not be read, in px of `level`. */
typedef struct {
    int level;
    int64_t x, y, width, height;
    char *reason;
} BadArea;

typedef struct Slide Slide;

/* options may be NULL.  NULL with WSI_ERROR_INPUT that says what the file is, when it is not a slide, is truncated, has impossible geometry,
 * or is turned or mirrored by its orientation tag.  NULL with WSI_ERROR_IO or WSI_ERROR_MEMORY when the system failed. */
Slide *slide_open(const char *path, const SlideOptions *options, GError **error);
void slide_free(Slide *slide);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Slide, slide_free)
/* Borrowed from the slide. */
const SlideInfo *slide_info(const Slide *slide);
const char *slide_mpp_source_name(MppSource source);

/* The level to cut from at `scale` level-0 px per output px: the coarsest whose downsample is <= scale (1 + 1e-3). */
int slide_best_level(const Slide *slide, double scale);

/* Reads the rectangle [x, x + rgb->width) x [y, y + rgb->height) of level px into rgb (H, W, 3; caller's).
 * readable (H, W, 1; may be NULL) gets 255 where the slide has data, and 0 outside of the slide, in unscanned
 * (transparent) areas and where reading failed; rgb is 255 there.  Unreadable areas are not an error: they are
 * added to slide_bad_areas().  FALSE when the system failed (WSI_ERROR_IO, WSI_ERROR_MEMORY; nothing is remembered, the caller
 * may try again), or when there are too many bad areas (WSI_ERROR_INPUT). */
gboolean slide_read(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *readable,
                    GError **error);

/* Borrows the pixels of the same rectangle from the cache, without a copy.  TRUE: all of it has data.  FALSE, without error: use
 * slide_read().  A thread holds one view at a time, of any slide, until slide_release(). */
gboolean slide_view(Slide *slide, int level, int64_t x, int64_t y, int width, int height, MosaicView *view);
void slide_release(Slide *slide, MosaicView *view);

/* Sets what cut_tile() (cut.h) does to the colours of tiles, and takes ownership.  Not guarded: call it before the first tile is cut. */
void slide_set_colour(Slide *slide, TileColour *colour);
/* NULL = tiles keep their colours.  Borrowed. */
const TileColour *slide_colour(const Slide *slide);

/* Array of BadArea*, borrowed; grows with reads. */
const GPtrArray *slide_bad_areas(const Slide *slide);

/* The pages of a TIFF, and which of them are levels of one image.
 *
 * A page is a level when it is tiled, flagged as reduced (or the largest), not flagged or named as a label or a macro, of the largest page's
 * orientation, and when one factor makes its width and its height from the largest page's.  The rest is never read. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    int directory;
    int64_t width, height;       /* px */
    int tile_width, tile_height; /* px; 0 = stored in strips */
    int64_t tiles, missing;      /* missing: of zero bytes, never stored */
    uint32_t kind;               /* NewSubfileType */
    uint16_t compression, photometric, orientation, bits, samples, planar;
    gboolean aside;      /* by its flags, or by its name if it is not the largest, a label, macro or mask */
    double mpp_x, mpp_y; /* um/px by the resolution tags; 0 = they say nothing */
    gboolean aperio;     /* its description is Aperio's, which says: */
    double aperio_mpp, aperio_power; /* um/px and nominal magnification; 0 = nothing */
} TiffPage;

/* All pages: array of TiffPage, caller unrefs.  NULL with WSI_ERROR_IO, or WSI_ERROR_INPUT when libtiff reads none. Thread-safe. */
GArray *tiffpages_read(const char *path, GError **error);
/* The largest tiled page that is not aside; the first of several.  NULL when there is none.  Borrowed. */
const TiffPage *tiffpages_largest(const GArray *pages);
/* Tiled page number `number` (from 0) of that size, in the order of the file; NULL when there are fewer.  flagged: only the first directory
 * and those that are flagged as reduced.  Borrowed. */
const TiffPage *tiffpages_of_size(const GArray *pages, int64_t width, int64_t height, gboolean flagged,
                                  int number);
/* Whether one factor, the same for x and y, makes (width, height) of (width0, height0), to the rounding of sizes to whole px. */
gboolean tiffpages_one_factor(int64_t width0, int64_t height0, int64_t width, int64_t height);
/* What an orientation tag says, "turned by 90 degrees"; NULL where rows and columns are in order (0 = no tag, 1). */
const char *tiffpages_turned(uint16_t orientation);
/* "compression 7 of 3 samples of 8 bits", what a page is made of. Caller frees. */
char *tiffpages_describe(const TiffPage *page);

/* The pages of a TIFF, and which of them are levels of one image.
 *
 * A page is a level when
 *   - it is tiled;
 *   - it is the largest, or flagged as reduced;
 *   - it is neither flagged nor named as a label or macro;
 *   - it has the orientation of the largest page;
 *   - one factor makes its width and its height from those of the largest page.
 * All other pages are never read. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
    int directory;
    int64_t width, height;       /* px */
    int tile_width, tile_height; /* px; 0 = stored in strips */
    int64_t tiles, missing;      /* missing: tiles of zero bytes, which were never stored */
    uint32_t kind;               /* NewSubfileType */
    uint16_t compression, photometric, orientation, bits, samples, planar;
    gboolean aside; /* a label, macro or mask: by its flags, or by its name when it is not the largest page */
    double mpp_x, mpp_y;             /* um/px from the resolution tags; 0 = none */
    gboolean aperio;                 /* the description is Aperio's, and gives the next two */
    double aperio_mpp, aperio_power; /* um/px and nominal magnification; 0 = not given */
} TiffPage;

/* All pages: array of TiffPage, caller unrefs.  NULL with WSI_ERROR_IO, or with WSI_ERROR_INPUT when libtiff reads none.  Thread-safe. */
GArray *tiffpages_read(const char *path, GError **error);
/* The largest tiled page that is not aside; the first of equals.  NULL when there is none.  Borrowed. */
const TiffPage *tiffpages_largest(const GArray *pages);
/* Tiled page number `number` (from 0) of that size, in the order of the file; NULL when there are fewer.  flagged: only the first directory
 * and directories flagged as reduced count.  Borrowed. */
const TiffPage *tiffpages_of_size(const GArray *pages, int64_t width, int64_t height, gboolean flagged,
                                  int number);
/* Whether one factor for x and y makes (width, height) from (width0, height0), allowing for sizes rounded to whole px. */
gboolean tiffpages_one_factor(int64_t width0, int64_t height0, int64_t width, int64_t height);
/* What an orientation tag means, such as "turned by 90 degrees"; NULL when rows and columns are in order (0 = no tag, 1). */
const char *tiffpages_turned(uint16_t orientation);
/* The encoding of a page, "compression 7 of 3 samples of 8 bits".  Caller frees. */
char *tiffpages_describe(const TiffPage *page);

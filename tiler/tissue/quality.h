/* What is wrong with a tile: blur, pen, folds and dark areas, glass, clipped colours.
 *
 * Five measures and a flag for each.  The bounds were set on real H&E tiles of five sources (0.24 to 1 um/px; test_quality.c
 * tells what they hit and miss) and are the same for all slides:
 *   blur       sharpness < 0.12.  Sharpness is the energy of the Laplacian at the tile's resolution, divided by that at half of it.
 *              Contrast, stain and the fraction of tissue cancel out.  Sharp tiles had 0.164 and more, the same after a Gaussian blur of
 *              2 px at most 0.098.  It is relative to the tile's pixels: a tile at 0.25 um/px can be blurred that is sharp at 1.
 *              Noise of the camera hides blur.
 *   pen        at least 2 % of the pixels are of a marker, by colour and where that is near a stain by flatness (pixel_class.h)
 *   dark       at least 25 % of the squares of 16 um have a mean below 90 in all channels: folds, thick pigment, shadows
 *   blank      less than 5 % of the pixels are tissue (pixel_class.h)
 *   saturation at least 10 % of the tissue's pixels (those below 200 in a channel: around tissue is glass) are 0 or 255 in a channel:
 *              colours that the scanner cut off */
#pragma once
#include "tiler/tissue/pixel_class.h"

typedef enum {
    QUALITY_BLUR = 1,
    QUALITY_PEN = 2,
    QUALITY_DARK = 4,
    QUALITY_BLANK = 8,
    QUALITY_SATURATION = 16
} QualityFlag;

typedef struct {
    double sharpness; /* NAN when nothing can be said: no detail at all, or blank */
    double pen_fraction, dark_fraction, blank_fraction, saturated_fraction; /* 0..1 of what has data */
    unsigned flags;                                                         /* QualityFlag */
} Quality;

/* Measures a tile of known resolution (um/px); valid (1 channel, may be NULL): 0 = no data, such pixels count nowhere.  glass: the
 * slide's, in the colours of the tile; NULL: as the tile shows it, which in a tile of nothing but pale stain is wrong.  A tile without
 * any data is blank.  Thread-safe. */
gboolean quality_measure(const Image *rgb, const Image *readable, double mpp, const GlassColour *glass,
                         Quality *out, GError **error);
/* "blur pen", the names of the flags in the order above, "" for none. Caller frees. */
char *quality_flags_text(unsigned flags);
/* The same read back, separated by spaces; FALSE with WSI_ERROR_INPUT that names what is no flag and the flags there are. */
gboolean quality_flags_parse(const char *text, unsigned *flags, GError **error);

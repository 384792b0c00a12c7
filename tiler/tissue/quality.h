/* What is wrong with a tile: blur, pen, folds and dark areas, glass, clipped colours.
 *
 * Five measures, each with a flag.  The bounds were set on real H&E tiles of five sources (0.24 to 1 um/px; test_quality.c
 * shows what they find and miss) and are the same for all slides:
 *   blur       sharpness < 0.12.  Sharpness is the energy of the Laplacian at the tile's resolution divided by that at half the resolution.
 *              Contrast, stain and the fraction of tissue cancel out.  Sharp tiles had at least 0.164; after a Gaussian blur of
 *              2 px the same tiles had at most 0.098.  It is relative to the tile's pixels: a tile that is sharp at 1 um/px can be blurred at
 *              0.25.  Noise of the camera hides blur.
 *   pen        at least 2 % of the pixels show a marker, by colour, or by flatness where the colour is near a stain (pixel_class.h)
 *   dark       at least 25 % of the squares of 16 um have a mean below 90 in all channels: folds, thick pigment, shadows
 *   blank      less than 5 % of the pixels are tissue (pixel_class.h)
 *   saturation at least 10 % of the tissue pixels (those below 200 in some channel; brighter ones are glass around tissue) are 0 or 255 in a
 *              channel: colours that the scanner clipped */
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
    double sharpness; /* NAN when it is not defined: the tile has no detail, or is blank */
    double pen_fraction, dark_fraction, blank_fraction, saturated_fraction; /* 0..1 of the pixels with data */
    unsigned flags;                                                         /* QualityFlag */
} Quality;

/* Measures a tile (H, W, 3) of known resolution (um/px).  readable (H, W, 1; may be NULL): pixels of 0 have no data and do not count.
 * glass: that of the slide, in the colours of the tile; NULL: the one that the tile shows, which is wrong for a tile of only pale stain.  A
 * tile without data is blank.  Thread-safe. */
gboolean quality_measure(const Image *rgb, const Image *readable, double mpp, const GlassColour *glass,
                         Quality *out, GError **error);
/* "blur pen", the names of the flags in the order above, "" for none. Caller frees. */
char *quality_flags_text(unsigned flags);
/* Parses such a text.  FALSE with WSI_ERROR_INPUT that names the unknown word and all flags. */
gboolean quality_flags_parse(const char *text, unsigned *flags, GError **error);

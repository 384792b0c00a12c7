/* What the colour of a pixel says: stain, pen, or neither. */
#pragma once
#include "base/image.h"
#include "tiler/tissue/glass.h"

enum {
    PIXEL_READABLE = 1,    /* has data and is not black */
    PIXEL_TISSUE = 2,      /* coloured like something stained, however pale */
    PIXEL_SURE_TISSUE = 4, /* coloured more than any background; only in a mask */
    PIXEL_PEN = 8,         /* the colour of a marker */
    PIXEL_PEN_RIM = 16,    /* may be the thin rim of a pen stroke; only in a mask */
    PIXEL_PEN_MAYBE = 128  /* an ink near a stain, which flatink.h decides; never in a result */
};

/* The flags of each pixel (H, W, 1).  readable may be NULL; mpp in um/px.  mask: also find the flags that only a tissue mask needs.
 * known: the glass of the slide that the image is a part of; NULL: the image shows its own glass, which goes to *found (may be
 * NULL).  Caller frees.  Thread-safe.  For this room only. */
Image *pixel_class_image(const Image *rgb, const Image *readable, double mpp, gboolean mask,
                         const GlassColour *known, GlassColour *found, GError **error);

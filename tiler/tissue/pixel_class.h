/* What the colour of a pixel says: stain, pen, or neither. */
#pragma once
#include "tiler/tissue/pixel_flags.h"
#include "base/image.h"
#include "tiler/tissue/glass.h"

/* The flags of each pixel (H, W, 1).  readable may be NULL; mpp in um/px.  mask: also find the flags that only a tissue mask needs.
 * known: the glass of the slide that the image is a part of; NULL: the image shows its own glass, which goes to *found (may be
 * NULL).  Caller frees.  Thread-safe.  For this room only. */
Image *pixel_class_image(const Image *rgb, const Image *readable, double mpp, gboolean mask,
                         const GlassColour *known, GlassColour *found, GError **error);

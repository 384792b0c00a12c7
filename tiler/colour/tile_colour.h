/* What happens to the colours of a slide's tiles after they are cut: the ICC profile of the file, then stain normalisation. */
#pragma once
#include "tiler/colour/stain_normalise.h"

typedef struct TileColour TileColour;

/* profile: the slide's ICC profile (slide_icc.h), which is converted to sRGB by its own rendering intent; bytes 0 = none.  path is for
 * messages.  NULL with WSI_ERROR_INPUT when the profile is damaged or not of RGB. */
TileColour *tile_colour_new(const char *path, const void *profile, gsize bytes, GError **error);
void tile_colour_free(TileColour *colour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TileColour, tile_colour_free)
/* Adds normalisation from the slide's fit to the target's. */
void tile_colour_set_stain(TileColour *colour, const StainFit *source, const StainFit *target);
/* Everything that decides the result, as text; "" when nothing changes.  Borrowed. */
const char *tile_colour_identity(const TileColour *colour);

/* Changes the image (H, W, 3) in place.  Pixels of (255, 255, 255) stay: no data has this colour.  Thread-safe. */
void tile_colour_apply(const TileColour *colour, Image *rgb);

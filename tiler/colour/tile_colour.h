/* What is done to the colours of a slide's tiles after they are cut: the file's ICC profile, then stain normalisation. */
#pragma once
#include "tiler/colour/stain_normalise.h"

typedef struct TileColour TileColour;
/* icc: change from the profile in the slide's file (TIFF tag 34675) to sRGB, by its own rendering intent; a file without a
 * profile stays as it is.  Errors: WSI_ERROR_INPUT for a profile that is damaged or not of RGB. */
TileColour *tile_colour_new(const char *path, gboolean icc, GError **error);
void tile_colour_free(TileColour *colour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TileColour, tile_colour_free)
/* Also normalises from the slide's fit to the target's. */
void tile_colour_set_stain(TileColour *colour, const StainFit *source, const StainFit *target);
/* Whether a profile was found. */
gboolean tile_colour_has_profile(const TileColour *colour);
/* Everything that decides what it does, as text; "" when it does nothing. */
const char *tile_colour_identity(const TileColour *colour);

/* In place; pixels of (255, 255, 255) stay: no data looks so. Thread-safe. */
void tile_colour_apply(const TileColour *colour, Image *rgb);

/* What is done to the colours of a slide's tiles after they are cut: the file's ICC profile, then stain normalisation. */
#pragma once
#include "tiler/cut/stain_normalise.h"

typedef struct Colour Colour;
/* icc: change from the profile in the slide's file (TIFF tag 34675) to sRGB, by its own rendering intent; a file without a
 * profile stays as it is.  Errors: WSI_ERROR_INPUT for a profile that is damaged or not of RGB. */
Colour *colour_new(const char *path, gboolean icc, GError **error);
void colour_free(Colour *colour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Colour, colour_free)
/* Also normalises from the slide's fit to the target's. */
void colour_set_stain(Colour *colour, const StainFit *source, const StainFit *target);
/* Whether a profile was found. */
gboolean colour_has_profile(const Colour *colour);
/* Everything that decides what it does, as text; "" when it does nothing. */
const char *colour_identity(const Colour *colour);

/* In place; pixels of (255, 255, 255) stay: no data looks so. Thread-safe. */
void colour_apply(const Colour *colour, Image *rgb);

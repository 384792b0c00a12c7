/* Colours of slides by a recipe: ICC profile and stain. */
#pragma once
#include "pipeline/slide/recipe.h"
#include "tiler/cut/tile_colour.h"
#include "tiler/slide/slide.h"

/* Whether tiles.stain asks for a fit of each slide. */
gboolean slide_colour_wants_fit(const Config *config);
/* The stain of a slide, from some 48 tiles that lie evenly on its tissue (a mask over the whole slide).  Deterministic.  The slide must
 * have no stain normalisation yet. */
gboolean slide_colour_fit(const Recipe *recipe, Slide *slide, const Image *tissue, StainFit *fit,
                          GError **error);
/* From now on tiles of the slide are cut in the colours that the recipe asks for; to be called before any is cut.  fit: the
 * slide's own, or NULL: no stain normalisation. */
gboolean slide_colour_set(const Recipe *recipe, Slide *slide, const StainFit *fit, GError **error);
/* The same by the configuration, with the fit in a file (NULL: none). */
gboolean slide_colour_open(const Config *config, Slide *slide, const char *fit_path, GError **error);
/* The fit in a file that the stage `stain` wrote. */
gboolean slide_colour_read(const char *path, StainFit *fit, GError **error);

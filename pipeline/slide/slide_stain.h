/* The stain of a slide: what tiles.stain asks for, the fit to a slide, and the file that holds it. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/colour/stain_normalise.h"
#include "tiler/cut/cut.h"
#include "tiler/slide/slide.h"

/* Whether tiles.stain asks for a fit of each slide. */
gboolean slide_stain_wanted(const Config *config);
/* Fits the stain of a slide to at most 48 tiles (cut: their size and um/px), evenly spaced over its tissue.  tissue: mask over the whole
 * slide.  The slide must have no stain normalisation yet.  The same slide gives the same fit. */
gboolean slide_stain_fit(const CutSpec *cut, StainMethod method, Slide *slide, const Image *tissue,
                         StainFit *fit, GError **error);
/* Reads the fit from a file that the stage `stain` wrote. */
gboolean slide_stain_read(const char *path, StainFit *fit, GError **error);

/* Colours of slides by the configuration: tiles.icc, tiles.stain, tiles.stain_target. */
#pragma once
#include "pipeline/config.h"
#include "tiler/colour.h"
#include "tiler/slide.h"

/* Whether the target of tiles.stain can be read and serves the method, before any slide is touched. */
gboolean colouring_check(const Config *config, GError **error);
/* Whether tiles.stain asks for a fit of each slide. */
gboolean colouring_wants_fit(const Config *config);
/* The stain of a slide, from some 48 tiles that lie evenly on its tissue (a mask over the whole slide).  Deterministic. */
gboolean colouring_fit(const Config *config, Slide *slide, const Image *tissue, StainFit *fit,
                       GError **error);
/* From now on tiles of the slide are cut in the colours that the configuration asks for; to be called before any is cut.  fit: the
 * slide's own, or NULL: no stain normalisation. */
gboolean colouring_set(const Config *config, Slide *slide, const StainFit *fit, GError **error);
/* The fit in a file that the stage `stain` wrote. */
gboolean colouring_read(const char *path, StainFit *fit, GError **error);

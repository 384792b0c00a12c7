/* The grid of tiles on a slide, by the configuration, and which slides can have one. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/cut/grid.h"
#include "tiler/slide/slide.h"

/* The grid of the patch set, by section tiles. */
void slide_grid_spec(const Config *config, GridSpec *spec);
/* The grid of a slide for a specification and a tissue mask over the whole slide.  Caller frees. */
Grid *slide_grid_new(const Slide *slide, const GridSpec *spec, const Image *tissue, GError **error);
/* FALSE with WSI_ERROR_INPUT when tiles of `mpp` um/px would be finer than the slide's level 0 by more than tiles.max_upsampling. */
gboolean slide_grid_check_upsampling(const Config *config, const Slide *slide, double mpp, GError **error);
/* FALSE with WSI_ERROR_INPUT when the slide has no resolution: it cannot be cut.  The message says how to give it one. */
gboolean slide_grid_check_mpp(const Slide *slide, GError **error);
/* The level of the slide that the tiles of the patch set are cut from. */
int slide_grid_level(const Config *config, const Slide *slide);

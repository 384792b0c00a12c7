/* The tissue mask of a slide, as the stage `tissue` finds and later stages read it. */
#pragma once
#include "annotations/raster/raster.h"
#include "base/image.h"
#include "pipeline/config/config.h"
#include "tiler/tissue/tissue.h"

/* How tissue is found, by section tissue. */
TissueOptions tissue_mask_options(const Config *config);
/* Reads a mask, a grey PNG, as an image of one channel.  Caller frees. */
Image *tissue_mask_read(const char *path, GError **error);
/* Makes the inside of a raster the tissue; with `within`, only where there was tissue before. */
gboolean tissue_mask_from_raster(Tissue *tissue, const Slide *slide, const Raster *raster, gboolean within,
                                 GError **error);

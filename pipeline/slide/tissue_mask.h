/* The tissue mask of a slide, as the stage `tissue` finds and later stages read it. */
#pragma once
#include "base/image.h"
#include "pipeline/config/config.h"
#include "tiler/tissue/tissue.h"

/* How tissue is found, by section tissue. */
TissueOptions tissue_mask_options(const Config *config);
/* Reads a mask, a grey PNG, as an image of one channel.  Caller frees. */
Image *tissue_mask_read(const char *path, GError **error);

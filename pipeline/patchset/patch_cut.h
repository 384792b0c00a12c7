/* Tiles of slides as patches: which tiles become patches, and their images. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "tiler/patches/patchset.h"
#include "tiler/slide/slide.h"
#include "tiler/tissue/quality.h"

/* The patch of tile `number` without what comes from its pixels: file, level, readable_fraction and hashes are not set.  NULL when the tile
 * is left out: it is ambiguous (tile_label.h), or it is a lesion of the train split and dataset.train_anomalies is off.  tiles: Tile;
 * fractions: LesionFraction, or NULL without lesions.  Caller frees. */
Patch *patch_of_tile(const Config *config, const SlideEntry *entry, const GArray *tiles,
                     const GArray *fractions, int number);
/* Patch.side on a slide of this resolution (um/px of level 0): the longer side of a tile, level-0 px; 0 when the resolution is unknown. */
double patch_side(const Config *config, double mpp_x, double mpp_y);

/* "png" or "jpg". */
const char *patch_extension(const Config *config);
/* JPEG quality, 1..100; 0 = PNG. */
int patch_jpeg_quality(const Config *config);
/* The colour of the glass that the stage tissue found (facts: path of its record), converted to the colours of the slide's tiles. */
gboolean patch_glass(const char *facts, const Slide *slide, GlassColour *glass, GError **error);
/* A hash of everything that decides the image and the flags of a tile, except its position: the slide's content and resolution, grid, cut,
 * glass and encoding. */
void patch_pixels_hash(const Config *config, const Slide *slide, const GlassColour *glass, char pixels[17]);
/* Cuts the tile at (x, y), level-0 px, into rgb (size x size x 3).  readable_fraction: how much of it could be read.  flags receives its
 * QualityFlags, measured against the slide's glass; NULL: they are not measured.  Many threads may cut from one slide. */
gboolean patch_cut(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                   Image *rgb, double *readable_fraction, unsigned *flags, GError **error);
/* The same, and appends the encoded image to `out`; rgb is working memory. */
gboolean patch_cut_encoded(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                           Image *rgb, GByteArray *out, double *readable_fraction, unsigned *flags,
                           GError **error);

/* Tiles of slides as patches: which are wanted, under which label, and their images. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "tiler/patches/patchset.h"
#include "tiler/slide/slide.h"
#include "tiler/tissue/quality.h"

/* The patch of a tile without its pixels (file, level, readable_fraction and hashes are missing), or NULL when the rules leave it out:
 * ambiguous ones, and lesions of training patients unless dataset.train_anomalies keeps them.  shares: LesionShare, or NULL. */
Patch *patch_of_tile(const Config *config, const SlideEntry *entry, const GArray *tiles,
                     const GArray *fractions, int number);
/* Patch.side on a slide of this resolution (um/px of level 0): the longer side; 0 when it is unknown. */
double patch_side(const Config *config, double mpp_x, double mpp_y);

/* "png" or "jpg"; 0 = lossless, else JPEG's quality. */
const char *patch_extension(const Config *config);
int patch_jpeg_quality(const Config *config);
/* The glass that stage tissue found on the slide (facts: its file), in the colours of the slide's tiles. */
gboolean patch_glass(const char *facts, const Slide *slide, GlassColour *glass, GError **error);
/* What decides the image of the tile at a place of the slide and its flags, as a hash: the slide's content and resolution, grid, cut,
 * glass and encoding. */
void patch_pixels_hash(const Config *config, const Slide *slide, const GlassColour *glass, char pixels[17]);
/* Cuts the tile at (x, y) into rgb (of the tile's size) and judges it by the slide's glass (flags: QualityFlag; NULL: only how much of it could be read).
 * Thread-safe on one slide. */
gboolean patch_cut(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                   Image *rgb, double *readable_fraction, unsigned *flags, GError **error);
/* Cuts, judges (flags: QualityFlag) and encodes the tile at (x, y); rgb is scratch of the tile's size. Appends to out. Thread-safe on one slide. */
gboolean patch_cut_encoded(const Config *config, Slide *slide, const GlassColour *glass, double x, double y,
                           Image *rgb, GByteArray *out, double *readable_fraction, unsigned *flags,
                           GError **error);

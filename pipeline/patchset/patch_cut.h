/* Tiles of slides as patches: which are wanted, under which label, and their pictures. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/tiles.h"
#include "tiler/patches/patchset.h"

/* The label of a tile of this slide: tiles_label, but what was not outlined on a slide that is not exhaustively annotated is
 * neither. */
TileLabel cutting_label(const Config *config, const SlideEntry *entry, double share, double centre_share);

/* The patch of a tile without its pixels (file, level, valid_share and hashes are missing), or NULL when the rules leave it out:
 * ambiguous ones, and lesions of training patients unless dataset.train_anomalies keeps them.  shares: LesionShare, or NULL. */
Patch *cutting_patch(const Config *config, const SlideEntry *entry, const GArray *tiles, const GArray *shares,
                     int number);
/* Patch.side on a slide of this resolution (um/px of level 0): the longer side; 0 when it is unknown. */
double cutting_side(const Config *config, double mpp_x, double mpp_y);

/* "png" or "jpg"; 0 = lossless, else JPEG's quality. */
const char *cutting_extension(const Config *config);
int cutting_quality(const Config *config);
/* The glass that stage tissue found on the slide (facts: its file), in the colours of the slide's tiles. */
gboolean cutting_glass(const char *facts, const Slide *slide, StainGlass *glass, GError **error);
/* What decides the picture of the tile at a place of the slide and its flags, as a hash: the slide's content and resolution, grid, cut,
 * glass and encoding. */
void cutting_pixels(const Config *config, const Slide *slide, const StainGlass *glass, char pixels[17]);
/* The level that tiles of this slide are cut from. */
int cutting_level(const Config *config, const Slide *slide);
/* Cuts the tile at (x, y) into rgb (of the tile's size) and judges it by the slide's glass (flags: QualityFlag; NULL: only how much of it could be read).
 * Thread-safe on one slide. */
gboolean cutting_judge(const Config *config, Slide *slide, const StainGlass *glass, double x, double y,
                       Image *rgb, double *valid_share, unsigned *flags, GError **error);
/* Cuts, judges (flags: QualityFlag) and encodes the tile at (x, y); rgb is scratch of the tile's size. Appends to out. Thread-safe on one slide. */
gboolean cutting_encode(const Config *config, Slide *slide, const StainGlass *glass, double x, double y,
                        Image *rgb, GByteArray *out, double *valid_share, unsigned *flags, GError **error);

/* Pictures of a slide for a viewer that zooms by factors of two.
 *
 * Zoom `most` is level 0, where most is the first at which the longer side has at most 256 * 2^most px; each zoom below has half the px of the next.
 * A tile is 256 x 256 px; tile (0, 0) begins at the corner of the uncropped slide. */
#pragma once
#include "tiler/slide/slide.h"

enum { VIEW_TILE = 256 };

int slide_tiles_zoom(int64_t width, int64_t height);
/* Level-0 px per px of the zoom. */
double slide_tiles_scale(int most, int zoom);
/* Whether the slide has this tile. */
gboolean slide_tiles_has(int64_t width, int64_t height, int64_t zoom, int64_t x, int64_t y);

/* The tile as JPEG.  Beyond the slide it is white; what cannot be read is hatched.  NULL with error. */
GBytes *slide_tiles_draw(Slide *slide, int zoom, int64_t x, int64_t y, GError **error);
/* The whole slide with its longer side of `side` px, hatched where it cannot be read.  Caller frees. */
Image *slide_tiles_thumbnail(Slide *slide, int side, GError **error);

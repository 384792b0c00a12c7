/* The map of a slide, blended from the maps of its tiles.
 *
 * The map covers all of level 0: width = ceil(slide width * mpp_x / cell_um).  Its resolution
 * is exactly slide width * mpp_x / map width (separately in x and y), so size x mpp of the map equals size x mpp of the
 * slide. */
#pragma once
#include "base/image.h"

typedef struct Blend Blend;

/* slide_*: level-0 px; mpp_*: um/px of level 0; cell_um: wanted size of a map pixel. */
Blend *blend_new(double slide_width, double slide_height, double mpp_x, double mpp_y, double cell_um,
                 GError **error);
/* The same with a map of this size. */
Blend *blend_new_sized(double slide_width, double slide_height, int width, int height, GError **error);
void blend_free(Blend *blend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Blend, blend_free)
/* Adds the map of a tile that covers `footprint` (level-0 px).  Overlapping tiles are averaged with a
 * raised-cosine weight that is > 0 inside the footprint.  readable (1 channel of any size, covers the footprint;
 * may be NULL): no data where it is 0.  Sums are double and depend on the order of the calls: add in tile
 * order. */
void blend_add(Blend *blend, const Rect *footprint, const Map *tile, const Image *readable);
/* The averaged map.  NaN where nothing was added, and where the tissue mask (covers the slide; may be NULL)
 * is 0.  Caller frees. */
Map *blend_finish(const Blend *blend, const Image *tissue, GError **error);

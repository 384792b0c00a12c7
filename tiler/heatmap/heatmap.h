/* From scores of tiles to a map of the slide, and from the map to images.
 *
 * The map covers the slide's whole level 0: width = ceil(slide width * mpp_x / cell_um) and its resolution
 * is exactly slide width * mpp_x / map width (x and y apart), so size x mpp of the map = size x mpp of the
 * slide. */
#pragma once
#include "base/image.h"

typedef struct Blend Blend;

/* slide_*: level-0 px and um/px; cell_um: wanted size of a map pixel. */
Blend *blend_new(double slide_width, double slide_height, double mpp_x, double mpp_y, double cell_um,
                 GError **error);
void blend_free(Blend *blend);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Blend, blend_free)
/* Adds a tile's map that covers `footprint` (level-0 px).  Overlapping tiles are averaged with a
 * raised-cosine weight that is > 0 inside the footprint.  valid (1 channel, any size, covers the footprint;
 * may be NULL): no data where 0. The sum is kept in double and depends on the order of calls: add in tile
 * order. */
void blend_add(Blend *blend, const Rect *footprint, const Map *tile, const Image *readable);
/* The averaged map; NaN where nothing was added, and where the tissue mask (covers the slide; may be NULL)
 * is 0. Caller frees. */
Map *blend_finish(const Blend *blend, const Image *tissue, GError **error);

/* Colours a map: values from low to high through the named map ("turbo", "viridis", "inferno"), NaN
 * transparent: where NaN the base shows unchanged (or white without base), elsewhere the colour with
 * `opacity` over the base. base: RGB of the same size or NULL.  Caller frees. */
Image *heatmap_colour(const Map *map, double low, double high, const char *colours, const Image *base,
                      double opacity, GError **error);
/* The overview for people: slide image left, coloured map right, colour bar with low/high values, title
 * and note below.  known (1 channel of the map's size, may be NULL): where it is 0, the map is hatched as no data.  Images are scaled by nearest neighbour to at most `side` px.  Caller frees. */
Image *heatmap_overview(const Map *map, double low, double high, const char *colours,
                        const Image *slide_image, const Image *known, int side, const char *title,
                        const char *note, GError **error);
/* TRUE when the colour map exists. */
gboolean heatmap_has_colours(const char *name);

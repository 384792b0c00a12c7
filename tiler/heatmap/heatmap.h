/* Images of a map of scores. */
#pragma once
#include "base/image.h"

/* Colours a map: values from low to high by the named colour map ("viridis", "inferno", "turbo"), over the base with
 * `opacity`.  Where a value is NaN the base shows unchanged, or white without base.  base: RGB of the same size, or NULL.  Caller
 * frees. */
Image *heatmap_colour(const Map *map, double low, double high, const char *colours, const Image *base,
                      double opacity, GError **error);
/* The overview for people: the slide on the left, the coloured map on the right, a colour bar with values from low to high, the title above
 * and the note below.  known (1 channel of the map's size, may be NULL): where it is 0, the map is hatched as no data.  Images are scaled by
 * nearest neighbour so that the longer side of the slide has `side` px.  Caller frees. */
Image *heatmap_overview(const Map *map, double low, double high, const char *colours,
                        const Image *slide_image, const Image *known, int side, const char *title,
                        const char *note, GError **error);

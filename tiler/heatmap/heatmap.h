/* Images of a map of scores. */
#pragma once
#include "base/image.h"

/* Colours a map: values from low to high by the named colour map ("viridis", "inferno", "turbo"), over the base with
 * `opacity`.  Where a value is NaN the base shows unchanged, or white without base.  base: RGB of the same size, or NULL.  Caller
 * frees. */
Image *heatmap_colour(const Map *map, double low, double high, const char *colours, const Image *base,
                      double opacity, GError **error);

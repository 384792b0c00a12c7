/* The region of a raster as polygons: what is left of outlines when others are cut out of them, as rings that any program reads.
 *
 * Polygons do not overlap, and rings touch themselves and each other in single points at most.  Coordinates are rounded to 1/1000 px; what has
 * no area then is left out. */
#pragma once
#include "annotations/raster/raster.h"

/* Array of Outline*, owned: lesions, each an outer ring and then its holes, which have its family (from 1).  Their order depends only on the
 * region.  Caller unrefs; NULL with WSI_ERROR_MEMORY. */
GPtrArray *raster_polygons(const Raster *raster, GError **error);

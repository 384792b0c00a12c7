/* Regions of a map at or above a level, as polygons that a viewer can draw.
 *
 * The values belong to the centres of the cells: the centre of cell (i, j) is at (i + 0.5, j + 0.5), and the map covers [0, width] x
 * [0, height].  Between two neighbouring centres the value is linear (marching squares: Lorensen and Cline, SIGGRAPH 1987, in two dimensions).
 * A cell is in a region when its value is at or above the level.
 *
 *   crossing  the border crosses the line between two centres where the linear value is the level, but stays 1/256 of a cell away from
 *             both centres, so a value that equals the level gives no ring without area
 *   saddle    of four centres two opposite ones are in: they are one region when the mean of the four values is at or above the level,
 *             otherwise they are two
 *   no data   NaN, infinite, and everything outside the map is not in a region.  A region ends half a cell before the centre of a cell
 *             without data, on the border between the two cells; where only cells without data are around, it has their square corners.  A
 *             saddle with a cell without data is two regions
 *
 * Rings are simplified by Douglas and Peucker's algorithm (Cartographica 1973): no vertex that is left out is further from its new edge than
 * the tolerance.  A new edge also crosses the same lines between centres, in the same order, as the edges that it replaces.  Only one
 * border crosses each of these lines, so rings never cross or touch, and every centre stays on its side. */
#pragma once
#include "base/image.h"

typedef struct {
    double *xy; /* vertices in cells, x, y interleaved; the last one does not repeat the first */
    int points, region;
    double area; /* in cells, signed: > 0 for the outer ring of a region, < 0 for a hole */
} IsolineRing;

typedef struct {
    IsolineRing *rings; /* region by region, the outer ring of each before its holes */
    int ring_count, region_count;
    int32_t *
        region; /* (height, width): the region of each cell, -1 for none; regions count in the order of their first cells */
} Isoline;

/* tolerance: in cells, >= 0.  Caller frees.  NULL with WSI_ERROR_MEMORY, or WSI_ERROR_INPUT beyond 2^30 cells.  Any number of threads. */
Isoline *isoline_find(const Map *map, double level, double tolerance, GError **error);
void isoline_free(Isoline *isoline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Isoline, isoline_free)

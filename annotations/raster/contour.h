/* Outlines of a raster of labels: polygons along the borders of its pixels.
 *
 * Rows are given in ascending order and not kept, so memory depends on the length of the borders, not on the raster's size.
 *
 * Pixels that share a side belong together (4-connected).  Pixels that only touch at a corner are separate polygons, and holes that only touch
 * at a corner are separate holes.  No ring touches itself (rings of one polygon may touch at corners), so the polygons are valid for JTS.
 * There are vertices only where the border turns.  The area is exactly the number of pixels, and raster.h gives back exactly the pixels. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Contour Contour;
/* A tracer for one label; it belongs to one thread. */
Contour *contour_new(void);
void contour_free(Contour *contour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Contour, contour_free)
/* Adds the runs of the label in row y: `runs` pairs [x0, x1), ascending, disjoint, not touching; 0 <= x, y < 2^31.  y ascends; rows that are not
 * given have no runs.  Errors: WSI_ERROR_MEMORY; WSI_ERROR_INPUT beyond 10^7 vertices. */
gboolean contour_row(Contour *contour, int64_t y, const int64_t *spans, int runs, GError **error);

/* A closed border along pixels. */
typedef struct {
    int32_t *xy, top; /* vertices in px, x, y interleaved; top: the least y */
    int points;
    int component, order; /* the pixels that it goes round, and when it was closed */
    int64_t twice_area;   /* signed; > 0: outer ring, < 0: hole */
} ContourRing;

#define CONTOUR_VERTICES 10000000 /* at most, of all rings */

/* Ends the contour: no more rows may be added.  The rings, borrowed, component by component in the order of their first pixels, the outer ring
 * of each before its holes.  NULL with WSI_ERROR_MEMORY or WSI_ERROR_INPUT. */
const ContourRing *contour_rings(Contour *contour, int *count, GError **error);

/* Inside annotations/: the border of the lesion region as separate pieces.
 *
 * The region is the union of the lesion outlines (non-zero winding each) minus the union of the others; from the outlines of a family its
 * holes are taken first.  A piece is a part of an
 * outline's edge across which, from left to right, the region begins (sign +1) or ends (-1).  Pieces do not cross, and on every
 * horizontal line their signs alternate, + first.  So the region's area left of x is a sum over pieces, each on its own. */
#pragma once
#include "annotations/outline.h"

typedef struct {
    double x0, y0, x1,
        y1; /* the whole edge, y0 < y1: x(y) is always computed from it, so that it does not depend on cuts */
    double top, bottom; /* the part: y0 <= top < bottom <= y1 */
    int sign;
} Piece;

/* Where an edge crosses a row.  Product before quotient: exact for whole and half coordinates whose result is one. */
static inline double piece_x(const Piece *piece, double y)
{
    if (piece->x0 == piece->x1) {
        return piece->x0;
    }
    return piece->x0 + (y - piece->y0) * (piece->x1 - piece->x0) / (piece->y1 - piece->y0);
}

/* Finds the pieces; order and number depend on the outlines only.  Caller frees with g_free.  Errors: WSI_ERROR_MEMORY;
 * WSI_ERROR_INPUT when the outlines cross each other so often that it would take minutes. */
Piece *boundary_find(const Annotation *annotation, int64_t *count, GError **error);

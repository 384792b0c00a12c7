/* Inside annotations/: the border of the lesion region as separate pieces.
 *
 * The region is the union of the lesion outlines (non-zero winding each) minus the union of the not-lesion ones; before that, the holes of a
 * family are taken from its outlines.  A piece is a part of an outline's edge where, from left to right, the region begins (sign +1) or ends
 * (-1).  Pieces do not cross, and on every horizontal line their signs alternate, + first.  So the region's area left of x is a sum over
 * pieces, and each contributes by itself. */
#pragma once
#include "annotations/outline/outline.h"

typedef struct {
    /* The whole edge, y0 < y1.  x(y) is always computed from it, so it does not depend on where the edge was cut. */
    double x0, y0, x1, y1;
    double top, bottom; /* the part: y0 <= top < bottom <= y1 */
    int sign;
} Piece;

/* The x where an edge crosses the line y.  The product comes before the quotient: exact when coordinates and result are whole or half. */
static inline double piece_x(const Piece *piece, double y)
{
    if (piece->x0 == piece->x1) {
        return piece->x0;
    }
    return piece->x0 + (y - piece->y0) * (piece->x1 - piece->x0) / (piece->y1 - piece->y0);
}

/* Finds the pieces; their order and number depend only on the outlines.  Caller frees with g_free.  Errors: WSI_ERROR_MEMORY; WSI_ERROR_INPUT
 * when the outlines cross each other so often that it would take minutes.  Any number of threads. */
Piece *boundary_find(const Annotation *annotation, int64_t *count, GError **error);

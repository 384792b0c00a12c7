/* Points that a score map proposes as lesions. */
#pragma once
#include "base/image.h"

typedef struct {
    int column, row; /* cell of the map */
    double value;
} Detection;

/* The maxima of the map at or above the threshold that no higher one is near: array of Detection, by descending value, then row, then column.
 * A cell is a maximum when none of its eight neighbours is higher; of equal neighbours the first counts.  Non-maximum suppression takes the
 * maxima in that order and leaves out those whose centres are at most radius_um from one that was taken.  cell_*_um: size of a cell. */
GArray *detections_find(const Map *map, double threshold, double radius_um, double cell_x_um,
                        double cell_y_um);
/* Writes lines `confidence,x,y` without a header, as Camelyon16's evaluation reads them: x, y are the level-0 px that holds the centre of the
 * cell.  Durable; sha256 may be NULL. */
gboolean detections_write(const char *path, const GArray *detections, double cell_width, double cell_height,
                          char sha256[65], GError **error);

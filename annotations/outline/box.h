/* Inside annotations/: bounding boxes of points. */
#pragma once
#include <glib.h>
#include <math.h>

typedef struct {
    double low_x, low_y, high_x, high_y; /* level-0 px */
} Box;

/* The box of `points` points (x, y interleaved); without points one that meets nothing. */
static inline Box box_of(const double *xy, int points)
{
    Box box = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < points; i++) {
        box.low_x = fmin(box.low_x, xy[2 * i]);
        box.high_x = fmax(box.high_x, xy[2 * i]);
        box.low_y = fmin(box.low_y, xy[2 * i + 1]);
        box.high_y = fmax(box.high_y, xy[2 * i + 1]);
    }
    return box;
}

/* Whether two boxes share more than a border. */
static inline gboolean boxes_meet(const Box *a, const Box *b)
{
    return a->low_x < b->high_x && a->high_x > b->low_x && a->low_y < b->high_y && a->high_y > b->low_y;
}

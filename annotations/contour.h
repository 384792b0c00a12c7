/* Outlines of a raster of labels: polygons along the borders of its pixels.
 *
 * Rows come in ascending order and are forgotten, so that memory depends on the borders, not on the raster's size.
 *
 * What comes out: pixels that share a side belong together (4-connected); pixels that only touch at a corner are polygons
 * of their own, and so holes that touch at a corner are holes of their own.  No ring touches itself (rings of one polygon may
 * touch at corners), so that the polygons are valid for JTS; corners only where the border turns.  The area is exactly the number of
 * pixels, and raster.h gives back exactly the pixels. */
#pragma once
#include "annotations/outline.h"

typedef struct Contour Contour;
/* A tracer for one label. */
Contour *contour_new(void);
void contour_free(Contour *contour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Contour, contour_free)
/* The runs of the label in row y: [x0, x1) pairs, ascending, disjoint, not touching; 0 <= x, y < 2^31.  y ascends; rows left
 * out have no run.  Errors: WSI_ERROR_MEMORY; WSI_ERROR_INPUT beyond 10^7 vertices. */
gboolean contour_row(Contour *contour, int64_t y, const int64_t *spans, int runs, GError **error);

/* A label and what was traced of it. */
typedef struct {
    const char *group;
    Contour *contour;
} LabelContour;

/* All labels (count) as an annotation, in the order of the labels and in each of the first pixel; coordinates are multiplied by
 * scale, and end at the frame's size where that is known.  groups, frame and errors are those of annotation_read_in_frame; path is for messages, in which the row of a raster takes the
 * place of the line of a file.  Ends the contours: no more rows may be added. */
Annotation *contour_annotation(const char *path, const LabelContour *labels, int count, double scale_x,
                               double scale_y, const GroupSpec *groups, const SlideFrame *frame,
                               GError **error);

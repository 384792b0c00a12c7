/* An annotation of the traced borders of a label mask. */
#pragma once
#include "annotations/raster/contour.h"
#include "annotations/read/annotation_read.h"

/* A label and its traced border. */
typedef struct {
    const char *group;
    Contour *contour;
} LabelContour;

/* All labels (count) as one annotation, in the order of the labels, and for each in the order of the first pixel.  Coordinates are multiplied
 * by the scales, and clipped to the frame's size where that is known.  groups, frame and errors: as for annotation_read_in_frame; path is for
 * messages, which give the row of the raster where they would give the line of a file.  Ends the contours. */
Annotation *contour_annotation(const char *path, const LabelContour *labels, int count, double scale_x,
                               double scale_y, const GroupSpec *groups, const SlideFrame *frame,
                               GError **error);

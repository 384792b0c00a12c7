/* Regions as rings, and how much two of them have in common. */
#pragma once
#include "annotations/outline/outline.h"
#include "base/image.h"
#include <jansson.h>

/* A region: array of rings (GArray of double: x, y interleaved, level-0 px, the last point does not repeat the first); the outer ring and then
 * its holes. */
typedef GPtrArray Shape;
Shape *shape_new(void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shape, g_ptr_array_unref)

/* From [[[x,y],...],...], moved by (dx, dy).  NULL with WSI_ERROR_INPUT when it is none: no ring, fewer than three points, what is not a finite
 * number. */
Shape *shape_read(const json_t *rings, double dx, double dy, GError **error);
/* A ring [[x,y],...] that a person drew: inside the slide of that size, level-0 px, and with an area of at least 1 px.  It may cross itself; then
 * what it winds around counts.  NULL with WSI_ERROR_INPUT. */
Shape *shape_read_drawn(const json_t *ring, double width, double height, GError **error);
/* From JSON text, as shape_text gives it. */
Shape *shape_parse(const char *text, GError **error);
/* New reference; the same numbers that shape_read got, rings not closed. */
json_t *shape_json(const Shape *shape);
/* The same as text; caller frees. */
char *shape_text(const Shape *shape);

/* Around its outer ring. */
Rect shape_box(const Shape *shape);
gboolean shape_boxes_meet(const Rect *a, const Rect *b);
/* Centroid of the outer ring, or the middle of its box when it has no area. */
void shape_centre(const Shape *shape, double *x, double *y);
/* Exact area in px^2: what the outer ring winds around, without the holes. */
gboolean shape_area(const Shape *shape, double *area, GError **error);
/* Appends the shape as outlines of one family, which has no others. */
void shape_append(const Shape *shape, OutlineLabel label, int family, GPtrArray *outlines);
/* Area in both divided by the area in either, 0..1; exact. */
gboolean shape_iou(const Shape *a, const Shape *b, double *iou, GError **error);

/* Outlines to pixels and to exact fractions.
 *
 * A pixel belongs to an outline when its centre does: by non-zero winding within one outline; left and top edges belong to it, right and
 * bottom edges do not.  Lesion is the union of the lesion outlines minus the union of the not-lesion ones.  Coarser masks take the maximum: a
 * coarse pixel is lesion when any level-0 pixel in it is. */
#pragma once
#include "annotations/outline/outline.h"
#include "base/image.h"

typedef struct Raster Raster;
/* Index of the border of an annotation's lesions; it does not refer to the annotation, which may be freed.  NULL with WSI_ERROR_MEMORY, or
 * with WSI_ERROR_INPUT when the outlines cross each other so often that it would take minutes.  A Raster never changes, so all functions below
 * may run on any number of threads at the same time. */
Raster *raster_build(const Annotation *annotation, GError **error);
void raster_free(Raster *raster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Raster, raster_free)

/* Writes the border as a file for raster_read on a machine of the same byte order: an intermediate result, not an exchange format.  Durable;
 * the same annotation gives the same bytes. sha256 may be NULL. */
gboolean raster_write(const Raster *raster, const char *path, char sha256[65], GError **error);
/* NULL with WSI_ERROR_INPUT when the file was not written by raster_write. */
Raster *raster_read(const char *path, GError **error);

/* Row y of level-0 pixels as spans: pairs [x0, x1) of lesion pixels, ascending, disjoint, not touching.  `spans` (of int64_t) is cleared
 * first.  For tests: an oracle for the pooled rows. */
void raster_row(const Raster *raster, int64_t y, GArray *spans);
/* The same for row y of the max-pooled mask with `factor` level-0 px per pixel. */
void raster_row_max(const Raster *raster, int factor, int64_t y, GArray *spans);
/* Fills `mask` (1 channel): 255 where the pixel's centre is lesion, otherwise 0.  The mask covers `area` (level-0 px), so a pixel of it is
 * area.width / mask->width level-0 px wide; the centre is that of the mask's pixel. */
void raster_fill(const Raster *raster, const Rect *area, Image *mask);
/* Rows [y, y + rows) of the max-pooled mask as bytes 0 or 1: out (rows, width).  For tests, which compare whole masks. */
void raster_rows_max(const Raster *raster, int factor, int64_t y, int rows, int64_t width, uint8_t *out);
/* The smallest rectangle (level-0 px) that holds all lesion; width 0 when there is none. */
Rect raster_bounds(const Raster *raster);
/* The exact fraction (0..1) of the rectangle's area that is lesion, computed from the polygons, not from pixels. */
double raster_fraction(const Raster *raster, const Rect *area);
/* Lesion area in level-0 px^2 (exact). */
double raster_area(const Raster *raster);

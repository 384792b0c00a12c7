/* Outlines to pixels and to exact fractions.
 *
 * Rule: a pixel belongs to an outline when its centre does (non-zero winding within one outline; on an edge: left and top
 * edges belong, right and bottom do not).  Lesion = union of the lesion outlines minus union of the not-lesion ones.
 * Coarser masks are by maximum: a coarse pixel is lesion when any level-0 pixel in it is. */
#pragma once
#include "annotations/outline.h"
#include "base/image.h"

typedef struct Raster Raster;
/* Index of the border of an annotation's lesions; keeps a reference to nothing: the annotation may be freed.  NULL with
 * WSI_ERROR_MEMORY, or with WSI_ERROR_INPUT when the outlines cross each other so often that it would take minutes.  It never
 * changes afterwards: all functions below may run on any number of threads at once. */
Raster *raster_build(const Annotation *annotation, GError **error);
void raster_free(Raster *raster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Raster, raster_free)

/* The index as a file for raster_read on a machine of the same kind: an intermediate result, not a format for others.  Durable; the same
 * bytes for the same annotation. sha256 may be NULL. */
gboolean raster_write(const Raster *raster, const char *path, char sha256[65], GError **error);
/* NULL with WSI_ERROR_INPUT when the file is not what raster_write writes. */
Raster *raster_read(const char *path, GError **error);

/* One row of level-0 pixels as spans: [x0, x1) pairs of lesion pixels of row y, ascending, disjoint, not touching.  `spans` (int64_t) is
 * cleared first. */
void raster_row(const Raster *raster, int64_t y, GArray *spans);
/* The same of row y of the max-pooled mask at `factor` level-0 px a pixel. */
void raster_row_max(const Raster *raster, int factor, int64_t y, GArray *spans);
/* Fills `label` (1 channel): 255 where the pixel centre is lesion.  The mask covers `area` (level-0 px) and each of its pixels is a
 * box of area.width / mask width level-0 px; centre rule at the mask's resolution. */
void raster_fill(const Raster *raster, const Rect *area, Image *mask);
/* Rows [y, y + rows) of the max-pooled mask as bytes 0/1, width px a row. */
void raster_rows_max(const Raster *raster, int factor, int64_t y, int rows, int64_t width, uint8_t *out);
/* Exact fraction (0..1) of the rectangle's area that is lesion, computed from the polygons, not from pixels. */
double raster_fraction(const Raster *raster, const Rect *area);
/* Lesion area in level-0 px^2 (exact). */
double raster_area(const Raster *raster);

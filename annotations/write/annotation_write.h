/* Annotations as files for ASAP and QuPath.
 *
 * Both are durable, and the same outlines give the same bytes. sha256 may be NULL.  Errors: WSI_ERROR_INPUT where the format cannot express
 * the outlines, WSI_ERROR_IO, WSI_ERROR_FULL, WSI_ERROR_MEMORY. */
#pragma once
#include "annotations/outline/outline.h"

/* ASAP XML in the layout of Camelyon16: the groups "Tumor" and "Exclusion". */
gboolean asap_write(const char *path, const Annotation *annotation, char sha256[65], GError **error);

/* GeoJSON for QuPath: a FeatureCollection of annotation objects, one feature per line.  Lesions are classified "Tumor".  A not-lesion outline
 * inside lesions is a hole of each of them (the geometry is then a MultiPolygon), any other is an object "Exclusion"; outlines that are
 * neither keep their group as the class.  Ids are UUIDs of version 5 of the outline's number and coordinates, so importing a file again
 * replaces objects instead of duplicating them.  For tests; commands know the slide's frame. */
gboolean geojson_write(const char *path, const Annotation *annotation, char sha256[65], GError **error);
/* The same in the coordinates of QuPath's image: the frame's bounds_x and bounds_y are subtracted. */
gboolean geojson_write_in_frame(const char *path, const Annotation *annotation, const SlideFrame *frame,
                                char sha256[65], GError **error);

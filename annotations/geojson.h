/* GeoJSON for QuPath, written. (It is read by annotation_read.) */
#pragma once
#include "annotations/outline.h"

/* A FeatureCollection of annotation objects, one feature a line; durable; the same bytes for the same outlines.  Lesions are classified
 * "Tumor"; a not-lesion outline that lies within lesions is a hole of each (then the geometry is a MultiPolygon), any other
 * one an object "Exclusion" of its own; outlines that are neither keep their group as the class.  Ids are UUIDs version 5 of the
 * outline's number and coordinates, so that importing again replaces objects and does not double them. */
gboolean geojson_write(const char *path, const Annotation *annotation, char sha256[65], GError **error);
/* The same in QuPath's frame: bounds_x and bounds_y of the frame are subtracted. */
gboolean geojson_write_on(const char *path, const Annotation *annotation, const SlideFrame *frame,
                          char sha256[65], GError **error);

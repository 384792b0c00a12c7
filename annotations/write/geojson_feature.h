/* Inside annotations/: the parts of a GeoJSON feature that all writers share: coordinates, ids and texts. */
#pragma once
#include "annotations/write/text_writer.h"

typedef struct {
    TextWriter out;
    GChecksum *identity;       /* SHA-1, of the feature that is being written */
    double bounds_x, bounds_y; /* subtracted from all coordinates, level-0 px */
    gboolean rounded;          /* coordinates to 1/1000 px; otherwise all their digits */
} GeojsonWriter;

/* Begins the identity of a feature.  key: what tells it apart from features of the same coordinates. */
void geojson_feature_begin_id(GeojsonWriter *writer, const char *key);
/* Appends points [[x,y],...], with `closed` a ring that ends with its first point again, and adds them to the feature's identity. */
gboolean geojson_feature_points(GeojsonWriter *writer, const double *xy, int points, gboolean closed,
                                GError **error);
/* Appends the feature's UUID: RFC 4122, version 5, the SHA-1 of a name space and a name, here the key and the coordinates. */
void geojson_feature_end_id(GeojsonWriter *writer);
/* A JSON string with its quotes; "" for a text that is not UTF-8.  Caller frees. */
char *geojson_feature_quoted(const char *text);

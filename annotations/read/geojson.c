/* GeoJSON as QuPath writes it: a FeatureCollection, an array of Features, or one Feature.
 *
 *   {"type":"FeatureCollection","features":[
 *     {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[x,y],...],...]},
 *      "properties":{"objectType":"annotation","name":"...","classification":{"name":"Tumor","color":[200,0,0]}}},...]}
 *
 * The file is not read as one JSON value: a tree of 10^7 coordinates takes gigabytes.  A scan (json_scan.h) finds where each feature begins
 * and ends, and they are parsed one after the other.  What remains when the features are taken out is parsed too, so the whole file is
 * checked.  Numbers that JSON does not have are null after the scan; among coordinates null is an error.
 *
 * An empty geometry is an error in all its forms (null, [], an empty collection): nobody knows what the outline was, and a lesion without
 * outline would make its slide a normal one.  Only a feature that has neither type, class nor name is left out with a warning.
 *
 * Of QuPath's objects, annotations and detections are read, at any depth of the hierarchy.  Cells, tiles and TMA cores are what programs
 * found or where they looked, not what a person outlined: they are left out and counted, under their current names and under those that
 * QuPath 0.2 wrote into "id".  Objects of unknown types are read as annotations, as QuPath does, and counted.  Case does not matter.
 *
 * The group is the classification: a string, or an object with name (or names, joined by ": " as QuPath shows them).  A feature without one
 * has the group "Unclassified", which no rule of the Camelyon sets names: somebody has to say what it is.  Rings after the first are holes
 * of their polygon.  Coordinates are px of QuPath's image, which by default begins at the slide's bounds. */
#include "annotations/read/dialect.h"
#include "annotations/read/json_scan.h"
#include <string.h>

enum { FRAME_BYTES = 1 << 20 };

gboolean geojson_detect(const char *root, const char *text)
{
    return strcmp(root, "{") == 0 || strcmp(root, "[") == 0;
}

/* ---- one feature ---- */

static const struct {
    const char *type;
    int nesting; /* how many arrays are around a position */
    gboolean closed;
} geometries[] = {
    {"Point", 0, FALSE},           {"MultiPoint", 1, FALSE}, {"LineString", 1, FALSE},
    {"MultiLineString", 2, FALSE}, {"Polygon", 2, TRUE},     {"MultiPolygon", 3, TRUE},
};

/* The feature whose geometry is read; texts are borrowed. */
typedef struct {
    Source *source;
    const char *name, *group, *kind;
    gboolean closed;
    int line;
} Feature;

/* Adds one [x, y], moved from QuPath's image to the uncropped slide. */
static gboolean add_position(const Feature *feature, Draft *draft, const json_t *position, GError **error)
{
    const json_t *x = json_array_get(position, 0), *y = json_array_get(position, 1);
    if (!json_is_number(x) || !json_is_number(y)) {
        return source_error(feature->source, feature->line, error,
                            "a position of this feature is not [x, y]");
    }
    const Source *source = feature->source;
    return source_vertex(feature->source, draft, json_number_value(x) + source->origin_x,
                         json_number_value(y) + source->origin_y, feature->line, error);
}

/* Adds a ring, a line or points as one draft.  *outer: the outline that a ring is a hole of; NULL: this draft becomes it. */
static gboolean add_ring(const Feature *feature, const json_t *positions, int nesting, Draft **outer,
                         GError **error)
{
    Draft *draft =
        source_draft(feature->source, feature->name, feature->group, feature->closed, feature->line, error);
    if (!draft) {
        return FALSE;
    }
    draft->repeats_first = TRUE; /* RFC 7946 asks for it */
    draft->kind = feature->kind;
    draft->ring_of = *outer;
    if (*outer) {
        (*outer)->family = (*outer)->family ? (*outer)->family : ++feature->source->families;
        draft->family = (*outer)->family;
    } else {
        *outer = draft;
    }
    if (nesting == 0) {
        return add_position(feature, draft, positions, error);
    }
    if (!json_is_array(positions)) {
        return source_error(feature->source, feature->line, error,
                            "a ring or line of this feature is not an array");
    }
    for (size_t i = 0; i < json_array_size(positions); i++) {
        if (!add_position(feature, draft, json_array_get(positions, i), error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Adds coordinates that are `nesting` arrays deep.  The rings of one polygon share `outer`: the first becomes it, the others are its holes. */
static gboolean add_coordinates(const Feature *feature, const json_t *coordinates, int nesting,
                                GError **error)
{
    if (!json_is_array(coordinates)) {
        return source_error(feature->source, feature->line, error,
                            "the coordinates of this feature are not an array");
    }
    Draft *outer = NULL;
    if (nesting < 2 ||
        (feature->closed && json_array_size(coordinates) == 0)) { /* EMPTY: outline_check decides */
        return add_ring(feature, coordinates, MIN(nesting, 1), &outer, error);
    }
    for (size_t i = 0; i < json_array_size(coordinates); i++) {
        const json_t *part = json_array_get(coordinates, i);
        if (nesting == 3 ? !add_coordinates(feature, part, 2, error)
                         : !add_ring(feature, part, 1, &outer, error)) {
            return FALSE;
        }
        outer = feature->closed ? outer : NULL; /* lines of a MultiLineString do not belong to each other */
    }
    return TRUE;
}

/* An outline without points, which outline_check refuses unless its group is ignored. */
static gboolean add_empty(Feature *feature, GError **error)
{
    return source_draft(feature->source, feature->name, feature->group, TRUE, feature->line, error) != NULL;
}

/* Adds all parts of a geometry; a collection is read recursively. */
static gboolean add_geometry(Feature *feature, const json_t *geometry, GError **error)
{
    const char *type = json_string_value(json_object_get(geometry, "type"));
    const json_t *parts = json_object_get(geometry, "geometries");
    if (g_strcmp0(type, "GeometryCollection") == 0 && json_is_array(parts)) {
        for (size_t i = 0; i < json_array_size(parts); i++) { /* the scan limits the depth */
            if (!add_geometry(feature, json_array_get(parts, i), error)) {
                return FALSE;
            }
        }
        return json_array_size(parts) > 0 || add_empty(feature, error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(geometries); i++) {
        if (g_strcmp0(type, geometries[i].type) == 0) {
            feature->closed = geometries[i].closed;
            feature->kind = geometries[i].closed ? NULL : geometries[i].type;
            return add_coordinates(feature, json_object_get(geometry, "coordinates"), geometries[i].nesting,
                                   error);
        }
    }
    return source_error(
        feature->source, feature->line, error,
        "unknown geometry \"%.40s\" (known: Point, MultiPoint, LineString, MultiLineString, Polygon, "
        "MultiPolygon, GeometryCollection)",
        type ? type : "");
}

/* The group of a feature.  Caller frees. */
static char *read_class(const json_t *classification)
{
    const json_t *names = json_object_get(classification, "names");
    const char *name = json_is_string(classification)
                           ? json_string_value(classification)
                           : json_string_value(json_object_get(classification, "name"));
    /* "name" wins over "names". */
    if (name || !json_is_array(names)) {
        return g_strdup(name && *name ? name : "Unclassified");
    }
    g_autoptr(GString) joined = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        g_string_append_printf(joined, "%s%s", i ? ": " : "", one ? one : "");
    }
    return g_strdup(joined->len ? joined->str : "Unclassified");
}

/* What QuPath calls its objects, now and in version 0.2. */
static const struct {
    const char *name, *old;
    gboolean wanted;
} objects[] = {
    {"annotation", "PathAnnotationObject", TRUE},
    {"detection", "PathDetectionObject", TRUE},
    {"unknown", NULL, TRUE},
    {"cell", "PathCellObject", FALSE},
    {"tile", "PathTileObject", FALSE},
    {"tmaCore", "TMACoreObject", FALSE},
    {"tma_core", NULL, FALSE},
    {"root", "PathRootObject", FALSE},
};

static gboolean is_word(const char *text, const char *word)
{
    return word && g_ascii_strcasecmp(text, word) == 0;
}

/* Whether an object is of a type that is read; others are counted.  An id is a type only when it is one of the old names. */
static gboolean is_wanted(Source *source, const json_t *value, const json_t *properties, int line)
{
    const char *kind = json_string_value(json_object_get(properties, "objectType"));
    const char *id = json_string_value(json_object_get(value, "id"));
    kind = kind ? kind : json_string_value(json_object_get(properties, "object_type"));
    for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
        gboolean same = kind ? is_word(kind, objects[i].name) || is_word(kind, objects[i].old)
                             : id && g_strcmp0(id, objects[i].old) == 0;
        if (same && !objects[i].wanted) {
            tally_add(&source->skipped, objects[i].name, line);
        }
        if (same) {
            return objects[i].wanted;
        }
    }
    if (kind) {
        tally_add(&source->assumed, kind, line);
    }
    return TRUE;
}

/* The program whose JSON this object looks like, for the error; NULL = unknown. */
static const char *program_of(const json_t *value)
{
    static const struct {
        const char *key, *other, *program;
    } programs[] = {
        {"elements", NULL, "the Digital Slide Archive (HistomicsUI)"},
        {"annotation", NULL, "the Digital Slide Archive (HistomicsUI)"},
        {"collection", NULL, "Cytomine"},
        {"location", NULL, "Cytomine"},
        {"annotations", "categories", "COCO"},
        {"annotations", "images", "COCO"},
        {"segmentation", "category_id", "COCO"},
        {"shapes", NULL, "labelme"},
        {"_via_img_metadata", NULL, "VIA (VGG Image Annotator)"},
        {"regions", "filename", "VIA (VGG Image Annotator)"},
        {"target", "body", "Annotorious (W3C Web Annotations)"},
        {"positive", "negative", "NCRF"},
        {"arcs", NULL, "TopoJSON"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
        if (json_object_get(value, programs[i].key) &&
            (!programs[i].other || json_object_get(value, programs[i].other))) {
            return programs[i].program;
        }
    }
    const char *key;
    json_t *child;
    json_object_foreach((json_t *)value, key, child)
    {
        if (json_object_get(child, "regions") && json_object_get(child, "filename")) {
            return "VIA (VGG Image Annotator)";
        }
    }
    return NULL;
}

/* Whether a feature says what it is: by an object's type, a class or a name. */
static gboolean has_meaning(const json_t *value, const json_t *properties)
{
    static const char *const keys[] = {"objectType", "object_type", "classification", "name"};
    const char *id = json_string_value(json_object_get(value, "id"));
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const json_t *said = json_object_get(properties, keys[i]);
        if (said && !json_is_null(said)) {
            return TRUE;
        }
    }
    for (size_t i = 0; id && i < G_N_ELEMENTS(objects); i++) {
        if (g_strcmp0(id, objects[i].old) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Adds a feature and, before it, its child objects. */
static gboolean add_feature(Source *source, const json_t *value, int line, GError **error)
{
    const json_t *properties = json_object_get(value, "properties"),
                 *geometry = json_object_get(value, "geometry"),
                 *children = json_object_get(properties, "childObjects");
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *name = json_string_value(json_object_get(properties, "name"));
    /* JSON of other programs is recognised, so the message can say what to do. */
    if (g_strcmp0(type, "Feature") != 0) {
        const char *program = program_of(value);
        if (program) {
            return source_error(
                source, line, error,
                "this is JSON of %s, which is not supported: export the outlines as GeoJSON with the "
                "class in properties.classification.name",
                program);
        }
        return source_error(source, line, error, "the type is \"%.40s\", expected: \"Feature\"",
                            type ? type : "");
    }
    for (size_t i = 0; i < json_array_size(children); i++) { /* the scan limits the depth */
        if (!add_feature(source, json_array_get(children, i), line, error)) {
            return FALSE;
        }
    }
    if (!is_wanted(source, value, properties, line)) {
        return TRUE;
    }
    gboolean empty = !geometry || json_is_null(geometry);
    if (empty && !has_meaning(value, properties)) {
        source_warn(source, line, "a feature without geometry is left out");
        return TRUE;
    }
    g_autofree char *group = read_class(json_object_get(properties, "classification"));
    Feature feature = {.source = source, .name = name ? name : "", .group = group, .line = line};
    return empty ? add_empty(&feature, error) : add_geometry(&feature, geometry, error);
}

/* ---- the whole ---- */

/* Moves past one feature and reads it. */
static gboolean read_feature(JsonScan *scan, GError **error)
{
    const char *from = scan->at;
    int line = scan->line;
    if (!json_scan_value(scan, error)) {
        return FALSE;
    }
    json_auto_t *value = json_scan_parse(scan->source, from, (size_t)(scan->at - from), line, error);
    return value && add_feature(scan->source, value, line, error);
}

/* Moves past the array of features that starts here and reads them. */
static gboolean read_features(JsonScan *scan, GError **error)
{
    scan->at++;
    json_scan_space(scan);
    if (*scan->at == ']') {
        scan->at++;
        return TRUE;
    }
    for (char next = ','; next == ',';) {
        json_scan_space(scan);
        if (!read_feature(scan, error)) {
            return FALSE;
        }
        json_scan_space(scan);
        next = *scan->at;
        if (next != ',' && next != ']') {
            return source_error(scan->source, scan->line, error,
                                "not JSON: a comma or ] is missing after a feature");
        }
        scan->at++;
    }
    return TRUE;
}

/* The origin that a file of wsiflow states in its member "wsiflow"; FALSE when it states none. */
static gboolean stated_origin(const json_t *stated, double *x, double *y)
{
    const json_t *left = json_object_get(stated, "offset_x_px"),
                 *top = json_object_get(stated, "offset_y_px");
    if (!json_is_number(left) || !json_is_number(top)) {
        return FALSE;
    }
    *x = json_number_value(left);
    *y = json_number_value(top);
    return TRUE;
}

/* Moves past the member "wsiflow" that starts here, whose origin counts for the features after it. */
static gboolean read_origin(JsonScan *scan, GError **error)
{
    const char *from = scan->at;
    int line = scan->line;
    if (!json_scan_value(scan, error)) {
        return FALSE;
    }
    json_auto_t *value = json_scan_parse(scan->source, from, (size_t)(scan->at - from), line, error);
    if (value) {
        stated_origin(value, &scan->source->origin_x, &scan->source->origin_y);
    }
    return value != NULL;
}

/* Moves past the object that starts here and reads its "features".  *from and *to: where these begin and end; unchanged when there are none. */
static gboolean scan_object(JsonScan *scan, const char **from, const char **to, GError **error)
{
    for (scan->at++; json_scan_space(scan), *scan->at != '}'; scan->at += *scan->at == ',') {
        const char *key = scan->at;
        if (*key != '"') {
            return source_error(scan->source, scan->line, error, "not JSON: a key is missing");
        }
        if (!json_scan_string(scan, error)) {
            return FALSE;
        }
        json_scan_space(scan);
        if (*scan->at != ':') {
            return source_error(scan->source, scan->line, error, "not JSON: a colon is missing after a key");
        }
        scan->at++;
        json_scan_space(scan);
        gboolean features = !*from && g_str_has_prefix(key, "\"features\"") && *scan->at == '[';
        gboolean origin = !*from && g_str_has_prefix(key, "\"wsiflow\"");
        const char *start = scan->at;
        if (!(features ? read_features(scan, error)
              : origin ? read_origin(scan, error)
                       : json_scan_value(scan, error))) {
            return FALSE;
        }
        if (features) {
            *from = start;
            *to = scan->at;
        }
        json_scan_space(scan);
    }
    scan->at++;
    return TRUE;
}

/* Parses what is around the features of a collection. */
static gboolean check_frame(const JsonScan *scan, const char *from, const char *to, GError **error)
{
    Source *source = scan->source;
    if ((from - source->text) + (scan->at - to) > FRAME_BYTES) {
        return source_error(source, 1, error, "more than %d bytes outside the features", FRAME_BYTES);
    }
    g_autoptr(GString) frame = g_string_new_len(source->text, from - source->text);
    g_string_append(frame, "[]");
    g_string_append_len(frame, to, scan->at - to);
    json_auto_t *value = json_scan_parse(source, frame->str, frame->len, 1, error);
    const char *type = json_string_value(json_object_get(value, "type"));
    if (value && g_strcmp0(type, "FeatureCollection") != 0) {
        return source_error(source, 1, error, "the type is \"%.40s\", expected: \"FeatureCollection\"",
                            type ? type : "");
    }
    double x, y;
    if (value && stated_origin(json_object_get(value, "wsiflow"), &x, &y) &&
        (x != source->origin_x || y != source->origin_y)) {
        return source_error(
            source, 1, error,
            "the member \"wsiflow\", which states the origin of the coordinates, stands after the "
            "features: move it before them");
    }
    return value != NULL;
}

gboolean geojson_read(Source *source, GError **error)
{
    JsonScan scan = {source, source->text, 1};
    json_scan_space(&scan);
    JsonScan start = scan;
    const char *from = NULL, *to = NULL;
    gboolean good;
    /* An array of features, a collection, or a single feature: the last is known only when no "features" were found. */
    if (*scan.at == '[') {
        good = read_features(&scan, error);
    } else {
        good = scan_object(&scan, &from, &to, error);
        if (good && !from) {
            scan = start;
            good = read_feature(&scan, error);
        } else if (good) {
            good = check_frame(&scan, from, to, error);
        }
    }
    if (!good) {
        return FALSE;
    }
    json_scan_space(&scan);
    return !*scan.at || source_error(source, scan.line, error, "not JSON: there is text after the end");
}

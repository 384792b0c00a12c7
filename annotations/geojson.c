/* GeoJSON as QuPath writes it: a FeatureCollection, an array of Features, or one Feature.
 *
 *   {"type":"FeatureCollection","features":[
 *     {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[x,y],...],...]},
 *      "properties":{"objectType":"annotation","name":"...","classification":{"name":"Tumor","color":[200,0,0]}}},...]}
 *
 * The file is not read as one JSON text: a tree of 10^7 coordinates takes gigabytes.  A scan that knows no more of JSON than
 * brackets and strings finds where each feature begins and ends, and jansson reads them one after the other, strictly (UTF-8, no
 * doubled keys).  What is left when the features are taken out is read strictly too, so that nothing escapes; and the scan
 * gives each feature its line, which jansson's values do not have.
 *
 * Numbers that JSON does not have (NaN, Infinity, 1e999), which QuPath and Python write among measurements, become null before jansson
 * sees them, and are counted; among coordinates null is an error.
 *
 * An empty geometry is an error in all its forms (null, [], an empty collection): what the outline was nobody knows, and a lesion without
 * outline would make its slide a normal one.  Only a feature that has neither type, class nor name is left out with a warning.
 *
 * Of QuPath's objects annotations and detections are read, at any depth of the hierarchy.  Cells, tiles and TMA cores are what
 * programs find and where they look, not what a person outlined: they are left out and counted, by their new names and by those that
 * QuPath 0.2 wrote into "id".  Objects of types that are unknown are annotations, as to QuPath, and counted; case does not matter.
 *
 * The group is the classification, a string or an object with name (or names, joined by ": " as QuPath shows them).  A feature
 * without one is in the group "Unclassified", which no rule of the Camelyon sets names: somebody has to say what it is.  Rings
 * after the first are holes of their polygon.  Coordinates are px of QuPath's image, which by default begins at the slide's bounds. */
#include "annotations/dialect.h"
#include "base/error.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

/* A feature of this many arrays (one a vertex) needs some 400 MB of jansson's memory while it is read. */
enum { DEPTH = 64, FEATURE_ARRAYS = 1 << 21, FRAME_BYTES = 1 << 20 };

typedef struct {
    Source *source;
    const char *at;
    int line;
} Scan;

gboolean geojson_detect(const char *root, const char *text)
{
    return strcmp(root, "{") == 0 || strcmp(root, "[") == 0;
}

/* ---- the scan ---- */

static void skip_space(Scan *scan)
{
    for (; *scan->at && strchr(" \t\r\n", *scan->at); scan->at++) {
        scan->line += *scan->at == '\n';
    }
}

/* Past the string that starts here. */
static gboolean skip_string(Scan *scan, GError **error)
{
    for (scan->at++; *scan->at && *scan->at != '"'; scan->at++) {
        if (*scan->at == '\\' && scan->at[1]) {
            scan->at++;
        } else if (*scan->at == '\n') {
            break;
        }
    }
    if (*scan->at != '"') {
        return source_error(scan->source, scan->line, error, "not JSON: a string has no end");
    }
    scan->at++;
    return TRUE;
}

/* Past the value that starts here; whether it is good JSON is jansson's business. */
static gboolean skip_value(Scan *scan, GError **error)
{
    if (!*scan->at || !strchr("[{\"", *scan->at)) {
        size_t length = strcspn(scan->at, ",:]} \t\r\n");
        scan->at += length;
        return length > 0 || source_error(scan->source, scan->line, error, "not JSON: a value is missing");
    }
    int depth = 0, arrays = 0;
    do {
        char c = *scan->at;
        if (c == '"') {
            if (!skip_string(scan, error)) {
                return FALSE;
            }
            continue;
        }
        if (!c) {
            return source_error(scan->source, scan->line, error, "not JSON: the file ends within brackets");
        }
        scan->at++;
        scan->line += c == '\n';
        arrays += c == '[';
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        if (depth > DEPTH) {
            return source_error(scan->source, scan->line, error, "brackets are nested deeper than %d", DEPTH);
        }
        if (arrays > FEATURE_ARRAYS) {
            return source_error(scan->source, scan->line, error, "a feature of more than %d arrays",
                                FEATURE_ARRAYS);
        }
    } while (depth > 0);
    return TRUE;
}

/* ---- one feature ---- */

static const struct {
    const char *type;
    int nesting; /* arrays around a position */
    gboolean closed;
} geometries[] = {
    {"Point", 0, FALSE},           {"MultiPoint", 1, FALSE}, {"LineString", 1, FALSE},
    {"MultiLineString", 2, FALSE}, {"Polygon", 2, TRUE},     {"MultiPolygon", 3, TRUE},
};

typedef struct {
    Source *source;
    const char *name, *group, *kind;
    gboolean closed;
    int line;
} Feature;

static gboolean add_position(const Feature *feature, Draft *draft, const json_t *position, GError **error)
{
    const json_t *x = json_array_get(position, 0), *y = json_array_get(position, 1);
    if (!json_is_number(x) || !json_is_number(y)) {
        return source_error(feature->source, feature->line, error,
                            "a position of this feature is not [x, y]");
    }
    const SlideFrame *frame = feature->source->frame;
    return source_vertex(feature->source, draft, json_number_value(x) + frame->bounds_x,
                         json_number_value(y) + frame->bounds_y, feature->line, error);
}

/* A ring, a line, or points. */
static gboolean add_ring(const Feature *feature, const json_t *positions, int nesting, Draft **outer,
                         GError **error)
{
    Draft *draft =
        source_draft(feature->source, feature->name, feature->group, feature->closed, feature->line, error);
    if (!draft) {
        return FALSE;
    }
    draft->repeats_first = TRUE;
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

/* What lies in `nesting` arrays.  The rings of one polygon share `outer`: the first becomes it, the others are its holes. */
static gboolean add_coordinates(const Feature *feature, const json_t *coordinates, int nesting,
                                GError **error)
{
    if (!json_is_array(coordinates)) {
        return source_error(feature->source, feature->line, error,
                            "the coordinates of this feature are not an array");
    }
    Draft *outer = NULL;
    if (nesting < 2 ||
        (feature->closed && json_array_size(coordinates) == 0)) { /* EMPTY: the gate's business */
        return add_ring(feature, coordinates, MIN(nesting, 1), &outer, error);
    }
    for (size_t i = 0; i < json_array_size(coordinates); i++) {
        const json_t *part = json_array_get(coordinates, i);
        if (nesting == 3 ? !add_coordinates(feature, part, 2, error)
                         : !add_ring(feature, part, 1, &outer, error)) {
            return FALSE;
        }
        outer = feature->closed ? outer : NULL;
    }
    return TRUE;
}

/* An outline without points, which the gate refuses unless its group is nobody's business. */
static gboolean add_empty(Feature *feature, GError **error)
{
    return source_draft(feature->source, feature->name, feature->group, TRUE, feature->line, error) != NULL;
}

static gboolean add_geometry(Feature *feature, const json_t *geometry, GError **error)
{
    const char *type = json_string_value(json_object_get(geometry, "type"));
    const json_t *parts = json_object_get(geometry, "geometries");
    if (g_strcmp0(type, "GeometryCollection") == 0 && json_is_array(parts)) {
        for (size_t i = 0; i < json_array_size(parts); i++) { /* at most DEPTH deep, by the scan */
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

/* Caller frees. */
static char *read_class(const json_t *classification)
{
    const json_t *names = json_object_get(classification, "names");
    const char *name = json_is_string(classification)
                           ? json_string_value(classification)
                           : json_string_value(json_object_get(classification, "name"));
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

/* What QuPath calls its objects, today and in version 0.2. */
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

/* Whether an object is one that is read.  An id is a type only when it is one of the old names. */
static gboolean is_wanted(Source *source, const json_t *value, const json_t *properties, int line)
{
    const char *kind = json_string_value(json_object_get(properties, "objectType"));
    const char *id = json_string_value(json_object_get(value, "id"));
    kind = kind ? kind : json_string_value(json_object_get(properties, "object_type"));
    for (size_t i = 0; i < G_N_ELEMENTS(objects); i++) {
        gboolean same = kind ? is_word(kind, objects[i].name) || is_word(kind, objects[i].old)
                             : id && g_strcmp0(id, objects[i].old) == 0;
        if (same && !objects[i].wanted) {
            tally_add(&source->strange, objects[i].name, line);
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

/* Whose JSON an object is that is no feature; NULL = unknown. */
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

static gboolean add_feature(Source *source, const json_t *value, int line, GError **error)
{
    const json_t *properties = json_object_get(value, "properties"),
                 *geometry = json_object_get(value, "geometry"),
                 *children = json_object_get(properties, "childObjects");
    const char *type = json_string_value(json_object_get(value, "type"));
    const char *name = json_string_value(json_object_get(properties, "name"));
    if (g_strcmp0(type, "Feature") != 0) {
        const char *program = program_of(value);
        if (program) {
            return source_error(
                source, line, error,
                "this is JSON of %s, which is not read: export the outlines as GeoJSON, with the "
                "class as properties.classification.name",
                program);
        }
        return source_error(source, line, error, "the type here is \"%.40s\", not \"Feature\"",
                            type ? type : "");
    }
    for (size_t i = 0; i < json_array_size(children); i++) { /* at most DEPTH deep, by the scan */
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

/* Whether the token is a number that JSON does not have. */
static gboolean is_no_number(const char *token, size_t length)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", "+Infinity", "-NaN"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (length == strlen(words[i]) && memcmp(token, words[i], length) == 0) {
            return TRUE;
        }
    }
    char copy[64];
    if (length == 0 || length >= sizeof copy || !strchr("-0123456789", *token)) {
        return FALSE;
    }
    memcpy(copy, token, length);
    copy[length] = 0;
    return isinf(g_ascii_strtod(copy, NULL));
}

/* The text with null for such numbers, which are counted. Caller frees. */
static GString *without_no_numbers(Source *source, const char *text, size_t length, int line)
{
    GString *out = g_string_sized_new(length);
    const char *end = text + length;
    while (text < end) {
        size_t token = 0;
        if (*text == '"') {
            for (token = 1; text + token < end && text[token] != '"'; token++) {
                token += text[token] == '\\' && text + token + 1 < end;
            }
            token = MIN(token + 1, (size_t)(end - text));
        } else if (!strchr(",:[]{} \t\r\n", *text)) {
            token = MIN(strcspn(text, ",:[]{}\" \t\r\n"), (size_t)(end - text));
        }
        gboolean wrong = token && *text != '"' && is_no_number(text, token);
        if (wrong) {
            tally_add(&source->strange, "NaN or infinite number", line);
        }
        token = MAX(token, 1);
        g_string_append_len(out, wrong ? "null" : text, wrong ? 4 : (gssize)token);
        text += token;
    }
    return out;
}

static json_t *parse(Source *source, const char *text, size_t length, int line, GError **error)
{
    json_error_t problem;
    g_autoptr(GString) clean = without_no_numbers(source, text, length, line);
    json_t *value =
        json_loadb(clean->str, clean->len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &problem);
    if (!value) {
        source_error(source, line + problem.line - 1, error, "not JSON: %s", problem.text);
    }
    return value;
}

/* Past one feature, which is read. */
static gboolean read_feature(Scan *scan, GError **error)
{
    const char *from = scan->at;
    int line = scan->line;
    if (!skip_value(scan, error)) {
        return FALSE;
    }
    json_auto_t *value = parse(scan->source, from, (size_t)(scan->at - from), line, error);
    return value && add_feature(scan->source, value, line, error);
}

/* Past the array of features that starts here. */
static gboolean read_features(Scan *scan, GError **error)
{
    scan->at++;
    skip_space(scan);
    if (*scan->at == ']') {
        scan->at++;
        return TRUE;
    }
    for (char next = ','; next == ',';) {
        skip_space(scan);
        if (!read_feature(scan, error)) {
            return FALSE;
        }
        skip_space(scan);
        next = *scan->at;
        if (next != ',' && next != ']') {
            return source_error(scan->source, scan->line, error, "not JSON: no comma or ] after a feature");
        }
        scan->at++;
    }
    return TRUE;
}

/* Past the object that starts here; its "features", if any, are read, and *from and *to are set around them. */
static gboolean scan_object(Scan *scan, const char **from, const char **to, GError **error)
{
    for (scan->at++; skip_space(scan), *scan->at != '}'; scan->at += *scan->at == ',') {
        const char *key = scan->at;
        if (*key != '"') {
            return source_error(scan->source, scan->line, error, "not JSON: no key where one should be");
        }
        if (!skip_string(scan, error)) {
            return FALSE;
        }
        skip_space(scan);
        if (*scan->at != ':') {
            return source_error(scan->source, scan->line, error, "not JSON: no colon after a key");
        }
        scan->at++;
        skip_space(scan);
        gboolean features = !*from && g_str_has_prefix(key, "\"features\"") && *scan->at == '[';
        const char *start = scan->at;
        if (features ? !read_features(scan, error) : !skip_value(scan, error)) {
            return FALSE;
        }
        if (features) {
            *from = start;
            *to = scan->at;
        }
        skip_space(scan);
    }
    scan->at++;
    return TRUE;
}

/* What is around the features of a collection. */
static gboolean check_frame(const Scan *scan, const char *from, const char *to, GError **error)
{
    Source *source = scan->source;
    if ((from - source->text) + (scan->at - to) > FRAME_BYTES) {
        return source_error(source, 1, error, "more than %d bytes beside the features", FRAME_BYTES);
    }
    g_autoptr(GString) frame = g_string_new_len(source->text, from - source->text);
    g_string_append(frame, "[]");
    g_string_append_len(frame, to, scan->at - to);
    json_auto_t *value = parse(source, frame->str, frame->len, 1, error);
    const char *type = json_string_value(json_object_get(value, "type"));
    if (value && g_strcmp0(type, "FeatureCollection") != 0) {
        return source_error(source, 1, error, "the type here is \"%.40s\", not \"FeatureCollection\"",
                            type ? type : "");
    }
    return value != NULL;
}

gboolean geojson_read(Source *source, GError **error)
{
    Scan scan = {source, source->text, 1};
    skip_space(&scan);
    Scan start = scan;
    const char *from = NULL, *to = NULL;
    gboolean good;
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
    skip_space(&scan);
    return !*scan.at || source_error(source, scan.line, error, "not JSON: something follows after the end");
}

/* ASAP XML: the dialect of the Camelyon challenges.
 *
 *   <ASAP_Annotations>
 *     <Annotations>
 *       <Annotation Name= Type= PartOfGroup= Color=>
 *         <Coordinates><Coordinate Order= X= Y=/>...</Coordinates></Annotation>...
 *     <AnnotationGroups>
 *       <Group Name= PartOfGroup= Color=><Attributes/></Group>...
 *
 * Coordinates are level-0 px.  PartOfGroup="None" means no group.  ASAP itself rejects a file with a group that is named but not defined, and
 * so do we.  A file that defines no group at all comes from another program; its group names are taken as they are.  A Rectangle of two
 * points is given by opposite corners.  Order is an index, as in ASAP: vertices are sorted by it.
 *
 * A Spline is read as the polygon of its control points.  ASAP draws a curve through them, but its conversion to masks, from which the
 * published Camelyon masks come, takes the polygon.  The splines of the real files are traced so densely (about 6 px from point to point)
 * that the two differ by less than the error of the drawing. */
#include "annotations/read/dialect.h"
#include "annotations/read/xml.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    gboolean closed;
} asap_types[] = {
    {"Polygon", TRUE}, {"Spline", TRUE},    {"Rectangle", TRUE},    {"Dot", FALSE},
    {"None", FALSE},   {"PointSet", FALSE}, {"Measurement", FALSE}, {NULL, FALSE},
};

typedef struct {
    Source *source;
    Draft *draft;         /* the Annotation that is being read, or NULL */
    gboolean coordinates; /* inside Coordinates */
    gboolean unordered, rectangle;
    int *order, capacity; /* the Order of each vertex of the draft */
} Asap;

/* Elements without a meaning for outlines; any other one is counted as skipped. */
static const char *const known[] = {
    "ASAP_Annotations", "Annotations", "AnnotationGroups", "Coordinates", "Attributes", "Attribute", NULL};

gboolean asap_detect(const char *root, const char *text)
{
    return strcmp(root, "ASAP_Annotations") == 0;
}

/* Begins an outline of a type of the table. */
static gboolean start_annotation(Asap *asap, const XmlTag *tag, GError **error)
{
    g_autofree char *name = xml_attribute(tag, "Name"), *type = xml_attribute(tag, "Type");
    g_autofree char *group = xml_attribute(tag, "PartOfGroup");
    if (asap->draft) {
        return source_error(asap->source, tag->line, error, "an Annotation within the Annotation of line %d",
                            asap->draft->line);
    }
    int kind = 0;
    while (asap_types[kind].name && g_strcmp0(type, asap_types[kind].name) != 0) {
        kind++;
    }
    if (!asap_types[kind].name) {
        return source_error(
            asap->source, tag->line, error,
            "annotation \"%.60s\" has the unknown type \"%.60s\" (known: Polygon, Spline, Rectangle, Dot, "
            "PointSet, Measurement, None)",
            name ? name : "", type ? type : "");
    }
    asap->draft = source_draft(asap->source, name ? name : "", group && *group ? group : "None",
                               asap_types[kind].closed, tag->line, error);
    asap->unordered = FALSE;
    asap->rectangle = strcmp(asap_types[kind].name, "Rectangle") == 0;
    if (asap->draft && !asap->draft->closed) {
        asap->draft->kind = asap_types[kind].name;
    }
    return asap->draft != NULL;
}

/* Stores the Order of the last vertex; -1 for a number that is not an index. */
static gboolean keep_order(Asap *asap, double order, GError **error)
{
    int at = asap->draft->points - 1;
    if (asap->capacity < asap->draft->capacity) {
        int *more = g_try_realloc_n(asap->order, (gsize)asap->draft->capacity, sizeof *more);
        if (!more) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the vertices of %s",
                        asap->source->path);
            return FALSE;
        }
        asap->order = more;
        asap->capacity = asap->draft->capacity;
    }
    /* Most files are in order; then nothing is sorted. */
    asap->order[at] = order >= 0 && order < VERTEX_LIMIT ? (int)order : -1;
    asap->unordered |= order != at;
    return TRUE;
}

static gboolean add_coordinate(Asap *asap, const XmlTag *tag, GError **error)
{
    double x, y, order;
    if (!asap->draft) {
        return source_error(asap->source, tag->line, error, "a Coordinate outside an Annotation");
    }
    if (!xml_number(tag, "X", &x) || !xml_number(tag, "Y", &y)) {
        g_autofree char *x_text = xml_attribute(tag, "X"), *y_text = xml_attribute(tag, "Y");
        return source_error(asap->source, tag->line, error,
                            "a coordinate is not a pair of numbers: X=\"%.40s\" Y=\"%.40s\"",
                            x_text ? x_text : "", y_text ? y_text : "");
    }
    if (!xml_number(tag, "Order", &order)) {
        order = asap->draft->points;
    }
    return source_vertex(asap->source, asap->draft, x, y, tag->line, error) && keep_order(asap, order, error);
}

/* Sorts the vertices by Order, which must have each of 0 .. n-1 once.  Not-a-number marks positions that are still free. */
static gboolean sort_vertices(Asap *asap, int line, GError **error)
{
    Draft *draft = asap->draft;
    if (!asap->unordered) {
        return TRUE;
    }
    g_autofree double *sorted = wsi_try_alloc((size_t)draft->points, 2 * sizeof *sorted, "vertices", error);
    if (!sorted) {
        return FALSE;
    }
    for (int i = 0; i < draft->points; i++) {
        sorted[2 * i] = NAN;
    }
    for (int i = 0; i < draft->points; i++) {
        int at = asap->order[i];
        if (at < 0 || at >= draft->points || !isnan(sorted[2 * at])) {
            return source_error(asap->source, line, error,
                                "the Order of the %d coordinates does not have each number from 0 to %d once",
                                draft->points, draft->points - 1);
        }
        sorted[2 * at] = draft->xy[2 * i];
        sorted[2 * at + 1] = draft->xy[2 * i + 1];
    }
    memcpy(draft->xy, sorted, 2 * sizeof *sorted * (size_t)draft->points);
    return TRUE;
}

/* Notes a group and the group around it.  A group that is defined twice keeps the last definition. */
static gboolean add_group(Asap *asap, const XmlTag *tag, GError **error)
{
    g_autofree char *name = xml_attribute(tag, "Name"), *parent = xml_attribute(tag, "PartOfGroup");
    if (!name || !*name) {
        return source_error(asap->source, tag->line, error, "a Group has no Name");
    }
    if (g_hash_table_size(asap->source->parents) >= OUTLINE_LIMIT) {
        return source_error(asap->source, tag->line, error, "the file has more than %d groups",
                            OUTLINE_LIMIT);
    }
    gboolean top = !parent || strcmp(parent, "None") == 0;
    g_hash_table_replace(asap->source->parents, g_steal_pointer(&name),
                         top ? g_strdup("") : g_steal_pointer(&parent));
    return TRUE;
}

/* Coordinates may only be inside an Annotation, and nothing else inside Coordinates. */
static gboolean on_start(void *data, const XmlTag *tag, GError **error)
{
    Asap *asap = data;
    if (strcmp(tag->name, "Coordinate") == 0) {
        return add_coordinate(asap, tag, error);
    }
    if (asap->coordinates) {
        return source_error(asap->source, tag->line, error,
                            "<%.60s> among Coordinates, where <Coordinate> is expected", tag->name);
    }
    if (strcmp(tag->name, "Annotation") == 0) {
        return start_annotation(asap, tag, error);
    }
    if (strcmp(tag->name, "Group") == 0) {
        return add_group(asap, tag, error);
    }
    asap->coordinates = strcmp(tag->name, "Coordinates") == 0;
    if (!g_strv_contains(known, tag->name)) {
        tally_add(&asap->source->skipped, tag->name, tag->line);
    }
    return TRUE;
}

/* An Annotation is complete: its vertices are sorted, and two corners become a rectangle. */
static gboolean on_end(void *data, const char *name, const char *text, int line, GError **error)
{
    Asap *asap = data;
    asap->coordinates = asap->coordinates && strcmp(name, "Coordinates") != 0;
    if (strcmp(name, "Annotation") != 0) {
        return TRUE;
    }
    gboolean box = asap->rectangle && asap->draft->points == 2;
    gboolean good = sort_vertices(asap, line, error) &&
                    (!box || source_box(asap->source, asap->draft, FALSE, line, error));
    asap->draft = NULL;
    return good;
}

gboolean asap_read(Source *source, GError **error)
{
    static const XmlHandler handler = {on_start, on_end};
    Asap asap = {.source = source};
    source->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    gboolean good = xml_parse(source->path, source->text, source->length, &handler, &asap, error);
    /* Without any group definition, names are taken as they are. */
    if (g_hash_table_size(source->parents) == 0) {
        g_clear_pointer(&source->parents, g_hash_table_unref);
    }
    g_free(asap.order);
    return good;
}

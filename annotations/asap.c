/* ASAP XML: the dialect of the Camelyon challenges.
 *
 *   <ASAP_Annotations>
 *     <Annotations>
 *       <Annotation Name= Type= PartOfGroup= Color=>
 *         <Coordinates><Coordinate Order= X= Y=/>...</Coordinates></Annotation>...
 *     <AnnotationGroups>
 *       <Group Name= PartOfGroup= Color=><Attributes/></Group>...
 *
 * Coordinates are level-0 px.  PartOfGroup="None" means no group; a group that is named but not defined makes ASAP itself
 * reject the file, and us too.  But a file that defines no group at all is of another program, and the names say what they say.
 * A Rectangle of two points is given by opposite corners.  Order is an index, as in ASAP: vertices out of order are put into it.
 *
 * A Spline is read as the plain polygon of its control points.  ASAP draws a curve through them, but its own conversion to
 * masks, from which the published Camelyon masks come, takes the polygon; and the splines of the real files are traced so
 * densely (about 6 px from point to point) that the two differ by less than the drawing's own error. */
#include "annotations/dialect.h"
#include "annotations/xml.h"
#include "base/durable.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { CHUNK = 64 << 10 };

static const struct {
    const char *name;
    gboolean closed;
} asap_types[] = {
    {"Polygon", TRUE}, {"Spline", TRUE},    {"Rectangle", TRUE},    {"Dot", FALSE},
    {"None", FALSE},   {"PointSet", FALSE}, {"Measurement", FALSE}, {NULL, FALSE},
};

typedef struct {
    Source *source;
    Draft *draft;         /* the Annotation that is open, or NULL */
    gboolean coordinates; /* within Coordinates */
    gboolean unordered, rectangle;
    int *order, room; /* Order of each vertex of the draft */
} Asap;

/* Elements that mean nothing to us; any other one is counted as unknown. */
static const char *const known[] = {
    "ASAP_Annotations", "Annotations", "AnnotationGroups", "Coordinates", "Attributes", "Attribute", NULL};

gboolean asap_detect(const char *root, const char *text)
{
    return strcmp(root, "ASAP_Annotations") == 0;
}

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

/* Keeps the Order of the vertex that was added last; -1 for what cannot be one. */
static gboolean keep_order(Asap *asap, double order, GError **error)
{
    int at = asap->draft->points - 1;
    if (asap->room < asap->draft->room) {
        int *more = g_try_realloc_n(asap->order, (gsize)asap->draft->room, sizeof *more);
        if (!more) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the vertices of %s",
                        asap->source->path);
            return FALSE;
        }
        asap->order = more;
        asap->room = asap->draft->room;
    }
    asap->order[at] = order >= 0 && order < VERTEX_LIMIT ? (int)order : -1;
    asap->unordered |= order != at;
    return TRUE;
}

static gboolean add_coordinate(Asap *asap, const XmlTag *tag, GError **error)
{
    double x, y, order;
    if (!asap->draft) {
        return source_error(asap->source, tag->line, error, "a Coordinate outside of an Annotation");
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

/* Puts the vertices into their Order, which must be 0 .. n-1, each once. */
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
                                "the Order of the %d coordinates is not 0 to %d with each number once",
                                draft->points, draft->points - 1);
        }
        sorted[2 * at] = draft->xy[2 * i];
        sorted[2 * at + 1] = draft->xy[2 * i + 1];
    }
    memcpy(draft->xy, sorted, 2 * sizeof *sorted * (size_t)draft->points);
    return TRUE;
}

static gboolean add_group(Asap *asap, const XmlTag *tag, GError **error)
{
    g_autofree char *name = xml_attribute(tag, "Name"), *parent = xml_attribute(tag, "PartOfGroup");
    if (!name || !*name) {
        return source_error(asap->source, tag->line, error, "a Group without a Name");
    }
    if (g_hash_table_size(asap->source->parents) >= OUTLINE_LIMIT) {
        return source_error(asap->source, tag->line, error, "more than %d groups", OUTLINE_LIMIT);
    }
    gboolean top = !parent || strcmp(parent, "None") == 0;
    g_hash_table_replace(asap->source->parents, g_steal_pointer(&name),
                         top ? g_strdup("") : g_steal_pointer(&parent));
    return TRUE;
}

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
        tally_add(&asap->source->strange, tag->name, tag->line);
    }
    return TRUE;
}

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
    if (g_hash_table_size(source->parents) == 0) {
        g_clear_pointer(&source->parents, g_hash_table_unref);
    }
    g_free(asap.order);
    return good;
}

/* ---- writing ---- */

/* Outlines have no bound but the file's, so that they are written in pieces. */
static gboolean flush(Durable *file, GString *out, GError **error)
{
    gboolean good = durable_write(file, out->str, out->len, error);
    g_string_truncate(out, 0);
    return good;
}

static gboolean write_outline(Durable *file, GString *out, const Outline *outline, GError **error)
{
    g_autofree char *name = g_markup_escape_text(outline->name ? outline->name : "", -1);
    const char *type = outline->closed ? "Polygon" : outline->points == 1 ? "Dot" : "PointSet";
    const char *group = outline->label == LABEL_LESION       ? "Tumor"
                        : outline->label == LABEL_NOT_LESION ? "Exclusion"
                                                             : "Other";
    g_string_append_printf(out,
                           "\t\t<Annotation Name=\"%s\" Type=\"%s\" PartOfGroup=\"%s\" Color=\"%s\">\n"
                           "\t\t\t<Coordinates>\n",
                           name, type, group, outline->label == LABEL_LESION ? "#FF0000" : "#0000FF");
    for (int i = 0; i < outline->points; i++) {
        char x[32], y[32];
        g_string_append_printf(out, "\t\t\t\t<Coordinate Order=\"%d\" X=\"%s\" Y=\"%s\" />\n", i,
                               shortest_number(x, outline->xy[2 * i]),
                               shortest_number(y, outline->xy[2 * i + 1]));
        if (out->len > CHUNK && !flush(file, out, error)) {
            return FALSE;
        }
    }
    g_string_append(out, "\t\t\t</Coordinates>\n\t\t</Annotation>\n");
    return TRUE;
}

/* Outlines that are neither go to a group of their own: in "None" they would come back as holes. */
static gboolean has_others(const GPtrArray *outlines)
{
    for (guint i = 0; i < outlines->len; i++) {
        if (((const Outline *)outlines->pdata[i])->label == LABEL_NONE) {
            return TRUE;
        }
    }
    return FALSE;
}

static void append_group(GString *out, const char *name, const char *color)
{
    g_string_append_printf(
        out,
        "\t\t<Group Name=\"%s\" PartOfGroup=\"None\" Color=\"%s\">\n\t\t\t<Attributes />\n\t\t</Group>\n",
        name, color);
}

gboolean asap_write(const char *path, const Annotation *annotation, char sha256[65], GError **error)
{
    g_autoptr(GPtrArray) outlines = slits_outlines(annotation, error);
    g_autoptr(Durable) file = outlines ? durable_open(path, error) : NULL;
    g_autoptr(GString) out = g_string_new("<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n");
    if (!file) {
        return FALSE;
    }
    for (guint i = 0; i < outlines->len; i++) {
        if (!write_outline(file, out, outlines->pdata[i], error)) {
            return FALSE;
        }
    }
    g_string_append(out, "\t</Annotations>\n\t<AnnotationGroups>\n");
    append_group(out, "Tumor", "#FF0000");
    append_group(out, "Exclusion", "#0000FF");
    if (has_others(outlines)) {
        append_group(out, "Other", "#808080");
    }
    g_string_append(out, "\t</AnnotationGroups>\n</ASAP_Annotations>\n");
    return flush(file, out, error) && durable_commit(file, sha256, NULL, error);
}

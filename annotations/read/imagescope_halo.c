/* Aperio ImageScope XML, and HALO's annotations, which have the same form: layers of regions.
 *
 *   <Annotations>
 *     <Annotation Id= Name= LineColor=>                       a layer: our group
 *       <Attributes><Attribute Name= Value=/></Attributes>    ImageScope shows "Description" as the layer's name
 *       <Regions>
 *         <Region Type= Text= NegativeROA= HasEndcaps=>
 *           <Vertices><Vertex X= Y= Z=/>...                   <V X= Y=/> in HALO
 *           <Comments><Comment Body=/>...                     only HALO
 *
 * Coordinates are level-0 px.  ImageScope's types are numbers, HALO's are words.  Rectangles of two points are given by opposite corners,
 * ellipses by those of their box.  NegativeROA="1" is a hole of its layer; HasEndcaps="1" is HALO's open line.
 * Sources: files of both programs, and pyhaloxml (github.com/rharkes/pyhaloxml), which reads and writes HALO's.
 *
 * A layer without a name becomes the group "Layer N".  No rule of the Camelyon sets names it, so somebody has to say what it is, and no
 * lesion is lost silently. */
#include "annotations/read/dialect.h"
#include "annotations/read/xml.h"
#include <string.h>

enum { OPEN, FREEHAND, RECTANGLE, ELLIPSE };

static const struct {
    const char *name;
    int shape;
    const char *kind; /* of types without area: what they are */
} types[] = {
    {"0", FREEHAND, NULL},       {"1", RECTANGLE, NULL},         {"2", ELLIPSE, NULL},
    {"3", OPEN, "Arrow"},        {"4", OPEN, "Ruler"},           {"5", OPEN, "Pin"},
    {"Polygon", FREEHAND, NULL}, {"Rectangle", RECTANGLE, NULL}, {"Ellipse", ELLIPSE, NULL},
    {"Ruler", OPEN, "Ruler"},    {"Pin", OPEN, "Pin"},           {"Arrow", OPEN, "Arrow"},
};

/* Elements without a meaning for outlines; any other one is counted as skipped. */
static const char *const known[] = {"Annotations",
                                    "Regions",
                                    "RegionAttributeHeaders",
                                    "AttributeHeader",
                                    "Attributes",
                                    "Plots",
                                    "Plot",
                                    "Comments",
                                    "Vertices",
                                    NULL};

typedef struct {
    Source *source;
    const char *point;             /* name of the element that is a point */
    char *id, *name, *description; /* of the layer */
    gboolean layer, vertices;      /* inside such an element */
    Draft *draft;                  /* the region that is being read, or NULL */
    int shape, family;
} Layers;

/* HALO has <V> where ImageScope has <Vertex>, so the name must end after the V. */
gboolean halo_detect(const char *root, const char *text)
{
    gboolean halo = strcmp(root, "Annotations") == 0 && strstr(text, "HasEndcaps=");
    for (const char *at = text; !halo && strcmp(root, "Annotations") == 0 && (at = strstr(at, "<V"));
         at += 2) {
        halo = strchr(" \t\r\n/>", at[2]) != NULL;
    }
    return halo;
}

gboolean imagescope_detect(const char *root, const char *text)
{
    return strcmp(root, "Annotations") == 0;
}

/* Begins a layer, whose regions are a family of their own, whatever the name. */
static gboolean start_layer(Layers *layers, const XmlTag *tag, GError **error)
{
    if (layers->layer) {
        return source_error(layers->source, tag->line, error, "an Annotation within an Annotation");
    }
    layers->layer = TRUE;
    layers->family = ++layers->source->families;
    g_free(layers->id);
    g_free(layers->name);
    g_clear_pointer(&layers->description, g_free);
    layers->id = xml_attribute(tag, "Id");
    layers->name = xml_attribute(tag, "Name");
    return TRUE;
}

static gboolean is_filled(const char *text)
{
    return text && *text;
}

/* The index of a region's type in the table; -1 with error.  A region without type is freehand. */
static int find_type(const Layers *layers, const XmlTag *tag, GError **error)
{
    g_autofree char *type = xml_attribute(tag, "Type");
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_ascii_strcasecmp(is_filled(type) ? type : "0", types[i].name) == 0) {
            return (int)i;
        }
    }
    source_error(
        layers->source, tag->line, error,
        "a Region has the unknown type \"%.60s\" (known: 0 to 5, Polygon, Rectangle, Ellipse, Ruler, Pin, "
        "Arrow)",
        type);
    return -1;
}

/* Begins a region.  HasEndcaps makes any shape an open line; a line cannot be a hole. */
static gboolean start_region(Layers *layers, const XmlTag *tag, GError **error)
{
    if (layers->draft) {
        return source_error(layers->source, tag->line, error, "a Region within the Region of line %d",
                            layers->draft->line);
    }
    g_autofree char *text = xml_attribute(tag, "Text"), *negative = xml_attribute(tag, "NegativeROA"),
                    *endcaps = xml_attribute(tag, "HasEndcaps");
    g_autofree char *unnamed = g_strdup_printf("Layer %s", is_filled(layers->id) ? layers->id : "?");
    const char *group = is_filled(layers->name)          ? layers->name
                        : is_filled(layers->description) ? layers->description
                                                         : unnamed;
    int type = find_type(layers, tag, error);
    gboolean line, hole;
    if (type < 0 || !source_flag(layers->source, tag->line, "HasEndcaps", endcaps, &line, error) ||
        !source_flag(layers->source, tag->line, "NegativeROA", negative, &hole, error)) {
        return FALSE;
    }
    layers->shape = line ? OPEN : types[type].shape;
    layers->draft =
        source_draft(layers->source, text ? text : "", group, layers->shape != OPEN, tag->line, error);
    if (layers->draft) {
        layers->draft->kind = line ? "open line" : types[type].kind;
        layers->draft->negative = hole && layers->draft->closed;
        layers->draft->family = layers->family;
        layers->draft->repeats_first = TRUE; /* both programs often do, other writers of these files do not */
    }
    return layers->draft != NULL;
}

static gboolean add_vertex(Layers *layers, const XmlTag *tag, GError **error)
{
    double x, y;
    if (!layers->draft) {
        return source_error(layers->source, tag->line, error, "a %s outside a Region", tag->name);
    }
    if (!xml_number(tag, "X", &x) || !xml_number(tag, "Y", &y)) {
        return source_error(layers->source, tag->line, error, "the X and Y of a %s are not numbers",
                            tag->name);
    }
    return source_vertex(layers->source, layers->draft, x, y, tag->line, error);
}

/* The name of the layer as ImageScope shows it; attributes inside a region are not of the layer. */
static void read_description(Layers *layers, const XmlTag *tag)
{
    g_autofree char *name = xml_attribute(tag, "Name");
    if (!layers->draft && g_strcmp0(name, "Description") == 0) {
        g_free(layers->description);
        layers->description = xml_attribute(tag, "Value");
    }
}

/* HALO's regions have no text: the first comment is what a person wrote about one. */
static void read_comment(Layers *layers, const XmlTag *tag)
{
    if (layers->draft && !*layers->draft->name) {
        char *body = xml_attribute(tag, "Body");
        g_free(layers->draft->name);
        layers->draft->name = body ? body : g_strdup("");
    }
}

static gboolean on_start(void *data, const XmlTag *tag, GError **error)
{
    Layers *layers = data;
    if (strcmp(tag->name, layers->point) == 0) {
        return add_vertex(layers, tag, error);
    }
    if (layers->vertices) {
        return source_error(layers->source, tag->line, error,
                            "<%.60s> among Vertices, where <%s> is expected", tag->name, layers->point);
    }
    if (strcmp(tag->name, "Region") == 0) {
        return start_region(layers, tag, error);
    }
    if (strcmp(tag->name, "Annotation") == 0) {
        return start_layer(layers, tag, error);
    }
    layers->vertices = strcmp(tag->name, "Vertices") == 0;
    if (strcmp(tag->name, "Attribute") == 0) {
        read_description(layers, tag);
    } else if (strcmp(tag->name, "Comment") == 0) {
        read_comment(layers, tag);
    } else if (!g_strv_contains(known, tag->name)) {
        tally_add(&layers->source->skipped, tag->name, tag->line);
    }
    return TRUE;
}

/* A Region is complete: two corners become a rectangle or an ellipse. */
static gboolean on_end(void *data, const char *name, const char *text, int line, GError **error)
{
    Layers *layers = data;
    gboolean good = TRUE;
    if (strcmp(name, "Vertices") == 0) {
        layers->vertices = FALSE;
    } else if (strcmp(name, "Annotation") == 0) {
        layers->layer = FALSE;
    } else if (strcmp(name, "Region") == 0) {
        int points =
            layers->draft
                ->points; /* an ellipse has the corners of its box: two, four, or the first one again */
        gboolean box = (layers->shape == RECTANGLE && points == 2) ||
                       (layers->shape == ELLIPSE && points >= 2 && points <= 5);
        good = !box || source_box(layers->source, layers->draft, layers->shape == ELLIPSE, line, error);
        layers->draft = NULL;
    }
    return good;
}

static gboolean read_layers(Source *source, const char *point, GError **error)
{
    static const XmlHandler handler = {on_start, on_end};
    Layers layers = {.source = source, .point = point};
    gboolean good = xml_parse(source->path, source->text, source->length, &handler, &layers, error);
    g_free(layers.id);
    g_free(layers.name);
    g_free(layers.description);
    return good;
}

gboolean imagescope_read(Source *source, GError **error)
{
    return read_layers(source, "Vertex", error);
}

gboolean halo_read(Source *source, GError **error)
{
    return read_layers(source, "V", error);
}

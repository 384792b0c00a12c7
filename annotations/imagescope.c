/* Aperio ImageScope XML.
 *
 *   <Annotations>
 *     <Annotation Id= Name= LineColor=>                       a layer: our group
 *       <Attributes><Attribute Name= Value=/></Attributes>    "Description" is what people see as the layer's name
 *       <Regions>
 *         <Region Id= Type= Text= NegativeROA=>
 *           <Vertices><Vertex X= Y= Z=/>...
 *
 * Coordinates are level-0 px.  Type 0 is freehand, 1 a rectangle, 2 an ellipse (its vertices span its box), the others are
 * lines and points.  NegativeROA="1" is a hole.
 *
 * ImageScope lets layers without a name.  Such a layer becomes the group "Layer N": no rule of the Camelyon sets names it, so
 * that a person has to say what it is, instead of lesions being lost in silence. */
#include "annotations/dialect.h"
#include "annotations/xml.h"
#include <math.h>
#include <string.h>

enum { FREEHAND, RECTANGLE, ELLIPSE };

typedef struct {
    Source *source;
    char *id, *name, *description; /* of the layer */
    Draft *draft;                  /* the region that is open, or NULL */
    int type;
} ImageScope;

gboolean imagescope_detect(const char *root)
{
    return strcmp(root, "Annotations") == 0;
}

static void start_layer(ImageScope *scope, const XmlTag *tag)
{
    g_free(scope->id);
    g_free(scope->name);
    g_clear_pointer(&scope->description, g_free);
    scope->id = xml_attribute(tag, "Id");
    scope->name = xml_attribute(tag, "Name");
}

static gboolean is_filled(const char *text)
{
    return text && *text;
}

static gboolean start_region(ImageScope *scope, const XmlTag *tag, GError **error)
{
    g_autofree char *text = xml_attribute(tag, "Text"), *negative = xml_attribute(tag, "NegativeROA");
    g_autofree char *unnamed = g_strdup_printf("Layer %s", is_filled(scope->id) ? scope->id : "?");
    const char *group = is_filled(scope->name)          ? scope->name
                        : is_filled(scope->description) ? scope->description
                                                        : unnamed;
    double type = FREEHAND;
    xml_number(tag, "Type", &type);
    scope->type = type >= FREEHAND && type <= ELLIPSE ? (int)type : -1;
    scope->draft = source_draft(scope->source, text ? text : "", group, scope->type >= 0, tag->line, error);
    if (scope->draft) {
        scope->draft->cut_out = g_strcmp0(negative, "1") == 0;
        scope->draft->repeats_first = TRUE; /* ImageScope often does, and other programs do not */
    }
    return scope->draft != NULL;
}

static gboolean add_vertex(ImageScope *scope, const XmlTag *tag, GError **error)
{
    double x, y;
    if (!scope->draft) {
        return source_error(scope->source, tag->line, error, "a Vertex outside of a Region");
    }
    if (!xml_number(tag, "X", &x) || !xml_number(tag, "Y", &y)) {
        return source_error(scope->source, tag->line, error, "a Vertex whose X and Y are not numbers");
    }
    return source_vertex(scope->source, scope->draft, x, y, tag->line, error);
}

static gboolean on_start(void *data, const XmlTag *tag, GError **error)
{
    ImageScope *scope = data;
    if (strcmp(tag->name, "Vertex") == 0) {
        return add_vertex(scope, tag, error);
    }
    if (strcmp(tag->name, "Region") == 0) {
        return start_region(scope, tag, error);
    }
    if (strcmp(tag->name, "Annotation") == 0) {
        start_layer(scope, tag);
    } else if (strcmp(tag->name, "Attribute") == 0 && !scope->draft) {
        g_autofree char *name = xml_attribute(tag, "Name");
        if (g_strcmp0(name, "Description") == 0) {
            g_free(scope->description);
            scope->description = xml_attribute(tag, "Value");
        }
    }
    return TRUE;
}

/* Replaces the corners of a box (two opposite ones or all four) by the shape within it. */
static gboolean span_box(ImageScope *scope, int line, GError **error)
{
    Draft *draft = scope->draft;
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;
    for (int i = 0; i < draft->points; i++) {
        low_x = fmin(low_x, draft->xy[2 * i]);
        high_x = fmax(high_x, draft->xy[2 * i]);
        low_y = fmin(low_y, draft->xy[2 * i + 1]);
        high_y = fmax(high_y, draft->xy[2 * i + 1]);
    }
    draft->points = 0;
    if (scope->type == ELLIPSE) {
        return source_ellipse(scope->source, draft, (low_x + high_x) / 2, (low_y + high_y) / 2,
                              (high_x - low_x) / 2, (high_y - low_y) / 2, line, error);
    }
    return source_vertex(scope->source, draft, low_x, low_y, line, error) &&
           source_vertex(scope->source, draft, high_x, low_y, line, error) &&
           source_vertex(scope->source, draft, high_x, high_y, line, error) &&
           source_vertex(scope->source, draft, low_x, high_y, line, error);
}

static gboolean on_end(void *data, const char *name, const char *text, int line, GError **error)
{
    ImageScope *scope = data;
    gboolean good = TRUE;
    if (strcmp(name, "Region") == 0) {
        int points = scope->draft->points;
        gboolean box = (scope->type == RECTANGLE && points == 2) ||
                       (scope->type == ELLIPSE && points >= 2 && points <= 5);
        good = !box || span_box(scope, line, error);
        scope->draft = NULL;
    }
    return good;
}

gboolean imagescope_read(Source *source, GError **error)
{
    static const XmlHandler handler = {on_start, on_end};
    ImageScope scope = {.source = source};
    gboolean good = xml_parse(source->path, source->text, source->length, &handler, &scope, error);
    g_free(scope.id);
    g_free(scope.name);
    g_free(scope.description);
    return good;
}

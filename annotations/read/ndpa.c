/* Hamamatsu NDPA, the annotations of NDP.view.
 *
 *   <annotations>
 *     <ndpviewstate id=>
 *       <title>...</title> ... <coordformat>nanometers</coordformat>
 *       <annotation type= displayname= color=>
 *         <closed>1</closed><pointlist><point><x/><y/></point>...</pointlist>      type freehand
 *         <x/><y/><radius/>                                                         type circle
 *
 * The title is our group; NDP.view has no other.  Coordinates are nm from the middle of the glass, so the position of the scan on the glass
 * must be known: x_px = (x_nm - offset_x_nm) / (1000 mpp_x) + width / 2, and likewise for y.  A rectangle is freehand with four points or
 * two opposite corners.  Freehand lines that are not closed, rulers (linearmeasure), arrows (pointer) and pins have no area. */
#include "annotations/read/dialect.h"
#include "annotations/read/xml.h"
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    gboolean closed;
    const char *kind; /* what it is when it has no area */
} types[] = {
    {"freehand", TRUE, "open line"},   {"circle", TRUE, "open line"}, {"pin", FALSE, "pin"},
    {"linearmeasure", FALSE, "ruler"}, {"pointer", FALSE, "arrow"},
};

/* Elements without a meaning for outlines; any other one is counted as skipped. */
static const char *const known[] = {"annotations",
                                    "title",
                                    "details",
                                    "coordformat",
                                    "lens",
                                    "showtitle",
                                    "showhistogram",
                                    "showlineprofile",
                                    "measuretype",
                                    "closed",
                                    "pointlist",
                                    "specialtype",
                                    "x",
                                    "y",
                                    "z",
                                    "radius",
                                    "x1",
                                    "y1",
                                    "x2",
                                    "y2",
                                    "icon",
                                    "stricon",
                                    "font",
                                    "fontsize",
                                    "text",
                                    NULL};

typedef struct {
    Source *source;
    gboolean points;    /* inside a pointlist */
    gboolean rectangle; /* the annotation is marked as one */
    char *title;
    Draft *draft;        /* the annotation that is being read, or NULL */
    double x, y, radius; /* NAN until read; nm */
} Ndpa;

gboolean ndpa_detect(const char *root, const char *text)
{
    return strcmp(root, "annotations") == 0;
}

/* Begins an annotation of a type of the table.  The title was read before it. */
static gboolean start_annotation(Ndpa *ndpa, const XmlTag *tag, GError **error)
{
    if (ndpa->draft) {
        return source_error(ndpa->source, tag->line, error, "an annotation within the annotation of line %d",
                            ndpa->draft->line);
    }
    g_autofree char *type = xml_attribute(tag, "type");
    guint kind = 0;
    while (kind < G_N_ELEMENTS(types) && g_strcmp0(type, types[kind].name) != 0) {
        kind++;
    }
    if (kind == G_N_ELEMENTS(types)) {
        return source_error(ndpa->source, tag->line, error,
                            "an annotation has the unknown type \"%.60s\" (known: freehand, circle, "
                            "linearmeasure, pointer, pin)",
                            type ? type : "");
    }
    /* The title serves as name and as group. */
    const char *title = ndpa->title && *ndpa->title ? ndpa->title : "Untitled";
    ndpa->draft = source_draft(ndpa->source, title, title, types[kind].closed, tag->line, error);
    g_autofree char *display = xml_attribute(tag, "displayname");
    /* Other files have <specialtype>rectangle</specialtype>. */
    ndpa->rectangle = g_strcmp0(display, "AnnotateRectangle") == 0;
    ndpa->x = ndpa->y = ndpa->radius = NAN;
    if (ndpa->draft) {
        ndpa->draft->kind = types[kind].kind;
    }
    return ndpa->draft != NULL;
}

static gboolean on_start(void *data, const XmlTag *tag, GError **error)
{
    Ndpa *ndpa = data;
    if (strcmp(tag->name, "ndpviewstate") == 0) {
        g_clear_pointer(&ndpa->title, g_free);
    } else if (strcmp(tag->name, "annotation") == 0) {
        return start_annotation(ndpa, tag, error);
    } else if (strcmp(tag->name, "point") == 0) {
        ndpa->x = ndpa->y = NAN;
    } else if (ndpa->points && !(strchr("xyz", tag->name[0]) && !tag->name[1])) {
        return source_error(ndpa->source, tag->line, error,
                            "<%.60s> in a pointlist, where <point> is expected", tag->name);
    } else if (!g_strv_contains(known, tag->name)) {
        tally_add(&ndpa->source->skipped, tag->name, tag->line);
    }
    ndpa->points = ndpa->points || strcmp(tag->name, "pointlist") == 0;
    return TRUE;
}

/* From nm relative to the middle of the glass to level-0 px.  offset_nm: the middle of the scan, which is the middle of the image. */
static double to_px(double nm, double offset_nm, double mpp, double size)
{
    return (nm - offset_nm) / (1000 * mpp) + size / 2;
}

/* Adds the point whose x and y were read; NAN, when one is missing, is refused by source_vertex. */
static gboolean add_point(Ndpa *ndpa, int line, GError **error)
{
    const SlideFrame *frame = ndpa->source->frame;
    double x = to_px(ndpa->x, frame->offset_x_nm, frame->mpp_x, frame->width);
    double y = to_px(ndpa->y, frame->offset_y_nm, frame->mpp_y, frame->height);
    return source_vertex(ndpa->source, ndpa->draft, x, y, line, error);
}

/* A circle becomes a polygon, two corners a rectangle, and a pin a point. */
static gboolean end_annotation(Ndpa *ndpa, int line, GError **error)
{
    const SlideFrame *frame = ndpa->source->frame;
    gboolean good = TRUE;
    if (ndpa->draft->points == 0 && isfinite(ndpa->radius)) {
        double x = to_px(ndpa->x, frame->offset_x_nm, frame->mpp_x, frame->width);
        double y = to_px(ndpa->y, frame->offset_y_nm, frame->mpp_y, frame->height);
        good = source_ellipse(ndpa->source, ndpa->draft, x, y, ndpa->radius / (1000 * frame->mpp_x),
                              ndpa->radius / (1000 * frame->mpp_y), line, error);
    }
    if (ndpa->rectangle && ndpa->draft->closed && ndpa->draft->points == 2) {
        good = source_box(ndpa->source, ndpa->draft, FALSE, line, error);
    }
    if (!ndpa->draft->closed && ndpa->draft->points == 0 && isfinite(ndpa->x) && isfinite(ndpa->y)) {
        good = add_point(ndpa, line, error); /* a pin */
    }
    ndpa->draft = NULL;
    return good;
}

/* Reads the elements of an annotation that hold one number; others are ignored. */
static gboolean read_value(Ndpa *ndpa, const char *name, const char *text, int line, GError **error)
{
    double *value = strcmp(name, "x") == 0        ? &ndpa->x
                    : strcmp(name, "y") == 0      ? &ndpa->y
                    : strcmp(name, "radius") == 0 ? &ndpa->radius
                                                  : NULL;
    if (value && !xml_text_number(text, value)) {
        return source_error(ndpa->source, line, error, "<%s>%.40s</%s> is not a number", name, text, name);
    }
    return TRUE;
}

/* With an empty <closed> the annotation stays as its type has it. */
static gboolean read_closed(const Ndpa *ndpa, const char *text, int line, GError **error)
{
    g_autofree char *word = g_strstrip(g_strdup(text));
    gboolean closed = TRUE;
    if (*word && !source_flag(ndpa->source, line, "<closed>", word, &closed, error)) {
        return FALSE;
    }
    ndpa->draft->closed = ndpa->draft->closed && closed;
    return TRUE;
}

/* Values are complete at the end of their element. */
static gboolean on_end(void *data, const char *name, const char *text, int line, GError **error)
{
    Ndpa *ndpa = data;
    if (strcmp(name, "title") == 0) {
        g_free(ndpa->title);
        ndpa->title = g_strstrip(g_strdup(text));
    } else if (strcmp(name, "coordformat") == 0 && strstr(text, "nanometers") == NULL) {
        return source_error(ndpa->source, line, error,
                            "coordinates are in \"%.40s\"; only nanometers are supported", text);
    }
    ndpa->points = ndpa->points && strcmp(name, "pointlist") != 0;
    if (!ndpa->draft) {
        return TRUE;
    }
    if (strcmp(name, "annotation") == 0) {
        return end_annotation(ndpa, line, error);
    }
    if (strcmp(name, "point") == 0) {
        return add_point(ndpa, line, error);
    }
    if (strcmp(name, "specialtype") == 0) {
        ndpa->rectangle = ndpa->rectangle || g_ascii_strcasecmp(text, "rectangle") == 0;
        return TRUE;
    }
    if (strcmp(name, "closed") == 0) {
        return read_closed(ndpa, text, line, error);
    }
    return read_value(ndpa, name, text, line, error);
}

gboolean ndpa_read(Source *source, GError **error)
{
    static const XmlHandler handler = {on_start, on_end};
    const SlideFrame *frame = source->frame;
    if (frame->width <= 0 || frame->height <= 0 || frame->mpp_x <= 0 || frame->mpp_y <= 0 ||
        !isfinite(frame->offset_x_nm) || !isfinite(frame->offset_y_nm)) {
        return source_error(
            source, 1, error,
            "NDPA has coordinates in nm from the middle of the glass: the slide's size, mpp and offset "
            "(hamamatsu.XOffsetFromSlideCentre, YOffsetFromSlideCentre) are needed to read it");
    }
    Ndpa ndpa = {.source = source};
    gboolean good = xml_parse(source->path, source->text, source->length, &handler, &ndpa, error);
    g_free(ndpa.title);
    return good;
}

/* GeoJSON for QuPath, written feature by feature.
 *
 * QuPath has holes only as inner rings, so for each not-lesion outline we look for the lesions that it is cut out of.  Whether it is inside a
 * lesion, outside, or across its border follows from areas within the hole's box: of the union, and of each of the two (exact, see
 * boundary.c).  Areas also decide for shared borders, where tests for crossing edges fail.  Across a border no ring can be written: the
 * outline becomes an object of its own, as do those outside all lesions, and annotation_read gives back the same regions.
 *
 * A hole of a family becomes a ring of the outlines of its family.  Where it crosses their border the ring would be invalid for JTS, QuPath's
 * geometry library: then it becomes an object of its own too, unless another lesion is in it. */
#include "annotations/write/annotation_write.h"
#include "annotations/outline/box.h"
#include "annotations/raster/raster.h"
#include "annotations/write/geojson_feature.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* An outline of the annotation and what the writer has found out about it. */
typedef struct {
    const Outline *outline;
    Box box;
    GArray *holes;    /* guint: indices of the outlines that are inner rings of this one; NULL = none */
    gboolean is_ring; /* it is an inner ring itself, so not an object */
} Part;

/* ---- which hole belongs to which lesion ---- */

/* The lesion area of one outline, or of two together (other may be NULL). */
static gboolean area_of(const Outline *one, const Outline *other, double *area, GError **error)
{
    const Outline *both[] = {one, other};
    g_autoptr(GPtrArray) outlines = g_ptr_array_new();
    for (int i = 0; i < 2 && both[i]; i++) {
        g_ptr_array_add(outlines, (void *)both[i]);
    }
    Annotation annotation = {.path = (char *)"annotation", .outlines = outlines};
    g_autoptr(Raster) raster = raster_build(&annotation, error);
    *area = raster ? raster_area(raster) : 0;
    return raster != NULL;
}

/* One pass of Sutherland and Hodgman's polygon clipping (Reentrant polygon clipping, CACM 1974): keeps what has sign * coordinate <=
 * sign * limit.  Winding numbers inside the half-plane stay the same.  Returns the number of points in `out`, which has room for twice as
 * many as `in`. */
static int clip_side(const double *in, int points, int axis, double sign, double limit, double *out)
{
    int kept = 0;
    for (int i = 0; i < points; i++) {
        const double *u = &in[2 * i], *v = &in[2 * ((i + 1) % points)];
        gboolean inside = sign * u[axis] <= sign * limit, next = sign * v[axis] <= sign * limit;
        if (inside) {
            memcpy(&out[2 * kept++], u, 2 * sizeof *u);
        }
        if (inside != next) {
            /* The edge crosses the side at u + t (v - u). */
            double t = (limit - u[axis]) / (v[axis] - u[axis]);
            out[2 * kept + axis] = limit;
            out[2 * kept + !axis] = u[!axis] + t * (v[!axis] - u[!axis]);
            kept++;
        }
    }
    return kept;
}

/* The part of a lesion inside a box.  Caller frees; NULL with error. */
static Outline *clip(const Outline *lesion, const Box *box, GError **error)
{
    const double limits[] = {box->low_x, box->high_x, box->low_y, box->high_y};
    g_autofree double *xy = NULL;
    int points = lesion->points;
    for (int side = 0; side < 4; side++) {
        double *kept = wsi_try_alloc((size_t)points, 4 * sizeof *kept, "clipping an outline", error);
        if (!kept) {
            return NULL;
        }
        /* Sides: left, right, top, bottom. */
        points = clip_side(xy ? xy : lesion->xy, points, side / 2, side % 2 ? 1 : -1, limits[side], kept);
        g_free(xy);
        xy = kept;
    }
    return outline_new("", "", LABEL_LESION, points, xy);
}

typedef enum { OUTSIDE, INSIDE, ACROSS } Relation;

/* Whether a hole is outside or inside a lesion or across its border. */
static gboolean relate(const Part *hole, const Part *lesion, Relation *relation, GError **error)
{
    *relation = OUTSIDE;
    if (!boxes_meet(&hole->box, &lesion->box)) {
        return TRUE;
    }
    g_autoptr(Outline) part = clip(lesion->outline, &hole->box, error);
    double both, in_lesion, in_hole;
    /* Raster areas are those of lesions, so the hole is measured as if it were one. */
    Outline same = *hole->outline;
    same.label = LABEL_LESION;
    same.family = 0;
    same.hole = FALSE;
    if (!part || !area_of(&same, part, &both, error) || !area_of(part, NULL, &in_lesion, error) ||
        !area_of(&same, NULL, &in_hole, error)) {
        return FALSE;
    }
    /* |L u H| = |L| when the hole H is inside the lesion L, and |L| + |H| when they do not meet. */
    double little = 1e-9 * both;
    *relation = both <= in_lesion + little ? INSIDE : both >= in_lesion + in_hole - little ? OUTSIDE : ACROSS;
    return TRUE;
}

static void add_ring(Part *parts, guint outer, guint ring)
{
    Part *part = &parts[outer];
    part->holes = part->holes ? part->holes : g_array_new(FALSE, FALSE, sizeof(guint));
    g_array_append_val(part->holes, ring);
    parts[ring].is_ring = TRUE;
}

/* Makes part `index`, a not-lesion outline, an inner ring of all lesions around it, unless it crosses the border of one. */
static gboolean attach_exclusion(Part *parts, guint count, guint index, GError **error)
{
    g_autoptr(GArray) around = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < count; i++) {
        const Outline *outline = parts[i].outline;
        Relation relation;
        if (!outline->closed || outline->hole || outline->label != LABEL_LESION) {
            continue;
        }
        if (!relate(&parts[index], &parts[i], &relation, error)) {
            return FALSE;
        }
        if (relation == ACROSS) {
            return TRUE;
        }
        if (relation == INSIDE) {
            g_array_append_val(around, i);
        }
    }
    for (guint k = 0; k < around->len; k++) {
        add_ring(parts, g_array_index(around, guint, k), index);
    }
    return TRUE;
}

/* Makes part `index`, a hole, an inner ring of the outlines of its family that it takes something from. */
static gboolean attach_hole(Part *parts, guint count, guint index, GError **error)
{
    const Outline *hole = parts[index].outline;
    gboolean across = FALSE, shared = hole->label != LABEL_LESION;
    g_autoptr(GArray) around = g_array_new(FALSE, FALSE, sizeof(guint));
    parts[index].is_ring = TRUE; /* of no outline when it takes nothing from any */
    for (guint i = 0; i < count; i++) {
        const Outline *outline = parts[i].outline;
        Relation relation = OUTSIDE;
        gboolean own = outline->family == hole->family;
        if (!outline->closed || outline->hole || (!own && outline->label != LABEL_LESION)) {
            continue;
        }
        if (!relate(&parts[index], &parts[i], &relation, error)) {
            return FALSE;
        }
        shared = shared || (!own && relation != OUTSIDE);
        across = across || (own && relation == ACROSS);
        if (own && relation != OUTSIDE) {
            g_array_append_val(around, i);
        }
    }
    /* A hole across its outline's border is still written as a ring when another lesion is in it: as an object it would cut that one too. */
    parts[index].is_ring = !across || shared;
    for (guint k = 0; parts[index].is_ring && k < around->len; k++) {
        add_ring(parts, g_array_index(around, guint, k), index);
    }
    return TRUE;
}

/* Whether the outline has holes, so it cannot be a ring itself. */
static gboolean has_holes(const Part *parts, guint count, guint index)
{
    const Outline *outline = parts[index].outline;
    gboolean found = FALSE;
    for (guint i = 0; outline->family && !found && i < count; i++) {
        found = parts[i].outline->hole && parts[i].outline->family == outline->family;
    }
    return found;
}

/* ---- text ---- */

/* An outline with holes is a MultiPolygon of one polygon, whose outer ring comes first. */
static gboolean write_geometry(GeojsonWriter *writer, const Part *parts, const Part *part, GError **error)
{
    const Outline *outline = part->outline;
    const char *type = !outline->closed ? "MultiPoint" : part->holes ? "MultiPolygon" : "Polygon";
    g_string_append_printf(writer->out.text, "{\"type\":\"%s\",\"coordinates\":", type);
    if (!outline->closed) {
        gboolean good = geojson_feature_points(writer, outline->xy, outline->points, FALSE, error);
        g_string_append_c(writer->out.text, '}');
        return good;
    }
    g_string_append(writer->out.text, part->holes ? "[[" : "[");
    if (!geojson_feature_points(writer, outline->xy, outline->points, TRUE, error)) {
        return FALSE;
    }
    for (guint k = 0; part->holes && k < part->holes->len; k++) {
        const Outline *hole = parts[g_array_index(part->holes, guint, k)].outline;
        g_string_append_c(writer->out.text, ',');
        if (!geojson_feature_points(writer, hole->xy, hole->points, TRUE, error)) {
            return FALSE;
        }
    }
    g_string_append(writer->out.text, part->holes ? "]]}" : "]}");
    return TRUE;
}

/* The id comes after the geometry, since it is a hash of the coordinates. */
static gboolean write_feature(GeojsonWriter *writer, const Part *parts, guint index, gboolean comma,
                              GError **error)
{
    const Outline *outline = parts[index].outline;
    /* The number tells two equal outlines apart. */
    g_autofree char *number = g_strdup_printf("%u:", index);
    geojson_feature_begin_id(writer, number);
    g_string_append_printf(writer->out.text, "%s{\"type\":\"Feature\",\"geometry\":", comma ? ",\n" : "");
    if (!write_geometry(writer, parts, &parts[index], error)) {
        return FALSE;
    }
    gboolean excluded = outline->label == LABEL_NOT_LESION || outline->hole,
             lesion = outline->label == LABEL_LESION && !excluded;
    g_autofree char *name = geojson_feature_quoted(outline->name);
    g_autofree char *class = geojson_feature_quoted(lesion     ? "Tumor"
                                                    : excluded ? "Exclusion"
                                                               : outline->group);
    g_string_append(writer->out.text, ",\"id\":\"");
    geojson_feature_end_id(writer);
    g_string_append_printf(
        writer->out.text,
        "\",\"properties\":{\"objectType\":\"annotation\",\"name\":%s,\"classification\":{\"name\":%s,"
        "\"color\":%s}}}",
        name, class,
        lesion     ? "[200,0,0]"
        : excluded ? "[0,0,200]"
                   : "[128,128,128]");
    return text_writer_flush(&writer->out, TEXT_WRITER_BYTES, error);
}

/* ---- the whole ---- */

static gboolean write_all(GeojsonWriter *writer, Part *parts, const GPtrArray *outlines, GError **error)
{
    gboolean comma = FALSE;
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        parts[i] = (Part){outline, box_of(outline->xy, outline->points), NULL, FALSE};
    }
    /* Which outlines are rings must be known before the first feature is written. */
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = parts[i].outline;
        gboolean exclusion = outline->closed && !outline->hole && outline->label == LABEL_NOT_LESION &&
                             !has_holes(parts, outlines->len, i);
        if (outline->hole ? !attach_hole(parts, outlines->len, i, error)
                          : exclusion && !attach_exclusion(parts, outlines->len, i, error)) {
            return FALSE;
        }
    }
    g_string_append(writer->out.text, "{\"type\":\"FeatureCollection\",\"features\":[\n");
    for (guint i = 0; i < outlines->len; i++) {
        if (parts[i].is_ring) {
            continue;
        }
        if (!write_feature(writer, parts, i, comma, error)) {
            return FALSE;
        }
        comma = TRUE;
    }
    g_string_append(writer->out.text, "\n]}\n");
    return text_writer_flush(&writer->out, 0, error);
}

gboolean geojson_write_in_frame(const char *path, const Annotation *annotation, const SlideFrame *frame,
                                char sha256[65], GError **error)
{
    g_autoptr(Durable) file = durable_open(path, error);
    g_autofree Part *parts =
        wsi_try_alloc(annotation->outlines->len, sizeof *parts, "the outlines", file ? error : NULL);
    if (!file || !parts) {
        return FALSE;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GChecksum) identity = g_checksum_new(G_CHECKSUM_SHA1);
    GeojsonWriter writer = {.out = {.file = file, .text = text},
                            .identity = identity,
                            .bounds_x = frame->bounds_x,
                            .bounds_y = frame->bounds_y};
    gboolean good =
        write_all(&writer, parts, annotation->outlines, error) && durable_commit(file, sha256, NULL, error);
    for (guint i = 0; i < annotation->outlines->len; i++) {
        g_clear_pointer(&parts[i].holes, g_array_unref);
    }
    return good;
}

gboolean geojson_write(const char *path, const Annotation *annotation, char sha256[65], GError **error)
{
    SlideFrame frame = {0};
    return geojson_write_in_frame(path, annotation, &frame, sha256, error);
}

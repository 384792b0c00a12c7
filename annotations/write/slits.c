/* Holes for a dialect without holes: ASAP, where what is not lesion is cut out of every lesion.
 *
 * A hole of a lesion becomes a not-lesion outline where no lesion of another family is near.  Elsewhere, and in outlines that are not lesion
 * themselves, it is joined to the outline around it by a slit: an edge there and back, without area.  The hole runs against the direction of
 * its outline, so the winding number inside it is 0.  This is right where the hole is inside its outline and overlaps no other hole.  Areas
 * verify that: a wrong join can only add to the region. */
#include "annotations/write/slits.h"
#include "annotations/outline/box.h"
#include "annotations/raster/raster.h"
#include "annotations/outline/tally.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* Whether the hole can be cut out of all lesions: no lesion of another family meets its box. */
static gboolean is_free(const GPtrArray *outlines, const Box *boxes, guint hole)
{
    const Outline *own = outlines->pdata[hole];
    gboolean is = own->label == LABEL_LESION;
    for (guint i = 0; is && i < outlines->len; i++) {
        const Outline *other = outlines->pdata[i];
        is = other->family == own->family || other->hole || !other->closed || other->label != LABEL_LESION ||
             !boxes_meet(&boxes[i], &boxes[hole]);
    }
    return is;
}

/* By the shoelace formula, as a fan of triangles from the first point; the sign is the direction of the ring. */
static double signed_area(const double *xy, int points)
{
    double twice = 0;
    for (int i = 1; i + 1 < points; i++) {
        twice +=
            (xy[2 * i] - xy[0]) * (xy[2 * i + 3] - xy[1]) - (xy[2 * i + 2] - xy[0]) * (xy[2 * i + 1] - xy[1]);
    }
    return twice / 2;
}

/* Appends to the outer ring its own first point, the hole in the opposite direction, and the hole's first point.  outer_points: how many points
 * the ring had before any hole was joined. */
static gboolean join(Outline *outer, int outer_points, const Outline *hole, GError **error)
{
    int points = outer->points + hole->points + 2;
    double *xy = g_try_realloc_n(outer->xy, (gsize)points, 2 * sizeof(double));
    if (!xy) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %d vertices", points);
        return FALSE;
    }
    outer->xy = xy;
    /* Both rings in the same direction: the hole is appended backwards. */
    gboolean same = (signed_area(xy, outer_points) > 0) == (signed_area(hole->xy, hole->points) > 0);
    double *to = xy + 2 * outer->points;
    memcpy(to, xy, 2 * sizeof(double));
    /* hole->points + 1 points: the hole ends where it began, and the edge back to the outer ring closes the slit. */
    for (int i = 0; i <= hole->points; i++) {
        int from = i % hole->points;
        from = same && from ? hole->points - from : from;
        memcpy(to + 2 * (i + 1), hole->xy + 2 * from, 2 * sizeof(double));
    }
    outer->points = points;
    return TRUE;
}

/* The lesion area of outlines. */
static gboolean area_of(const GPtrArray *outlines, double *area, GError **error)
{
    Annotation annotation = {.path = (char *)"annotation", .outlines = (GPtrArray *)outlines};
    g_autoptr(Raster) raster = raster_build(&annotation, error);
    *area = raster ? raster_area(raster) : 0;
    return raster != NULL;
}

/* Checks that the joined outline covers what the outline minus its holes covers. */
static gboolean check_join(const Outline *joined, const GPtrArray *parts, GError **error)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    double is, should;
    g_ptr_array_add(one, (void *)joined);
    if (!area_of(one, &is, error) || !area_of(parts, &should, error)) {
        return FALSE;
    }
    /* A wrong join adds area where a hole crosses a border or another hole. */
    if (is - should > 1e-9 * is) {
        g_autofree char *name = tally_shown_name(joined->name ? joined->name : "");
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the holes of annotation \"%s\" cross its border or each other, and another lesion is near: "
            "ASAP XML cannot express that; write GeoJSON",
            name);
    }
    return is - should <= 1e-9 * is;
}

/* A copy of an outline without family, joined to those of its holes that are not free.  Caller frees; NULL with error. */
static Outline *with_slits(const GPtrArray *outlines, const Box *boxes, const gboolean *freed, guint index,
                           GError **error)
{
    const Outline *outline = outlines->pdata[index];
    g_autoptr(Outline) copy =
        outline_new(outline->name, outline->group, outline->label, outline->points, outline->xy);
    copy->closed = outline->closed;
    g_autoptr(GPtrArray) views = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < outlines->len && outline->family; i++) {
        const Outline *hole = outlines->pdata[i];
        if (!hole->hole || hole->family != outline->family || freed[i] ||
            !boxes_meet(&boxes[i], &boxes[index])) {
            continue;
        }
        if (!join(copy, outline->points, hole, error)) {
            return NULL;
        }
        g_ptr_array_add(views, g_memdup2(hole, sizeof *hole));
    }
    if (views->len == 0) {
        return g_steal_pointer(&copy);
    }
    g_ptr_array_add(views, g_memdup2(outline, sizeof *outline));
    for (guint i = 0; i < views->len; i++) {
        Outline *view = views->pdata[i];
        view->family = 1;
        view->label = LABEL_LESION; /* only lesions have an area */
    }
    OutlineLabel label = copy->label;
    copy->label = LABEL_LESION;
    gboolean good = check_join(copy, views, error);
    copy->label = label;
    return good ? g_steal_pointer(&copy) : NULL;
}

GPtrArray *slits_outlines(const Annotation *annotation, GError **error)
{
    const GPtrArray *outlines = annotation->outlines;
    g_autofree Box *boxes = wsi_try_alloc(outlines->len, sizeof *boxes, "outlines", error);
    g_autofree gboolean *freed =
        boxes ? wsi_try_alloc(outlines->len, sizeof *freed, "outlines", error) : NULL;
    g_autoptr(GPtrArray) plain = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    if (!freed) {
        return NULL;
    }
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        boxes[i] = box_of(outline->xy, outline->points);
    }
    /* Free holes become outlines that are not lesion; the others are joined to theirs. */
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        freed[i] = outline->hole && is_free(outlines, boxes, i);
    }
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        if (outline->hole && !freed[i]) {
            continue; /* it is joined to its outlines */
        }
        Outline *copy = freed[i] ? outline_new(outline->name, outline->group, LABEL_NOT_LESION,
                                               outline->points, outline->xy)
                                 : with_slits(outlines, boxes, freed, i, error);
        if (!copy) {
            return NULL;
        }
        g_ptr_array_add(plain, copy);
    }
    return g_steal_pointer(&plain);
}

/* Holes for a dialect that has none of its own: ASAP, where what is not lesion is cut out of every lesion.
 *
 * A hole of a lesion becomes an outline that is not lesion where no lesion of another family is near.  Elsewhere, and in what is not
 * lesion itself, it is joined to the outline around it by a slit (there and back, so without area) against that one's direction, which
 * makes the winding number 0 inside.  That is right where the hole is within its outline and overlaps no other; the areas tell, since a
 * wrong join only ever adds to the region. */
#include "annotations/dialect.h"
#include "annotations/raster.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

typedef struct {
    double low_x, low_y, high_x, high_y;
} Box;

static Box box_of(const Outline *outline)
{
    Box box = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < outline->points; i++) {
        box.low_x = fmin(box.low_x, outline->xy[2 * i]);
        box.high_x = fmax(box.high_x, outline->xy[2 * i]);
        box.low_y = fmin(box.low_y, outline->xy[2 * i + 1]);
        box.high_y = fmax(box.high_y, outline->xy[2 * i + 1]);
    }
    return box;
}

static gboolean meet(const Box *a, const Box *b)
{
    return a->low_x < b->high_x && a->high_x > b->low_x && a->low_y < b->high_y && a->high_y > b->low_y;
}

/* Whether the hole can be cut out of all lesions without harm. */
static gboolean is_free(const GPtrArray *outlines, const Box *boxes, guint hole)
{
    const Outline *own = outlines->pdata[hole];
    gboolean is = own->label == LABEL_LESION;
    for (guint i = 0; is && i < outlines->len; i++) {
        const Outline *other = outlines->pdata[i];
        is = other->family == own->family || other->hole || !other->closed || other->label != LABEL_LESION ||
             !meet(&boxes[i], &boxes[hole]);
    }
    return is;
}

static double signed_area(const double *xy, int points)
{
    double twice = 0;
    for (int i = 1; i + 1 < points; i++) {
        twice +=
            (xy[2 * i] - xy[0]) * (xy[2 * i + 3] - xy[1]) - (xy[2 * i + 2] - xy[0]) * (xy[2 * i + 1] - xy[1]);
    }
    return twice / 2;
}

/* Appends to the outer ring: its own first point, the hole in the opposite direction, the hole's first point. */
static gboolean join(Outline *outer, int outer_points, const Outline *hole, GError **error)
{
    int points = outer->points + hole->points + 2;
    double *xy = g_try_realloc_n(outer->xy, (gsize)points, 2 * sizeof(double));
    if (!xy) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %d vertices", points);
        return FALSE;
    }
    outer->xy = xy;
    gboolean same = (signed_area(xy, outer_points) > 0) == (signed_area(hole->xy, hole->points) > 0);
    double *to = xy + 2 * outer->points;
    memcpy(to, xy, 2 * sizeof(double));
    for (int i = 0; i <= hole->points; i++) {
        int from = i % hole->points;
        from = same && from ? hole->points - from : from;
        memcpy(to + 2 * (i + 1), hole->xy + 2 * from, 2 * sizeof(double));
    }
    outer->points = points;
    return TRUE;
}

static gboolean area_of(const GPtrArray *outlines, double *area, GError **error)
{
    Annotation annotation = {.path = (char *)"annotation", .outlines = (GPtrArray *)outlines};
    g_autoptr(Raster) raster = raster_build(&annotation, error);
    *area = raster ? raster_area(raster) : 0;
    return raster != NULL;
}

/* Whether the joined outline is what it and the holes were. */
static gboolean check_join(const Outline *joined, const GPtrArray *parts, GError **error)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    double is, should;
    g_ptr_array_add(one, (void *)joined);
    if (!area_of(one, &is, error) || !area_of(parts, &should, error)) {
        return FALSE;
    }
    if (is - should > 1e-9 * is) {
        g_autofree char *name = shown_name(joined->name ? joined->name : "");
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the holes of annotation \"%s\" cross its border or one another, and another lesion is near: "
            "ASAP XML has no form for that; write GeoJSON",
            name);
    }
    return is - should <= 1e-9 * is;
}

/* A copy without family, to which the holes are joined that have to be. NULL with error. */
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
        if (!hole->hole || hole->family != outline->family || freed[i] || !meet(&boxes[i], &boxes[index])) {
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
        view->label = LABEL_LESION; /* areas are those of lesions */
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
        boxes[i] = box_of(outlines->pdata[i]);
    }
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        freed[i] = outline->hole && is_free(outlines, boxes, i);
    }
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        if (outline->hole && !freed[i]) {
            continue; /* joined to another */
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

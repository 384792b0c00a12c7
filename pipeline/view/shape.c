/* Areas come from annotations/raster, by the rules that training uses for the same outlines: the winding number decides, and holes are
 * cut out one by one. */
#include "pipeline/view/shape.h"
#include "annotations/raster/raster.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>

Shape *shape_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
}

static GArray *read_ring(const json_t *positions, double dx, double dy, GError **error)
{
    g_autoptr(GArray) ring = g_array_new(FALSE, FALSE, sizeof(double));
    for (size_t i = 0; i < json_array_size(positions); i++) {
        const json_t *at = json_array_get(positions, i), *x = json_array_get(at, 0),
                     *y = json_array_get(at, 1);
        double xy[2] = {json_number_value(x) + dx, json_number_value(y) + dy};
        if (json_array_size(at) != 2 || !json_is_number(x) || !json_is_number(y) || !isfinite(xy[0]) ||
            !isfinite(xy[1])) {
            wsi_error_input(error, "point %zu of a ring is not [x, y]", i + 1);
            return NULL;
        }
        g_array_append_vals(ring, xy, 2);
    }
    const double *xy = (const double *)(void *)ring->data;
    if (ring->len >= 4 && xy[0] == xy[ring->len - 2] && xy[1] == xy[ring->len - 1]) {
        g_array_set_size(ring, ring->len - 2);
    }
    if (ring->len < 6) {
        wsi_error_input(error, "a ring has %u points; it needs at least 3", ring->len / 2);
        return NULL;
    }
    return g_steal_pointer(&ring);
}

Shape *shape_read(const json_t *rings, double dx, double dy, GError **error)
{
    g_autoptr(Shape) shape = shape_new();
    for (size_t i = 0; i < json_array_size(rings); i++) {
        GArray *ring = read_ring(json_array_get(rings, i), dx, dy, error);
        if (!ring) {
            return NULL;
        }
        g_ptr_array_add(shape, ring);
    }
    if (shape->len == 0) {
        wsi_error_input(error, "a region has no ring");
        return NULL;
    }
    return g_steal_pointer(&shape);
}

Shape *shape_parse(const char *text, GError **error)
{
    json_error_t why;
    json_auto_t *rings = json_loads(text, 0, &why);
    if (!rings) {
        wsi_error_input(error, "the outline of a region is not JSON: %s", why.text);
        return NULL;
    }
    return shape_read(rings, 0, 0, error);
}

json_t *shape_json(const Shape *shape)
{
    json_t *rings = json_array();
    for (guint i = 0; i < shape->len; i++) {
        const GArray *ring = shape->pdata[i];
        json_t *positions = json_array();
        for (guint k = 0; k < ring->len; k += 2) {
            json_t *at = json_array();
            json_array_append_new(at, json_real(g_array_index(ring, double, k)));
            json_array_append_new(at, json_real(g_array_index(ring, double, k + 1)));
            json_array_append_new(positions, at);
        }
        json_array_append_new(rings, positions);
    }
    return rings;
}

char *shape_text(const Shape *shape)
{
    json_auto_t *rings = shape_json(shape);
    char *dumped = json_dumps(rings, JSON_COMPACT), *text = g_strdup(dumped);
    free(dumped);
    return text;
}

Rect shape_box(const Shape *shape)
{
    const GArray *ring = shape->pdata[0];
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (guint k = 0; k < ring->len; k++) {
        low[k % 2] = fmin(low[k % 2], g_array_index(ring, double, k));
        high[k % 2] = fmax(high[k % 2], g_array_index(ring, double, k));
    }
    return (Rect){low[0], low[1], high[0] - low[0], high[1] - low[1]};
}

gboolean shape_boxes_meet(const Rect *a, const Rect *b)
{
    return a->x <= b->x + b->width && b->x <= a->x + a->width && a->y <= b->y + b->height &&
           b->y <= a->y + a->height;
}

void shape_centre(const Shape *shape, double *x, double *y)
{
    const GArray *ring = shape->pdata[0];
    const Rect box = shape_box(shape);
    const double x0 = box.x + box.width / 2, y0 = box.y + box.height / 2;
    double twice = 0, sum_x = 0, sum_y = 0;
    for (guint k = 0; k < ring->len;
         k += 2) { /* relative to the box's middle, or small areas lose their digits */
        guint next = (k + 2) % ring->len;
        double ax = g_array_index(ring, double, k) - x0, ay = g_array_index(ring, double, k + 1) - y0;
        double bx = g_array_index(ring, double, next) - x0, by = g_array_index(ring, double, next + 1) - y0;
        double cross = ax * by - bx * ay;
        twice += cross;
        sum_x += (ax + bx) * cross;
        sum_y += (ay + by) * cross;
    }
    *x = x0 + (twice != 0 ? sum_x / (3 * twice) : 0);
    *y = y0 + (twice != 0 ? sum_y / (3 * twice) : 0);
}

void shape_append(const Shape *shape, OutlineLabel label, int family, GPtrArray *outlines)
{
    for (guint i = 0; i < shape->len; i++) {
        const GArray *ring = shape->pdata[i];
        Outline *outline = outline_new("", "", label, (int)ring->len / 2, (const double *)(void *)ring->data);
        outline->family = family;
        outline->hole = i > 0;
        g_ptr_array_add(outlines, outline);
    }
}

/* The area of one shape, or of two together (b may be NULL). */
static gboolean area_of(const Shape *a, const Shape *b, double *area, GError **error)
{
    g_autoptr(GPtrArray) outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    shape_append(a, LABEL_LESION, 1, outlines);
    if (b) {
        shape_append(b, LABEL_LESION, 2, outlines);
    }
    const Annotation annotation = {.path = (char *)"review", .outlines = outlines};
    g_autoptr(Raster) raster = raster_build(&annotation, error);
    *area = raster ? raster_area(raster) : 0;
    return raster != NULL;
}

gboolean shape_area(const Shape *shape, double *area, GError **error)
{
    return area_of(shape, NULL, area, error);
}

gboolean shape_iou(const Shape *a, const Shape *b, double *iou, GError **error)
{
    const Rect box_a = shape_box(a), box_b = shape_box(b);
    double one = 0, other = 0, either = 0;
    *iou = 0;
    if (!shape_boxes_meet(&box_a, &box_b)) {
        return TRUE;
    }
    if (!area_of(a, NULL, &one, error) || !area_of(b, NULL, &other, error) ||
        !area_of(a, b, &either, error)) {
        return FALSE;
    }
    *iou = either > 0 ? CLAMP((one + other - either) / either, 0, 1) : 0;
    return TRUE;
}

Shape *shape_read_drawn(const json_t *ring, double width, double height, GError **error)
{
    json_auto_t *rings = json_pack("[O]", ring);
    g_autoptr(Shape) shape = shape_read(rings, 0, 0, error);
    double area;
    if (!shape) {
        return NULL;
    }
    const Rect box = shape_box(shape);
    if (box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height) {
        wsi_error_input(error,
                        "the ring reaches from (%.1f, %.1f) to (%.1f, %.1f); the slide has %.0f x %.0f px",
                        box.x, box.y, box.x + box.width, box.y + box.height, width, height);
        return NULL;
    }
    if (!shape_area(shape, &area, error)) {
        return NULL;
    }
    if (area < 1) {
        wsi_error_input(error, "the ring encloses %.3g px; it must be at least 1", area);
        return NULL;
    }
    return g_steal_pointer(&shape);
}

/* From decisions to outlines.
 *
 * A partly reviewed slide must not become "all the rest is normal".  So the rest is an outline of its own, the whole slide without the regions
 * that somebody decided on.  Being an outline, it survives QuPath and any other program, and a person sees what it says.
 *
 * A region is its outer ring without its holes, here as everywhere.  What cuts it is subtracted as an area (annotations/raster/polygons.h), so
 * regions may be nested in holes and overlap in any way.  Regions that nothing is taken from keep their rings.
 *
 * Outlines of regions have the coordinates that regions.geojson has, and therefore its ids: imported into QuPath, a confirmed region replaces the
 * one that the run found. */
#include "pipeline/view/review_export.h"
#include "annotations/raster/polygons.h"
#include "annotations/write/object_write.h"
#include "base/csv.h"
#include "base/durable.h"
#include "pipeline/cohort/annotation_files.h"
#include "pipeline/slide/review_groups.h"
#include "pipeline/view/shape.h"
#include <math.h>

/* One region that somebody decided on. */
typedef struct {
    Shape *shape;
    Rect box;
    gboolean lesion;
    int64_t revision;
    char *name, *class;
    GPtrArray *left; /* Outline*: where newer items take something from it; otherwise NULL */
    double area;     /* of what is left, px^2 */
} Item;

static void item_clear(gpointer data)
{
    Item *item = data;
    if (item->shape) {
        g_ptr_array_unref(item->shape);
    }
    g_clear_pointer(&item->left, g_ptr_array_unref);
    g_free(item->name);
    g_free(item->class);
}

static gboolean add_item(GArray *items, Shape *shape, gboolean lesion, int64_t revision, char *name,
                         char *class)
{
    Item item = {shape, {0, 0, 0, 0}, lesion, revision, name, class, NULL, 0};
    item.box = shape ? shape_box(shape) : item.box;
    g_array_append_val(items, item);
    return shape != NULL;
}

/* What the review says of regions: array of Item. */
static GArray *items_of(const Review *review, GError **error)
{
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(Item));
    g_array_set_clear_func(items, item_clear);
    for (guint i = 0; i < review->decisions->len; i++) {
        const ReviewDecision *decision = review->decisions->pdata[i];
        const gboolean lesion = g_str_equal(decision->state, "confirmed");
        if (decision->superseded || g_str_equal(decision->state, "open")) {
            continue;
        }
        char *class =
            lesion ? g_strdup(REVIEW_CONFIRMED) : g_strdup_printf(REVIEW_REJECTED ", %s", decision->reason);
        if (!add_item(items, shape_parse(decision->outline, error), lesion, decision->revision,
                      g_strdup(decision->region), class)) {
            return NULL;
        }
    }
    for (guint i = 0; i < review->drawn->len; i++) {
        const ReviewDrawn *drawn = review->drawn->pdata[i];
        const gboolean lesion = g_str_equal(drawn->label, "lesion");
        g_autofree char *rings = g_strdup_printf("[%s]", drawn->ring);
        if (!add_item(items, shape_parse(rings, error), lesion, drawn->revision,
                      g_strdup_printf("drawn %d", drawn->id),
                      g_strdup(lesion ? REVIEW_DRAWN_LESION : REVIEW_DRAWN_NORMAL))) {
            return NULL;
        }
    }
    return g_steal_pointer(&items);
}

/* ---- what is left of them ---- */

enum { LEAST_PX = 1 }; /* of less than this no reader makes anything */

/* A shape without the shapes of the items that cut it: outlines, or NULL where they take nothing from it.  *area: what is left, px^2. */
static gboolean cut(const Shape *shape, const GPtrArray *cutters, GPtrArray **left, double *area,
                    GError **error)
{
    g_autoptr(GPtrArray) outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    double whole;
    *left = NULL;
    if (!shape_area(shape, &whole, error)) {
        return FALSE;
    }
    *area = whole;
    if (cutters->len == 0) {
        return TRUE;
    }
    shape_append(shape, LABEL_LESION, 1, outlines);
    for (guint i = 0; i < cutters->len; i++) {
        shape_append(((const Item *)cutters->pdata[i])->shape, LABEL_NOT_LESION, (int)i + 2, outlines);
    }
    const Annotation annotation = {.path = (char *)"review", .outlines = outlines};
    g_autoptr(Raster) raster = raster_build(&annotation, error);
    *area = raster ? raster_area(raster) : 0;
    if (raster && *area < whole * (1 - 1e-9)) {
        *left = raster_polygons(raster, error);
    }
    return raster && (*left || *area >= whole * (1 - 1e-9));
}

/* The newer items that say otherwise. */
static GPtrArray *cutters_of(const GArray *items, const Item *item)
{
    GPtrArray *cutters = g_ptr_array_new();
    for (guint i = 0; i < items->len; i++) {
        const Item *other = &g_array_index(items, Item, i);
        if (other->lesion != item->lesion && other->revision > item->revision &&
            shape_boxes_meet(&other->box, &item->box)) {
            g_ptr_array_add(cutters, (gpointer)other);
        }
    }
    return cutters;
}

/* Finds what is left of each item. */
static gboolean cut_items(GArray *items, GError **error)
{
    for (guint i = 0; i < items->len; i++) {
        Item *item = &g_array_index(items, Item, i);
        g_autoptr(GPtrArray) cutters = cutters_of(items, item);
        if (!cut(item->shape, cutters, &item->left, &item->area, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

gboolean review_export_overruled(const Review *review, int *count, GError **error)
{
    g_autoptr(GArray) items = items_of(review, error);
    *count = 0;
    if (!items || !cut_items(items, error)) {
        return FALSE;
    }
    for (guint i = 0; i < items->len; i++) {
        *count += g_array_index(items, Item, i).area < LEAST_PX;
    }
    return TRUE;
}

/* ---- the outlines ---- */

static gboolean add_object(ObjectWriter *writer, const char *name, const char *class, const uint8_t colour[3],
                           const GPtrArray *outlines, GError **error)
{
    g_autofree ObjectRing *rings = g_new(ObjectRing, outlines->len + 1);
    for (guint i = 0; i < outlines->len; i++) {
        const Outline *outline = outlines->pdata[i];
        rings[i] = (ObjectRing){outline->xy, outline->points, !outline->hole};
    }
    const Object object = {.type = "annotation",
                           .name = name,
                           .class = class,
                           .colour = {colour[0], colour[1], colour[2]},
                           .rings = rings,
                           .ring_count = (int)outlines->len};
    return object_writer_add(writer, &object, error);
}

/* A shape as it is, or what is left of it. */
static gboolean add_shape(ObjectWriter *writer, const char *name, const char *class, const uint8_t colour[3],
                          const Shape *shape, const GPtrArray *left, GError **error)
{
    g_autoptr(GPtrArray) same = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    shape_append(shape, LABEL_LESION, 1, same);
    return add_object(writer, name, class, colour, left ? left : same, error);
}

static gboolean write_items(ObjectWriter *writer, const GArray *items, GError **error)
{
    static const uint8_t lesion[3] = {200, 0, 0}, normal[3] = {0, 90, 200};
    for (guint i = 0; i < items->len; i++) {
        const Item *item = &g_array_index(items, Item, i);
        if (item->area >= LEAST_PX &&
            !add_shape(writer, item->name, item->class, item->lesion ? lesion : normal, item->shape,
                       item->left, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* The whole slide, except the items when they are given. */
static gboolean write_whole(ObjectWriter *writer, const ReviewSlide *slide, const char *class,
                            const GArray *items, GError **error)
{
    static const uint8_t grey[3] = {128, 128, 128};
    g_autofree char *corners = g_strdup_printf("[[[0,0],[%.17g,0],[%.17g,%.17g],[0,%.17g]]]", slide->width,
                                               slide->width, slide->height, slide->height);
    g_autoptr(Shape) shape = shape_parse(corners, error);
    g_autoptr(GPtrArray) decided = g_ptr_array_new(), left = NULL;
    double area;
    for (guint i = 0; items && i < items->len; i++) {
        g_ptr_array_add(decided, &g_array_index(items, Item, i));
    }
    return shape && cut(shape, decided, &left, &area, error) &&
           (area < LEAST_PX || add_shape(writer, NULL, class, grey, shape, left, error));
}

static gboolean write_outlines(ObjectWriter *writer, const ReviewSlide *slide, const Review *review,
                               const GArray *items, GError **error)
{
    const gboolean excluded = g_str_equal(review->state, "excluded");
    const gboolean complete = slide->normal || (g_str_equal(review->state, "done") && !slide->annotated);
    if (!excluded && !write_items(writer, items, error)) {
        return FALSE;
    }
    if (complete && !excluded) {
        return items->len > 0 || write_whole(writer, slide, REVIEW_NORMAL, NULL, error);
    }
    return write_whole(writer, slide, REVIEW_UNKNOWN, excluded ? NULL : items, error);
}

/* What a reader of the file can know of it.  "overruled": the items of which newer ones have left nothing. */
static json_t *facts_of(const ReviewSlide *slide, const Review *review, const GArray *items)
{
    json_t *overruled = json_array();
    for (guint i = 0; i < items->len; i++) {
        const Item *item = &g_array_index(items, Item, i);
        if (item->area < LEAST_PX) {
            json_array_append_new(overruled, json_string(item->name));
        }
    }
    return json_pack("{s:s, s:s, s:I, s:s, s:f, s:f, s:o}", "slide", slide->slide, "state", review->state,
                     "revision", (json_int_t)review->revision, "frame", "qupath", "offset_x_px",
                     slide->bounds_x, "offset_y_px", slide->bounds_y, "overruled", overruled);
}

gboolean review_export_slide(const char *folder, const ReviewSlide *slide, const Review *review,
                             GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/review/%s.geojson", folder, slide->slide);
    g_autoptr(GArray) items = items_of(review, error);
    const gboolean says = g_str_equal(review->state, "done") || g_str_equal(review->state, "excluded");
    if (!items || (items->len == 0 && !says)) {
        return items && durable_remove(path, error);
    }
    if (!cut_items(items, error)) {
        return FALSE;
    }
    json_auto_t *facts = facts_of(slide, review, items);
    const ObjectFile file = {.path = path,
                             .slide = slide->slide,
                             .bounds_x = slide->bounds_x,
                             .bounds_y = slide->bounds_y,
                             .facts = facts};
    g_autoptr(ObjectWriter) writer = object_writer_open(&file, error);
    return writer && write_outlines(writer, slide, review, items, error) &&
           object_writer_commit(writer, NULL, error);
}

/* ---- the table ---- */

static void number_cell(GString *out, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (isfinite(value)) {
        g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
    }
    g_string_append_c(out, ',');
}

/* What a row has beside the slide. */
typedef struct {
    const char *kind, *id, *state, *reason, *note, *reviewer;
    double x, y, area_um2, maximum, mean, changed;
    int64_t revision;
} Row;

static void add_row(GString *out, const char *slide, const Row *row)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc((gint64)row->changed);
    g_autofree char *time = when ? g_date_time_format(when, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
    const char *const texts[] = {slide, row->kind, row->id, row->state, row->reason};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        csv_cell(out, texts[i], ',');
    }
    number_cell(out, "%.1f", row->x);
    number_cell(out, "%.1f", row->y);
    number_cell(out, "%.6g", row->area_um2);
    number_cell(out, "%.6g", row->maximum);
    number_cell(out, "%.6g", row->mean);
    csv_cell(out, row->note, ',');
    csv_cell(out, row->reviewer, ',');
    g_string_append_printf(out, "%s,%" G_GINT64_FORMAT "\n", time, row->revision);
}

static gboolean add_drawn(GString *out, const ReviewSlide *slide, const ReviewDrawn *drawn, GError **error)
{
    g_autofree char *id = g_strdup_printf("%d", drawn->id), *rings = g_strdup_printf("[%s]", drawn->ring);
    g_autoptr(Shape) shape = shape_parse(rings, error);
    double x, y, area;
    if (!shape || !shape_area(shape, &area, error)) {
        return FALSE;
    }
    shape_centre(shape, &x, &y);
    add_row(out, slide->slide,
            &(Row){"drawn", id, drawn->label, "", "", drawn->reviewer, x, y,
                   area * slide->mpp_x * slide->mpp_y, NAN, NAN, drawn->changed, drawn->revision});
    return TRUE;
}

gboolean review_export_table(const char *folder, const GPtrArray *reviews, const ReviewSlide *slides,
                             GError **error)
{
    g_autofree char *path = g_build_filename(folder, "review", REVIEW_TABLE, NULL);
    g_autoptr(GString) out = g_string_new("slide,item,id,state,reason,x,y,area_um2,score_maximum,score_mean,"
                                          "note,reviewer,time,revision\n");
    for (guint i = 0; i < reviews->len; i++) {
        const Review *review = reviews->pdata[i];
        add_row(out, review->slide,
                &(Row){"slide", "", review->state, "", review->note, "", NAN, NAN, NAN, NAN, NAN,
                       review->changed, review->revision});
        for (guint k = 0; k < review->decisions->len; k++) {
            const ReviewDecision *it = review->decisions->pdata[k];
            if (!it->superseded) {
                add_row(out, review->slide,
                        &(Row){"region", it->region, it->state, it->reason, "", it->reviewer, it->x, it->y,
                               it->area_um2, it->maximum, it->mean, it->changed, it->revision});
            }
        }
        for (guint k = 0; k < review->drawn->len; k++) {
            if (!add_drawn(out, &slides[i], review->drawn->pdata[k], error)) {
                return FALSE;
            }
        }
    }
    return durable_write_file(path, out->str, out->len, NULL, error);
}

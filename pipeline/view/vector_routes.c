/* Outlines as GeoJSON in level-0 px.
 *
 * The files of a run are in QuPath's frame unless the configuration says otherwise, and name the offset that was subtracted; it is added again here.
 * Measurements of regions become plain properties, so the page does not depend on the names that QuPath shows. */
#include "pipeline/slide/lesions.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/view.h"
#include "pipeline/write/json.h"
#include <math.h>

/* Adds the offset to all positions in nested arrays. */
static void shift(json_t *value, double x, double y)
{
    if (json_is_number(json_array_get(value, 0))) {
        json_array_set_new(value, 0, json_real(json_number_value(json_array_get(value, 0)) + x));
        json_array_set_new(value, 1, json_real(json_number_value(json_array_get(value, 1)) + y));
        return;
    }
    size_t i;
    json_t *part;
    json_array_foreach(value, i, part)
    {
        shift(part, x, y);
    }
}

/* Properties that the page knows, from the measurements of a feature. */
static json_t *plain_properties(const json_t *properties)
{
    static const char *const names[][2] = {
        {"Rank", "rank"}, {"Score maximum", "max"}, {"Score mean", "mean"}, {"Area µm^2", "area"}};
    const json_t *measurements = json_object_get(properties, "measurements");
    json_t *out = json_pack("{s:O?}", "name", json_object_get(properties, "name"));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        json_t *value = json_object_get(measurements, names[i][0]);
        if (value) {
            json_object_set(out, names[i][1], value);
        }
    }
    return out;
}

static json_t *level0(const json_t *file)
{
    const json_t *facts = json_object_get(file, "wsiflow"), *feature;
    double x = json_number_value(json_object_get(facts, "offset_x_px")),
           y = json_number_value(json_object_get(facts, "offset_y_px"));
    json_t *features = json_array();
    size_t i;
    json_array_foreach(json_object_get(file, "features"), i, feature)
    {
        json_t *geometry = json_deep_copy(json_object_get(feature, "geometry"));
        shift(json_object_get(geometry, "coordinates"), x, y);
        json_t *properties = plain_properties(json_object_get(feature, "properties"));
        json_object_set(properties, "id", json_object_get(feature, "id"));
        json_array_append_new(features, json_pack("{s:s, s:o, s:o}", "type", "Feature", "geometry", geometry,
                                                  "properties", properties));
    }
    return json_pack("{s:s, s:o}", "type", "FeatureCollection", "features", features);
}

static WebReply *published(const View *view, const WebRequest *request, const char *stage, const char *name)
{
    WebReply *reply = NULL;
    const SlideEntry *slide = view_slide(view, request, &reply), *entry;
    const RunState *got = NULL;
    if (!slide || !view_model(view, slide, 0, &entry, &got, &reply)) {
        return reply;
    }
    g_autoptr(RunState) state = (RunState *)got;
    const Artefact *file = run_state_find(state, stage, entry->id, name);
    if (!file) {
        return web_reply_error(404, "the stage %s of slide %s is not done", stage, entry->id);
    }
    g_autofree char *path = g_build_filename(run_view_folder(view->runs[0]), file->path, NULL);
    g_autoptr(GError) error = NULL;
    json_auto_t *json = json_read(path, &error);
    return json ? web_reply_json(200, level0(json)) : web_reply_error(404, "%s", error->message);
}

WebReply *route_regions(const WebRequest *request, void *data)
{
    return published(data, request, "regions", "regions");
}

WebReply *route_tissue(const WebRequest *request, void *data)
{
    return published(data, request, "tissue", ".outlines");
}

/* ---- the annotation, in any dialect ---- */

static json_t *outline_json(const Outline *outline)
{
    static const char *const labels[] = {"none", "lesion", "not lesion"};
    json_t *points = json_array();
    for (int i = 0; i < outline->points + outline->closed; i++) {
        const double *xy = outline->xy + 2 * (i % outline->points);
        json_array_append_new(points, json_pack("[f, f]", xy[0], xy[1]));
    }
    g_autofree char *name = g_utf8_make_valid(outline->name ? outline->name : "", -1),
                    *group = g_utf8_make_valid(outline->group ? outline->group : "", -1);
    json_t *geometry = outline->closed ? json_pack("{s:s, s:[o]}", "type", "Polygon", "coordinates", points)
                                       : json_pack("{s:s, s:o}", "type", "MultiPoint", "coordinates", points);
    return json_pack("{s:s, s:o, s:{s:s, s:s, s:s, s:b}}", "type", "Feature", "geometry", geometry,
                     "properties", "name", name, "group", group, "label", labels[outline->label], "hole",
                     (int)outline->hole);
}

WebReply *route_annotation(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *entry = view_slide(view, request, &reply);
    if (!entry || !entry->annotation) {
        return entry ? web_reply_error(404, "slide %s has no annotation", entry->id) : reply;
    }
    const Config *config = run_view_config(view->runs[0]);
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_pool_take(view->slides, config, entry, &error);
    g_autoptr(Annotation) annotation = slide ? lesions_read(config, entry, slide, &error) : NULL;
    if (slide) {
        slide_pool_give(view->slides, slide);
    }
    if (!annotation) {
        return web_reply_error(404, "%s", error->message);
    }
    json_t *features = json_array();
    for (guint i = 0; i < annotation->outlines->len; i++) {
        json_array_append_new(features, outline_json(annotation->outlines->pdata[i]));
    }
    return web_reply_json(200, json_pack("{s:s, s:o}", "type", "FeatureCollection", "features", features));
}

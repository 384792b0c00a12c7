/* Pictures: tiles of the slide, tiles of score maps, thumbnails. */
#include "pipeline/slide/slide_json.h"
#include "pipeline/view/map_store.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/slide_tiles.h"
#include "base/error.h"
#include "tiler/heatmap/heatmap.h"
#include "tiler/imagefile/imagefile.h"

enum { THUMBNAIL = 256, THUMBNAIL_QUALITY = 80 };

/* Why a slide or a map cannot be shown: the request is fine, but what it names has gone or is damaged. */
static WebReply *lost(const GError *error)
{
    return web_reply_error(404, "%s", error ? error->message : "there is no such picture");
}

/* Answers with a picture, and remembers it under the address of the request.  Takes the bytes; NULL: error says why. */
static WebReply *picture(const View *view, const char *name, const char *type, GBytes *bytes,
                         const GError *error)
{
    if (!bytes) {
        return lost(error);
    }
    byte_cache_put(view->pictures, name, bytes);
    return web_reply(200, type, bytes);
}

/* ---- the slide ---- */

WebReply *route_tile(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *entry = view_slide(view, request, &reply);
    GBytes *known = entry ? byte_cache_get(view->pictures, request->path) : NULL;
    if (!entry || known) {
        return known ? web_reply(200, "image/jpeg", known) : reply;
    }
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_pool_take(view->slides, run_view_config(view->runs[0]), entry, &error);
    if (!slide) {
        return lost(error);
    }
    const SlideLevel *level0 = slide_info(slide)->levels;
    const int64_t *at = request->numbers + 1;
    gboolean there = slide_tiles_has(level0->width, level0->height, at[0], at[1], at[2]);
    GBytes *jpeg = there ? slide_tiles_draw(slide, (int)at[0], at[1], at[2], &error) : NULL;
    slide_pool_give(view->slides, slide);
    return picture(view, request->path, "image/jpeg", jpeg, error);
}

static Image *thumbnail(const View *view, const SlideEntry *entry, GError **error)
{
    Slide *slide = slide_pool_take(view->slides, run_view_config(view->runs[0]), entry, error);
    Image *image = slide ? slide_tiles_thumbnail(slide, THUMBNAIL, error) : NULL;
    if (slide) {
        slide_pool_give(view->slides, slide);
    }
    return image;
}

/* Takes the image; NULL: error says why. */
static WebReply *jpeg_reply(const View *view, const char *name, Image *image, GError *error)
{
    GByteArray *jpeg = g_byte_array_new();
    gboolean good = image && imagefile_encode_jpeg(image, THUMBNAIL_QUALITY, jpeg, error ? NULL : &error);
    image_free(image);
    GBytes *bytes = g_byte_array_free_to_bytes(jpeg);
    if (!good) {
        g_clear_pointer(&bytes, g_bytes_unref);
    }
    return picture(view, name, "image/jpeg", bytes, error);
}

WebReply *route_thumb(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *entry = view_slide(view, request, &reply);
    GBytes *known = entry ? byte_cache_get(view->pictures, request->path) : NULL;
    if (!entry || known) {
        return known ? web_reply(200, "image/jpeg", known) : reply;
    }
    g_autoptr(GError) error = NULL;
    Image *image = thumbnail(view, entry, &error);
    return jpeg_reply(view, request->path, image, error);
}

/* ---- the map ---- */

/* The map that a request names, and a name for what is drawn of it: that of the map's file, so a new map is drawn again. */
static GBytes *named_map(const View *view, const WebRequest *request, int64_t model, const SlideEntry **slide,
                         char **name, int64_t size[2], HeatmapLook *look, WebReply **reply)
{
    const SlideEntry *entry;
    *slide = view_slide(view, request, reply);
    const RunState *got = NULL;
    if (!*slide || !view_model(view, *slide, model, &entry, &got, reply)) {
        return NULL;
    }
    g_autoptr(RunState) state = (RunState *)got;
    g_autoptr(GError) error = NULL;
    const json_t *facts = slide_json_record(state->records, entry->id);
    GBytes *map = facts ? map_store_get(view, view->runs[model], state, entry->id, &error) : NULL;
    if (!map) {
        *reply = error ? lost(error) : web_reply_error(404, "slide %s has no score map yet", entry->id);
        return NULL;
    }
    *look = state->look;
    size[0] = json_integer_value(json_object_get(facts, "width"));
    size[1] = json_integer_value(json_object_get(facts, "height"));
    *name = g_strconcat(request->path, "?", run_state_find(state, "score", entry->id, "map")->sha256, NULL);
    return map;
}

WebReply *route_map(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *slide;
    g_autofree char *name = NULL;
    int64_t size[2];
    HeatmapLook look;
    const int64_t *at = request->numbers + 2;
    g_autoptr(GBytes) map = named_map(view, request, request->numbers[1], &slide, &name, size, &look, &reply);
    GBytes *known = map ? byte_cache_get(view->pictures, name) : NULL;
    if (!map || known) {
        return known ? web_reply(200, "image/png", known) : reply;
    }
    g_autoptr(GError) error = NULL;
    GBytes *png =
        slide_tiles_has(size[0], size[1], at[0], at[1], at[2])
            ? map_tiles_draw(map_tiles_hold(map), size[0], size[1], (int)at[0], at[1], at[2], &error)
            : NULL;
    return picture(view, name, "image/png", png, error);
}

WebReply *route_map_thumb(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *slide;
    g_autofree char *name = NULL;
    int64_t size[2];
    HeatmapLook look;
    g_autoptr(GBytes) bytes =
        named_map(view, request, request->numbers[1], &slide, &name, size, &look, &reply);
    GBytes *known = bytes ? byte_cache_get(view->pictures, name) : NULL;
    if (!bytes || known) {
        return known ? web_reply(200, "image/jpeg", known) : reply;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) base = thumbnail(view, slide, &error);
    g_autoptr(Map) map =
        base ? map_tiles_reduce(map_tiles_hold(bytes), base->width, base->height, &error) : NULL;
    Image *image =
        map ? heatmap_colour(map, look.low, look.high, look.colours, base, look.opacity, &error) : NULL;
    return jpeg_reply(view, name, image, error);
}

/* Pixels of score maps. */
#include "pipeline/evaluation/slide_pixels.h"
#include "annotations/raster/raster.h"
#include "base/error.h"
#include "pipeline/evaluation/pixel_set.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/slide/slide_json.h"
#include <string.h>

/* The lesions of a slide in the pixels of its map, which covers the whole slide. */
static Image *lesions_of(const Work *work, const SlideEntry *entry, const Map *map, GError **error)
{
    g_autofree char *border = work_find(work, "mask", entry->id, "border");
    const json_t *facts = slide_json_record(work->records, entry->id);
    if (!border || !facts) { /* both were published before the map */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "slide %s has a score map but no %s", entry->id,
                    border ? "facts" : "border of its lesions");
        return NULL;
    }
    g_autoptr(Raster) raster = raster_read(border, error);
    g_autoptr(Image) mask = raster ? image_new(map->width, map->height, 1, error) : NULL;
    if (mask) {
        Rect whole = {0, 0, json_number_value(json_object_get(facts, "width")),
                      json_number_value(json_object_get(facts, "height"))};
        raster_fill(raster, &whole, mask);
    }
    return g_steal_pointer(&mask);
}

static gboolean add_slide(const Work *work, const SlideEntry *entry, const char *path, PixelSet *set,
                          GError **error)
{
    g_autoptr(Map) map = npy_read(path, error);
    g_autoptr(Image) mask = NULL;
    if (!map || (entry->label == SLIDE_ANNOTATED && !(mask = lesions_of(work, entry, map, error)))) {
        return FALSE;
    }
    return pixel_set_add(set, g_steal_pointer(&map), mask, error);
}

json_t *slide_pixels(const Work *work, GError **error)
{
    g_autoptr(PixelSet) set = pixel_set_new();
    int count = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "score", entry->id, "map");
        g_autofree char *unknown =
            work_find(work, "mask", entry->id, "unknown"); /* not all of it has a label */
        if (!path || unknown || !g_str_equal(entry->split, "test") || entry->label == SLIDE_UNKNOWN ||
            entry->use != SLIDE_WHOLE) {
            continue;
        }
        if (!add_slide(work, entry, path, set, error)) {
            return NULL;
        }
        count++;
    }
    return count > 0 ? pixel_set_metrics(set, "slide", "slides", error)
                     : json_pack("{s:s}", "absent", "no slide of the test split has a score map and labels");
}

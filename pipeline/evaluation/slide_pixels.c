/* Pixels of score maps. */
#include "pipeline/evaluation/slide_pixels.h"
#include "annotations/raster/raster.h"
#include "base/error.h"
#include "pipeline/evaluation/pixel_set.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/cohort/cohort.h"
#include <string.h>
#include <sys/stat.h>

#define MOST_PIXELS (1 << 24)

/* The lesions of a slide in the pixels of its map, of which each stands for `every` pixels in x and y of one that covers the whole slide, width x height. */
static Image *lesions_of(const Work *work, const SlideEntry *entry, const Map *map, int every, int width,
                         int height, GError **error)
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
        double across = json_number_value(json_object_get(facts, "width")) / width,
               down = json_number_value(json_object_get(facts, "height")) / height;
        Rect whole = {0, 0, across * every * map->width, down * every * map->height};
        raster_fill(raster, &whole, mask);
    }
    return g_steal_pointer(&mask);
}

/* The pixels in the middle of each full square of `every` x `every`; takes over the map. */
static Map *thinned(Map *map, int every, GError **error)
{
    g_autoptr(Map) all = map;
    if (every == 1) {
        return g_steal_pointer(&all);
    }
    Map *out = map_new(MAX(all->width / every, 1), MAX(all->height / every, 1), error);
    for (int y = 0; out && y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            int column = MIN(x * every + every / 2, all->width - 1),
                row = MIN(y * every + every / 2, all->height - 1);
            out->values[(size_t)y * (size_t)out->width + (size_t)x] =
                all->values[(size_t)row * (size_t)all->width + (size_t)column];
        }
    }
    return out;
}

static gboolean add_slide(const Work *work, const SlideEntry *entry, const char *path, int every,
                          PixelSet *set, GError **error)
{
    g_autoptr(Map) whole = npy_read(path, error);
    if (!whole) {
        return FALSE;
    }
    int width = whole->width, height = whole->height;
    g_autoptr(Map) map = thinned(g_steal_pointer(&whole), every, error);
    g_autoptr(Image) mask = NULL;
    if (!map || (entry->label == SLIDE_ANNOTATED &&
                 !(mask = lesions_of(work, entry, map, every, width, height, error)))) {
        return FALSE;
    }
    return pixel_set_add(set, g_steal_pointer(&map), mask,
                         cohort_names_patients(work->run->slides) ? entry->patient : NULL, error);
}

/* Whether the pixels of a slide count. */
static gboolean counts(const Work *work, const SlideEntry *entry)
{
    return g_str_equal(entry->split, "test") && entry->label != SLIDE_UNKNOWN && entry->use == SLIDE_WHOLE &&
           !annotation_notes_has_unknown(work->records, entry->id);
}

/* The spacing at which all maps have no more than MOST_PIXELS: an odd number, so that a pixel is in the middle of the square it stands for. */
static gboolean find_spacing(const Work *work, int *every, GError **error)
{
    double pixels = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "score", entry->id, "map");
        struct stat file;
        if (!path || !counts(work, entry)) {
            continue;
        }
        if (stat(path, &file) != 0) {
            return wsi_error_errno(error, "cannot stat", path);
        }
        pixels += (double)file.st_size / sizeof(float);
    }
    *every = 1;
    while (pixels / *every / *every > MOST_PIXELS) {
        *every += 2;
    }
    return TRUE;
}

json_t *slide_pixels(const Work *work, GError **error)
{
    g_autoptr(PixelSet) set = pixel_set_new();
    int count = 0, every = 1;
    if (!find_spacing(work, &every, error)) {
        return NULL;
    }
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "score", entry->id, "map");
        if (!path || !counts(work, entry)) {
            continue;
        }
        if (!add_slide(work, entry, path, every, set, error)) {
            return NULL;
        }
        count++;
    }
    json_t *out = count > 0
                      ? pixel_set_metrics(set, "slide", "slides", error)
                      : json_pack("{s:s}", "absent", "no slide of the test split has a score map and labels");
    if (out && count > 0) {
        json_object_set_new(out, "every", json_integer(every));
    }
    return out;
}

/* Slide and map at the size of an image.
 *
 * The slide is read at this size, from the level that fits, and not from an image at the size of the map: a page shows a small slide in more
 * detail than its map has. */
#include "tiler/heatmap/heatmap_panel.h"
#include "tiler/cut/cut.h"
#include "tiler/heatmap/heatmap.h"
#include "tiler/imagefile/image_draw.h"
#include <math.h>
#include <string.h>

/* The cells whose centres are in [i, i + 1) * cells / size; if there are none, the cell at the centre of that. */
static void cells_of(int i, int cells, int size, int *first, int *end)
{
    double scale = (double)cells / size;
    *first = (int)ceil(i * scale - 0.5);
    *end = (int)ceil((i + 1) * scale - 0.5);
    if (*first >= *end) {
        *first = MIN((int)((i + 0.5) * scale), cells - 1);
        *end = *first + 1;
    }
}

Map *heatmap_panel_map(const Map *map, int width, int height, PanelMode mode, GError **error)
{
    Map *out = map_new(width, height, error);
    for (int y = 0; out && y < height; y++) {
        int top, bottom, left, right;
        cells_of(y, map->height, height, &top, &bottom);
        for (int x = 0; x < width; x++) {
            cells_of(x, map->width, width, &left, &right);
            double sum = 0, maximum = -INFINITY;
            int found = 0;
            for (int j = top; j < bottom; j++) {
                for (int i = left; i < right; i++) {
                    float value = map->values[(size_t)j * map->width + i];
                    if (isfinite(value)) {
                        sum += value;
                        maximum = fmax(maximum, value);
                        found++;
                    }
                }
            }
            if (found) {
                out->values[(size_t)y * width + x] = (float)(mode == PANEL_MAXIMUM ? maximum : sum / found);
            }
        }
    }
    return out;
}

Image *heatmap_panel_slide(Slide *slide, int width, int height, Image **readable, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    const Rect whole = {0, 0, (double)info->levels[0].width, (double)info->levels[0].height};
    g_autoptr(Image) rgb = image_new(width, height, 3, error);
    g_autoptr(Image) known = rgb ? image_new(width, height, 1, error) : NULL;
    if (!known || !cut_region(slide, &whole, FILTER_AREA, rgb, known, error)) {
        return NULL;
    }
    image_draw_hatch(rgb, known);
    *readable = g_steal_pointer(&known);
    return g_steal_pointer(&rgb);
}

/* Whether the cell at the centre of a pixel is known. */
static gboolean is_known(const Image *known, int x, int y, const Image *of)
{
    int column = (int)(((int64_t)2 * x + 1) * known->width / (2 * of->width)),
        row = (int)(((int64_t)2 * y + 1) * known->height / (2 * of->height));
    return known->pixels[(size_t)row * known->width + column] != 0;
}

Image *heatmap_panel_blend(const HeatmapPage *page, const Image *base, const Image *readable, PanelMode mode,
                           gboolean *hatched, GError **error)
{
    g_autoptr(Map) map = heatmap_panel_map(page->map, base->width, base->height, mode, error);
    g_autoptr(Image) out =
        map ? heatmap_colour(map, page->low, page->high, page->colours, base, page->opacity, error) : NULL;
    g_autoptr(Image) shown = out ? image_new(base->width, base->height, 1, error) : NULL;
    if (!shown) {
        return NULL;
    }
    *hatched = FALSE;
    for (int y = 0; y < base->height; y++) {
        for (int x = 0; x < base->width; x++) {
            size_t at = (size_t)y * base->width + x;
            gboolean lost = isnan(map->values[at]) &&
                            (!readable->pixels[at] || (page->known && !is_known(page->known, x, y, base)));
            shown->pixels[at] = lost ? 0 : 255;
            *hatched = *hatched || lost || !readable->pixels[at];
        }
    }
    image_draw_hatch(out, shown);
    return g_steal_pointer(&out);
}

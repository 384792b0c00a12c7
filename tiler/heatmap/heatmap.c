/* Images of maps.  Everywhere else values stay values; here they become colours, for people.
 *
 * The caller gives the range of the colours, and images for people show it.  It is never stretched to the values of one slide, so the same
 * colour means the same score on every slide. */
#include "tiler/heatmap/heatmap.h"
#include "tiler/heatmap/colour_map.h"
#include "base/error.h"
#include <math.h>

Image *heatmap_colour(const Map *map, double low, double high, const char *colours, const Image *base,
                      double opacity, GError **error)
{
    const uint8_t(*table)[3] = colour_map_need(colours, low, high, error);
    if (!table) {
        return NULL;
    }
    if (base && (base->width != map->width || base->height != map->height || base->channels != 3)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "a map of %d x %d px does not fit on an image of %d x %d px", map->width, map->height,
                    base->width, base->height);
        return NULL;
    }
    Image *out = image_new(map->width, map->height, 3, error);
    int weight = colour_map_weight(opacity);
    for (size_t i = 0; out && i < (size_t)map->width * map->height; i++) {
        /* Where there is no value the base shows, whatever the opacity. */
        const uint8_t white[3] = {255, 255, 255}, *under = base ? base->pixels + 3 * i : white;
        const uint8_t *over = isnan(map->values[i]) ? under : colour_map_at(table, map->values[i], low, high);
        for (int c = 0; c < 3; c++) {
            out->pixels[3 * i + c] = colour_map_blend(over[c], under[c], weight);
        }
    }
    return out;
}

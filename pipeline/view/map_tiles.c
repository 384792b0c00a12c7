/* Each px of a tile looks at its own range of cells, which never meets that of another px where cells are smaller than px; so a tile costs at most one
 * look at each cell of the map. */
#include "pipeline/view/map_tiles.h"
#include "base/error.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/view/slide_tiles.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>

static void find_range(MapHold *hold)
{
    hold->low = hold->high = NAN;
    for (size_t i = 0; i < (size_t)hold->map.width * hold->map.height; i++) {
        double value = hold->map.values[i];
        if (isfinite(value)) {
            hold->low = fmin(hold->low, value);
            hold->high = fmax(hold->high, value);
        }
    }
}

GBytes *map_tiles_read(const char *path, GError **error)
{
    g_autoptr(Map) map = npy_read(path, error);
    size_t bytes = map ? (size_t)map->width * map->height * sizeof(float) : 0;
    MapHold *hold = map ? wsi_try_alloc(sizeof *hold + bytes, 1, "a score map", error) : NULL;
    if (!hold) {
        return NULL;
    }
    hold->map = (Map){map->width, map->height, (float *)(void *)(hold + 1)};
    memcpy(hold->map.values, map->values, bytes);
    find_range(hold);
    return g_bytes_new_take(hold, sizeof *hold + bytes);
}

const MapHold *map_tiles_hold(GBytes *bytes)
{
    return g_bytes_get_data(bytes, NULL);
}

typedef struct {
    int first, end; /* cells [first, end); none beyond the slide */
} Cells;

/* The cells of each px of the tile along one axis.  cell: its size in level-0 px. */
static void find_cells(Cells cells[VIEW_TILE], int64_t tile, double scale, double cell, int count)
{
    for (int i = 0; i < VIEW_TILE; i++) {
        double left = ((double)tile * VIEW_TILE + i) * scale;
        double first, end;
        if (scale >= cell) {
            first = ceil(left / cell - 0.5);
            end = ceil((left + scale) / cell - 0.5);
        } else {
            first = floor((left + scale / 2) / cell);
            end = first + 1;
        }
        cells[i] = (Cells){(int)CLAMP(first, 0, count), (int)CLAMP(end, 0, count)};
    }
}

static double greatest(const Map *map, Cells columns, Cells rows)
{
    double most = NAN;
    for (int y = rows.first; y < rows.end; y++) {
        for (int x = columns.first; x < columns.end; x++) {
            double value = map->values[(size_t)y * map->width + x];
            most = isfinite(value) ? fmax(most, value) : most;
        }
    }
    return most;
}

GBytes *map_tiles_draw(const MapHold *hold, int64_t slide_width, int64_t slide_height, int zoom, int64_t x,
                       int64_t y, GError **error)
{
    const Map *map = &hold->map;
    double scale = slide_tiles_scale(slide_tiles_zoom(slide_width, slide_height), zoom);
    Cells columns[VIEW_TILE], rows[VIEW_TILE];
    find_cells(columns, x, scale, (double)slide_width / map->width, map->width);
    find_cells(rows, y, scale, (double)slide_height / map->height, map->height);
    g_autoptr(Image) rgb = image_new(VIEW_TILE, VIEW_TILE, 3, error);
    if (!rgb) {
        return NULL;
    }
    double range = hold->high - hold->low;
    for (int i = 0; i < VIEW_TILE * VIEW_TILE; i++) {
        double value = greatest(map, columns[i % VIEW_TILE], rows[i / VIEW_TILE]);
        if (isfinite(value)) {
            int code = range > 0 ? (int)lround((value - hold->low) / range * 65535) : 0;
            uint8_t *pixel = rgb->pixels + 3 * (size_t)i;
            pixel[0] = (uint8_t)(code >> 8);
            pixel[1] = (uint8_t)code;
            pixel[2] = 255;
        }
    }
    GByteArray *png = g_byte_array_new();
    if (!imagefile_encode_png(rgb, png, error)) {
        g_byte_array_unref(png);
        return NULL;
    }
    return g_byte_array_free_to_bytes(png);
}

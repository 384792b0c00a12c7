/* Each px of a tile looks at its own range of cells, which never meets that of another px where cells are smaller than px; so a tile costs at most one
 * look at each cell of the map. */
#include "pipeline/view/map_tiles.h"
#include "base/error.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/view/slide_tiles.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>

/* Comparisons with NaN are false. */
static void find_range(MapHold *hold)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < (size_t)hold->map->width * hold->map->height; i++) {
        float value = hold->map->values[i];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    gboolean some = low <= high;
    hold->low = some ? low : NAN;
    hold->high = some ? high : NAN;
}

static void free_hold(gpointer data)
{
    MapHold *hold = data;
    map_free(hold->map);
    g_free(hold);
}

GBytes *map_tiles_read(const char *path, GError **error)
{
    Map *map = npy_read(path, error);
    if (!map) {
        return NULL;
    }
    MapHold *hold = g_new0(MapHold, 1);
    hold->map = map;
    find_range(hold);
    return g_bytes_new_with_free_func(hold, (gsize)map->width * map->height * sizeof(float), free_hold, hold);
}

const MapHold *map_tiles_hold(GBytes *bytes)
{
    return g_bytes_get_data(bytes, NULL);
}

typedef struct {
    int first, end; /* cells [first, end); none beyond the slide */
} Cells;

/* The cells of `pixels` px along one axis.  left: of the first px, in cells; scale: cells per px; count: of all cells. */
static void find_cells(Cells *cells, int pixels, double left, double scale, int count)
{
    for (int i = 0; i < pixels; i++) {
        double from = left + i * scale, first, end;
        if (scale >= 1) {
            first = ceil(from - 0.5);
            end = ceil(from + scale - 0.5);
        } else {
            first = floor(from + scale / 2);
            end = first + 1;
        }
        cells[i] = (Cells){(int)CLAMP(first, 0, count), (int)CLAMP(end, 0, count)};
    }
}

static double greatest(const Map *map, Cells columns, Cells rows)
{
    float most = -INFINITY;
    for (int y = rows.first; y < rows.end; y++) {
        const float *row = map->values + (size_t)y * map->width;
        for (int x = columns.first; x < columns.end; x++) {
            most = row[x] > most ? row[x] : most; /* FALSE for NaN */
        }
    }
    return most; /* -INFINITY: no data */
}

GBytes *map_tiles_draw(const MapHold *hold, int64_t slide_width, int64_t slide_height, int zoom, int64_t x,
                       int64_t y, GError **error)
{
    const Map *map = hold->map;
    double scale = slide_tiles_scale(slide_tiles_zoom(slide_width, slide_height), zoom);
    Cells columns[VIEW_TILE], rows[VIEW_TILE];
    double scale_x = scale * map->width / (double)slide_width,
           scale_y = scale * map->height / (double)slide_height;
    find_cells(columns, VIEW_TILE, (double)x * VIEW_TILE * scale_x, scale_x, map->width);
    find_cells(rows, VIEW_TILE, (double)y * VIEW_TILE * scale_y, scale_y, map->height);
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

Map *map_tiles_reduce(const MapHold *hold, int width, int height, GError **error)
{
    g_autofree Cells *columns = g_new(Cells, width), *rows = g_new(Cells, height);
    find_cells(columns, width, 0, (double)hold->map->width / width, hold->map->width);
    find_cells(rows, height, 0, (double)hold->map->height / height, hold->map->height);
    Map *out = map_new(width, height, error);
    for (int i = 0; out && i < width * height; i++) {
        double value = greatest(hold->map, columns[i % width], rows[i / width]);
        out->values[i] = isfinite(value) ? (float)value : NAN;
    }
    return out;
}

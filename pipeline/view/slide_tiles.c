/* Tiles by tiler/cut, which takes the level and decodes no more than the tile needs. */
#include "pipeline/view/slide_tiles.h"
#include "tiler/cut/cut.h"
#include "tiler/imagefile/image_draw.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>

/* Full chroma: stains differ in colour more than in brightness. */
enum { QUALITY = 90 };

int slide_tiles_zoom(int64_t width, int64_t height)
{
    int zoom = 0;
    while ((int64_t)VIEW_TILE << zoom < MAX(width, height)) {
        zoom++;
    }
    return zoom;
}

double slide_tiles_scale(int most, int zoom)
{
    return (double)((int64_t)1 << (most - zoom));
}

gboolean slide_tiles_has(int64_t width, int64_t height, int64_t zoom, int64_t x, int64_t y)
{
    int most = slide_tiles_zoom(width, height);
    if (zoom < 0 || zoom > most) {
        return FALSE;
    }
    int64_t side = (int64_t)VIEW_TILE << (most - zoom);
    return x >= 0 && y >= 0 && x < (width + side - 1) / side && y < (height + side - 1) / side;
}

/* Makes px that begin beyond the slide white, and takes them out of what is hatched. */
static void blank_beyond(Image *rgb, Image *readable, double columns, double rows)
{
    for (int y = 0; y < rgb->height; y++) {
        for (int x = 0; x < rgb->width; x++) {
            if (x >= columns || y >= rows) {
                size_t at = (size_t)y * rgb->width + x;
                memset(rgb->pixels + 3 * at, 255, 3);
                readable->pixels[at] = 255;
            }
        }
    }
}

GBytes *slide_tiles_draw(Slide *slide, int zoom, int64_t x, int64_t y, GError **error)
{
    const SlideLevel *level0 = slide_info(slide)->levels;
    double scale = slide_tiles_scale(slide_tiles_zoom(level0->width, level0->height), zoom),
           side = VIEW_TILE * scale;
    Rect area = {x * side, y * side, side, side};
    g_autoptr(Image) rgb = image_new(VIEW_TILE, VIEW_TILE, 3, error);
    g_autoptr(Image) readable = rgb ? image_new(VIEW_TILE, VIEW_TILE, 1, error) : NULL;
    if (!readable || !cut_region(slide, &area, FILTER_AREA, rgb, readable, error)) {
        return NULL;
    }
    blank_beyond(rgb, readable, (level0->width - area.x) / scale, (level0->height - area.y) / scale);
    image_draw_hatch(rgb, readable);
    GByteArray *jpeg = g_byte_array_new();
    if (!imagefile_encode_jpeg(rgb, QUALITY, jpeg, error)) {
        g_byte_array_unref(jpeg);
        return NULL;
    }
    return g_byte_array_free_to_bytes(jpeg);
}

Image *slide_tiles_thumbnail(Slide *slide, int side, GError **error)
{
    const SlideLevel *level0 = slide_info(slide)->levels;
    Rect whole = {0, 0, level0->width, level0->height};
    double scale = MAX(whole.width, whole.height) / side;
    int width = MAX(1, (int)round(whole.width / scale)), height = MAX(1, (int)round(whole.height / scale));
    g_autoptr(Image) rgb = image_new(width, height, 3, error);
    g_autoptr(Image) readable = rgb ? image_new(width, height, 1, error) : NULL;
    if (!readable || !cut_region(slide, &whole, FILTER_AREA, rgb, readable, error)) {
        return NULL;
    }
    image_draw_hatch(rgb, readable);
    return g_steal_pointer(&rgb);
}

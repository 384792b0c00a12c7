/* Images of maps.  Everywhere else values stay values; here they become colours, for people.
 *
 * The caller gives the range of the colours, and the overview shows it.  It is never stretched to the values of one slide, so the same
 * colour means the same score on every slide. */
#include "tiler/heatmap/heatmap.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/imagefile/image_draw.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { MARGIN = 12, BAR_WIDTH = 18, TEXT_HEIGHT = 7, ADVANCE = 6, BAR_LABELS = 8 * ADVANCE };

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

/* Draws `source`, scaled by nearest neighbour, into the rectangle of `out`. */
static void draw_scaled(Image *out, const Image *source, int left, int top, int width, int height)
{
    for (int y = 0; y < height; y++) {
        /* The source row whose centre is nearest, in whole numbers. */
        int from_y = (int)(((int64_t)2 * y + 1) * source->height / (2 * height));
        for (int x = 0; x < width; x++) {
            int from_x = (int)(((int64_t)2 * x + 1) * source->width / (2 * width));
            memcpy(out->pixels + ((size_t)(top + y) * out->width + left + x) * 3,
                   source->pixels + ((size_t)from_y * source->width + from_x) * 3, 3);
        }
    }
}

/* A line around an image, which separates its white from that of the page. */
static void draw_frame(Image *out, int left, int top, int width, int height)
{
    static const uint8_t grey[3] = {190, 190, 190};
    for (int x = left - 1; x <= left + width; x++) {
        memcpy(out->pixels + ((size_t)(top - 1) * out->width + x) * 3, grey, 3);
        memcpy(out->pixels + ((size_t)(top + height) * out->width + x) * 3, grey, 3);
    }
    for (int y = top - 1; y <= top + height; y++) {
        memcpy(out->pixels + ((size_t)y * out->width + left - 1) * 3, grey, 3);
        memcpy(out->pixels + ((size_t)y * out->width + left + width) * 3, grey, 3);
    }
}

/* The colour bar from high (top) to low, with three values next to it. */
static void draw_bar(Image *out, int left, int top, int height, const uint8_t (*table)[3], double low,
                     double high)
{
    static const uint8_t ink[3] = {40, 40, 40};
    for (int y = 0; y < height; y++) {
        const uint8_t *colour = table[(int)(255.0 * (height - 1 - y) / MAX(height - 1, 1) + 0.5)];
        for (int x = 0; x < BAR_WIDTH; x++) {
            memcpy(out->pixels + ((size_t)(top + y) * out->width + left + x) * 3, colour, 3);
        }
    }
    for (int i = 0; i <= 2; i++) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        /* high, the middle, low; with a decimal point in every locale. */
        g_ascii_formatd(text, sizeof text, "%.4g", high + (low - high) * i / 2);
        image_draw_text(out, left + BAR_WIDTH + 4, top + (height - TEXT_HEIGHT) * i / 2, 1, ink, text);
    }
}

Image *heatmap_overview(const Map *map, double low, double high, const char *colours,
                        const Image *slide_image, const Image *known, int side, const char *title,
                        const char *note, GError **error)
{
    static const uint8_t ink[3] = {40, 40, 40};
    const uint8_t(*table)[3] = colour_map_need(colours, low, high, error);
    g_autoptr(Image) coloured = table ? heatmap_colour(map, low, high, colours, NULL, 1, error) : NULL;
    if (!coloured) {
        return NULL;
    }
    if (known) {
        image_draw_hatch(coloured, known);
    }
    /* Layout: title, then slide | map | bar, then note; `second` and `bar` are the left sides of map and bar. */
    double scale = (double)MAX(side, 1) / MAX(slide_image->width, slide_image->height);
    int width = MAX(1, (int)(slide_image->width * scale + 0.5)),
        height = MAX(1, (int)(slide_image->height * scale + 0.5));
    int top = 2 * MARGIN + 2 * TEXT_HEIGHT, second = 2 * MARGIN + width, bar = second + width + MARGIN;
    int text_width = 2 * MARGIN + ADVANCE * (int)MAX(2 * strlen(title), strlen(note));
    /* Wide enough for the images and for both lines of text; the title is twice as large. */
    int all_width = MAX(bar + BAR_WIDTH + 4 + BAR_LABELS + MARGIN, text_width);
    g_autoptr(Image) out =
        image_new(all_width, top + MAX(height, 4 * TEXT_HEIGHT) + 2 * MARGIN + TEXT_HEIGHT, 3, error);
    if (!out) {
        return NULL;
    }
    memset(out->pixels, 255, image_bytes(out));
    image_draw_text(out, MARGIN, MARGIN, 2, ink, title);
    draw_scaled(out, slide_image, MARGIN, top, width, height);
    draw_scaled(out, coloured, second, top, width, height);
    draw_frame(out, MARGIN, top, width, height);
    draw_frame(out, second, top, width, height);
    draw_bar(out, bar, top, MAX(height, 4 * TEXT_HEIGHT), table, low, high);
    image_draw_text(out, MARGIN, out->height - MARGIN - TEXT_HEIGHT, 1, ink, note);
    return g_steal_pointer(&out);
}

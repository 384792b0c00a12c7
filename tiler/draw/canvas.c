/* Images and lines on a canvas, by Cairo.
 *
 * The page is one image surface in memory of our own, so that a page that is too large is an error and never a broken surface. Images are
 * copied pixel by pixel, at whole positions: nothing is resampled here. */
#include "tiler/draw/canvas_private.h"
#include "base/error.h"
#include <string.h>

Canvas *canvas_new(int width, int height, GError **error)
{
    g_autoptr(Canvas) canvas = g_new0(Canvas, 1);
    canvas->width = width;
    canvas->height = height;
    canvas->pixels = wsi_try_alloc((size_t)width * (size_t)height, 4, "a page", error);
    if (!canvas->pixels) {
        return NULL;
    }
    memset(canvas->pixels, 255, (size_t)width * (size_t)height * 4);
    canvas->surface =
        cairo_image_surface_create_for_data(canvas->pixels, CAIRO_FORMAT_RGB24, width, height, width * 4);
    canvas->cairo = cairo_create(canvas->surface);
    if (cairo_status(canvas->cairo) != CAIRO_STATUS_SUCCESS) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a page of %d x %d px: %s", width, height,
                    cairo_status_to_string(cairo_status(canvas->cairo)));
        return NULL;
    }
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_GRAY);
    return canvas_fonts(canvas, error) ? g_steal_pointer(&canvas) : NULL;
}

void canvas_free(Canvas *canvas)
{
    if (!canvas) {
        return;
    }
    g_clear_object(&canvas->context);
    g_clear_object(&canvas->fonts);
    g_clear_pointer(&canvas->cairo, cairo_destroy);
    g_clear_pointer(&canvas->surface, cairo_surface_destroy);
    g_free(canvas->pixels);
    g_free(canvas);
}

gboolean canvas_check(GError **error)
{
    g_autoptr(Canvas) canvas = canvas_new(1, 1, error);
    return canvas != NULL;
}

Image *canvas_finish(Canvas *canvas, GError **error)
{
    cairo_surface_flush(canvas->surface);
    Image *out = image_new(canvas->width, canvas->height, 3, error);
    const uint32_t *from = (const uint32_t *)(void *)canvas->pixels;
    for (size_t i = 0; out && i < (size_t)canvas->width * (size_t)canvas->height; i++) {
        out->pixels[3 * i] = (uint8_t)(from[i] >> 16);
        out->pixels[3 * i + 1] = (uint8_t)(from[i] >> 8);
        out->pixels[3 * i + 2] = (uint8_t)from[i];
    }
    return out;
}

void canvas_image(Canvas *canvas, const Image *rgb, int left, int top)
{
    cairo_surface_flush(canvas->surface);
    for (int y = 0; y < rgb->height; y++) {
        const uint8_t *from = rgb->pixels + (size_t)y * (size_t)rgb->width * 3;
        uint32_t *to = (uint32_t *)(void *)canvas->pixels + (size_t)(top + y) * (size_t)canvas->width + left;
        for (int x = 0; x < rgb->width; x++, from += 3) {
            to[x] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        }
    }
    cairo_surface_mark_dirty(canvas->surface);
}

void canvas_fill(Canvas *canvas, const Rect *area, CanvasColour colour)
{
    canvas_colour(canvas, colour);
    cairo_rectangle(canvas->cairo, area->x, area->y, area->width, area->height);
    cairo_fill(canvas->cairo);
}

void canvas_frame(Canvas *canvas, const Rect *area, double width, CanvasColour colour)
{
    canvas_colour(canvas, colour);
    cairo_set_line_width(canvas->cairo, width);
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_MITER);
    cairo_rectangle(canvas->cairo, area->x - width / 2, area->y - width / 2, area->width + width,
                    area->height + width);
    cairo_stroke(canvas->cairo);
}

/* Draws the current path: its white border, then the line. */
static void stroke(Canvas *canvas, const CanvasPen *pen)
{
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_BUTT);
    if (pen->border > 0) {
        canvas_colour(canvas, (CanvasColour){255, 255, 255});
        cairo_set_line_width(canvas->cairo, pen->width + 2 * pen->border);
        cairo_stroke_preserve(canvas->cairo);
    }
    canvas_colour(canvas, pen->colour);
    cairo_set_line_width(canvas->cairo, pen->width);
    cairo_stroke(canvas->cairo);
}

void canvas_rings(Canvas *canvas, const Ring *rings, int count, double columns, double rows, const Rect *area,
                  const CanvasPen *pen)
{
    cairo_save(canvas->cairo);
    cairo_rectangle(canvas->cairo, area->x, area->y, area->width, area->height);
    cairo_clip(canvas->cairo);
    for (int r = 0; r < count; r++) {
        cairo_new_sub_path(canvas->cairo); /* closing a ring leaves a current point */
        for (int i = 0; i < rings[r].points; i++) {
            cairo_line_to(canvas->cairo, area->x + rings[r].xy[2 * i] * area->width / columns,
                          area->y + rings[r].xy[2 * i + 1] * area->height / rows);
        }
        cairo_close_path(canvas->cairo);
    }
    stroke(canvas, pen);
    cairo_restore(canvas->cairo);
}

void canvas_line(Canvas *canvas, double x0, double y0, double x1, double y1, const CanvasPen *pen)
{
    cairo_move_to(canvas->cairo, x0, y0);
    cairo_line_to(canvas->cairo, x1, y1);
    stroke(canvas, pen);
}

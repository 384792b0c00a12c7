/* Inside tiler/draw/: what a canvas is. */
#pragma once
#include "tiler/draw/canvas.h"
#include <pango/pangocairo.h>

struct Canvas {
    int width, height;
    uint8_t *pixels; /* (height, width), 32 bits of the machine's order: 0x00RRGGBB */
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoFontMap *fonts;
    PangoContext *context;
};

/* A map of our fonts alone, and the context of texts in it.  FALSE with WSI_ERROR_ABSENT. */
gboolean canvas_fonts(Canvas *canvas, GError **error);

static inline void canvas_colour(Canvas *canvas, CanvasColour colour)
{
    cairo_set_source_rgb(canvas->cairo, colour.r / 255.0, colour.g / 255.0, colour.b / 255.0);
}

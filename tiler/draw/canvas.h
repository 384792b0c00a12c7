/* Pages for people: images, lines and text, for a screen and for print.
 *
 * Text is set by Pango and drawn by Cairo in one font of the package fonts-dejavu-core, read from its file by name, without hinting and in
 * grey. So the pixels depend on the versions of these libraries and of the font, but not on the user's locale, fontconfig or screen.
 *
 * Lengths are px, positions from the top left corner.  A canvas belongs to one thread. */
#pragma once
#include "base/image.h"
#include "base/ring.h"

#define CANVAS_DPI 300
/* Points (1/72 inch) and millimetres of the printed page, in px. */
#define CANVAS_PT(points) ((points)*CANVAS_DPI / 72.0)
#define CANVAS_MM(millimetres) ((millimetres)*CANVAS_DPI / 25.4)

typedef struct Canvas Canvas;
/* A white page.  NULL with WSI_ERROR_MEMORY, or WSI_ERROR_ABSENT when the font's file is not there. */
Canvas *canvas_new(int width, int height, GError **error);
void canvas_free(Canvas *canvas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Canvas, canvas_free)
/* Whether pages can be drawn, for a check before the work that ends in one; FALSE as above. */
gboolean canvas_check(GError **error);
/* What was drawn, as RGB.  Caller frees. */
Image *canvas_finish(Canvas *canvas, GError **error);

typedef struct {
    uint8_t r, g, b;
} CanvasColour;

/* Copies the pixels of an RGB image that fits on the page. */
void canvas_image(Canvas *canvas, const Image *rgb, int left, int top);
void canvas_fill(Canvas *canvas, const Rect *area, CanvasColour colour);
/* A line around the area, outside of it. */
void canvas_frame(Canvas *canvas, const Rect *area, double width, CanvasColour colour);

/* A line, with a white border of `border` px on each side so that it shows on every colour. */
typedef struct {
    double width, border;
    CanvasColour colour;
} CanvasPen;
/* Draws outlines in the area, and nothing outside of it.  columns, rows: the coordinates of its far corner in those of the outlines. */
void canvas_rings(Canvas *canvas, const Ring *rings, int count, double columns, double rows, const Rect *area,
                  const CanvasPen *pen);
/* A straight piece of such a line. */
void canvas_line(Canvas *canvas, double x0, double y0, double x1, double y1, const CanvasPen *pen);

typedef enum { CANVAS_LEFT, CANVAS_CENTRE, CANVAS_RIGHT } CanvasAlign;
typedef struct {
    double points; /* size of the font */
    gboolean bold;
    CanvasColour colour;
    CanvasAlign align; /* where x is in the line: at its left end, its middle or its right end */
    double width;      /* longer text is cut in its middle, or broken into lines; 0 = no limit */
    gboolean lines;    /* broken into lines */
    gboolean
        upwards; /* turned by a quarter: the text runs from the bottom to the top, and `width` is a height */
} CanvasText;
/* Writes text at (x, y), the top of its first line; upwards: x is the left side of the turned text and y is along it.  The text may be of any
 * origin: nothing in it is markup, bytes that are not UTF-8 and control characters show as a replacement character, and of very long text only
 * the ends are read.  Returns the box that it takes. */
Rect canvas_text(Canvas *canvas, double x, double y, const CanvasText *style, const char *text);
/* The same box without drawing. */
Rect canvas_text_box(Canvas *canvas, double x, double y, const CanvasText *style, const char *text);

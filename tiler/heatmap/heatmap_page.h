/* The overview of a heatmap for people: the slide, and the map on it, on one page. */
#pragma once
#include "tiler/draw/canvas.h"
#include "tiler/slide/slide.h"

/* Outlines in a frame that covers the slide's whole level 0. */
typedef struct {
    const CanvasRing *rings; /* from (0, 0) to (columns, rows) */
    int count;
    double columns, rows;
} HeatmapOutlines;

typedef struct {
    const Map *map; /* covers the slide's whole level 0 */
    const Image
        *known; /* of the map's size: 0 = hatched where there is no value; NULL: all cells are known */
    const char *colours;
    double low, high, opacity;
    double threshold; /* marked in the bar of colours when it is in their range; NAN: none */
    /* NULL: not known, and not in the legend. */
    const HeatmapOutlines *tissue, *annotation, *regions;
    /* Any text; may be empty.  The note may take several lines. */
    const char *title, *subtitle, *note;
} HeatmapPage;

/* The page (heatmap_layout.h), at CANVAS_DPI.  The slide must have a resolution.  Caller frees. */
Image *heatmap_page(Slide *slide, const HeatmapPage *page, GError **error);
/* The slide with the map on it for lists: the longer side has `side` px.  A pixel shows the highest score of its cells.  Caller frees. */
Image *heatmap_page_thumbnail(Slide *slide, const HeatmapPage *page, int side, GError **error);

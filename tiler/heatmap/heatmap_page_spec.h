/* What is on the overview of a heatmap. */
#pragma once
#include "tiler/draw/canvas.h"

/* Outlines in a frame that covers the slide's whole level 0. */
typedef struct {
    const Ring *rings; /* from (0, 0) to (columns, rows) */
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

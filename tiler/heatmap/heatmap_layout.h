/* Where things are on the page of a heatmap.  For this folder and its tests only.
 *
 *      title
 *      what was found
 *   +---------+ +---------+ ##  high
 *   |  slide  | | the map | ##
 *   |         | | on it   | ##  threshold
 *   +---------+ +---------+ ##  low
 *   |--| 1 mm   lines and hatching
 *      note
 *
 * The page is 180 mm wide at 300 dpi, less for slides that are much higher than wide; wide slides have the second image below the first.
 * Images are square in um, whatever the pixels of the slide are.  Everything is at whole pixels. */
#pragma once
#include "base/image.h"

typedef struct {
    int width, height;             /* of the page */
    int margin, top;               /* around everything; where the images begin */
    int panel_width, panel_height; /* of each of the images */
    int left[2], upper[2];         /* of the slide, and of the slide with the map */
    double um_per_px;              /* of the images */
    Rect bar;                      /* the colours */
    double scale_um, scale_px;     /* of the scale bar */
    int below;                     /* where the row of the scale bar begins */
} HeatmapLayout;

/* For a slide of this size.  above, below: heights of what is over and under the images. */
HeatmapLayout heatmap_layout(double width_um, double height_um, int above, int below);
/* "500 um" with the Greek letter, "2 mm", "1 cm" is "10 mm".  Caller frees. */
char *heatmap_layout_scale(double um);
/* The round step (1, 2 or 5 times a power of ten) that is nearest below or at `most`. */
double heatmap_layout_round(double most);
/* The y of a value in a bar of colours from low (last row) to high (first row): the middle of its row. */
double heatmap_layout_value(const Rect *bar, double value, double low, double high);

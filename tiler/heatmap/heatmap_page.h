/* The overview of a heatmap for people: the slide, and the map on it, on one page. */
#pragma once
#include "tiler/heatmap/heatmap_page_spec.h"
#include "tiler/slide/slide.h"

/* The page (heatmap_layout.h), at CANVAS_DPI.  The slide must have a resolution.  Caller frees. */
Image *heatmap_page(Slide *slide, const HeatmapPage *page, GError **error);
/* The slide with the map on it for lists: the longer side has `side` px.  A pixel shows the highest score of its cells.  Caller frees. */
Image *heatmap_page_thumbnail(Slide *slide, const HeatmapPage *page, int side, GError **error);

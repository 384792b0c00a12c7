/* The images on the page of a heatmap, at any size.  For this folder only. */
#pragma once
#include "tiler/heatmap/heatmap_page_spec.h"
#include "tiler/slide/slide.h"

/* A map at another size.  A pixel that is larger than the cells takes their mean, or, for images so small that a metastasis would vanish
 * in a mean, their maximum; a smaller one takes the cell that its centre is in.  Cells without a value do not count.  Caller frees. */
typedef enum { PANEL_MEAN, PANEL_MAXIMUM } PanelMode;
Map *heatmap_panel_map(const Map *map, int width, int height, PanelMode mode, GError **error);

/* The slide (RGB); what cannot be read is hatched, and 0 in *readable.  Caller frees both. */
Image *heatmap_panel_slide(Slide *slide, int width, int height, Image **readable, GError **error);
/* The same with the map on it.  Parts without a value are hatched where the slide cannot be read or the page says that they are not known.
 * *hatched: whether there are any.  Caller frees. */
Image *heatmap_panel_blend(const HeatmapPage *page, const Image *base, const Image *readable, PanelMode mode,
                           gboolean *hatched, GError **error);

/* The images of a heatmap for people: heatmap.png, and a small one for lists. */
#pragma once
#include "annotations/raster/raster.h"
#include "pipeline/scoring/heatmap_look.h"
#include "tiler/slide/slide.h"

enum { HEATMAP_OVERVIEWS = 2 };
/* heatmap.png: slide, and map on it, with outlines, scale bar and bar of colours, at 300 dpi (tiler/heatmap/heatmap_page.h).
 * thumbnail.jpg: the slide with the map on it, at most 10 kB; its longer side has 224 px. */
extern const char *const heatmap_overview_files[HEATMAP_OVERVIEWS];

typedef struct {
    Slide *slide;
    const Map *map;
    const Image *known;    /* heatmap_files_known; NULL: all */
    const Image *tissue;   /* mask over the whole slide; NULL: not known */
    const Raster *lesions; /* of the annotation; NULL: there is none */
    double min_area_um2;   /* smaller regions are left out, as in regions.geojson */
} HeatmapOverview;
/* Writes both into the folder.  sha256: of each. */
gboolean heatmap_overview_write(const char *folder, const HeatmapLook *look, const HeatmapOverview *of,
                                char sha256[HEATMAP_OVERVIEWS][65], GError **error);

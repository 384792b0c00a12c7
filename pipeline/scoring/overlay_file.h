/* overlay.tif: the slide itself with its score map on it (tiler/heatmap/overlay.h), for viewers that show one image at a time. */
#pragma once
#include "pipeline/scoring/heatmap_look.h"
#include "tiler/slide/slide.h"

#define OVERLAY_FILE "overlay.tif"

typedef struct {
    double mpp; /* wanted um/px; 0 = level 0 */
    int quality, threads;
    double min_area_um2; /* of the outlines that are drawn */
    /* Progress in rows of px; may be NULL. */
    gboolean (*tick)(void *data, int64_t done, int64_t total, GError **error);
    void *data;
} OverlayOptions;
/* By heatmap.overlay_mpp, heatmap.overlay_quality and regions.min_area_um2; one thread. */
OverlayOptions overlay_file_options(const Config *config);

/* Writes it into the folder.  Outlines are those of regions.geojson: at the look's threshold (none: no outlines), without regions that are
 * too small.  known: as for heatmap_files_write(). */
gboolean overlay_file_write(const char *folder, const OverlayOptions *options, const HeatmapLook *look,
                            Slide *slide, const Map *map, const Image *known, char sha256[65],
                            GError **error);

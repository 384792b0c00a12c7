/* How score maps become colours: one look for all slides that one model scored.
 *
 * Keys that are numbers are used as they are.  "auto" depends on nothing but the threshold, so neither a slide nor the cohort changes the
 * range, and equal colours mean equal scores on every slide:
 *   low   0, the mean of held-out normal tiles; below a threshold that is not positive: 2 standard deviations under it
 *   high  3 times the threshold, rounded up to a tenth, and at least 4 above low */
#pragma once
#include "pipeline/scoring/map_threshold.h"

typedef struct {
    const char *title;      /* of the overview: the slide's id */
    const char *provenance; /* short ASCII: model, version; goes into the TIFF descriptions */
    const char *colours;
    double low, high; /* low < high */
    double opacity;
    gboolean low_auto, high_auto;
    MapThreshold threshold; /* marked in the images unless it is NAN */
} HeatmapLook;

/* title and provenance are empty.  Without a threshold, auto is 0 to 8. */
HeatmapLook heatmap_look(const Config *config, MapThreshold threshold);
/* For descriptions, one ASCII line: "viridis from 0 to 5.4 standard deviations of normal tiles (auto: from the threshold 1.79 of the
 * model)".  Caller frees. */
char *heatmap_look_text(const HeatmapLook *look);

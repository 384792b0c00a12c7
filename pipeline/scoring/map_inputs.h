/* What stages need that show the score map of a slide. */
#pragma once
#include "pipeline/scoring/heatmap_look.h"
#include "tiler/slide/slide.h"

typedef struct {
    Map *map;
    Image *tissue; /* mask over the whole slide */
    Image *known;  /* heatmap_files_known() */
    Slide *slide;
    HeatmapLook look; /* with title and provenance */
} MapInputs;

/* Reads them from what `tissue`, `train` and `score` published.  The calling stage reads regions.threshold, score.model and the keys of
 * heatmap_look().  Free with map_inputs_clear(), also after a failure. */
gboolean map_inputs_read(const Work *work, MapInputs *out, GError **error);
void map_inputs_clear(MapInputs *inputs);

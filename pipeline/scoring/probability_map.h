/* The probability of an anomaly at each cell of a score map. */
#pragma once
#include "flows/models/calibration.h"
#include "tiler/slide/slide.h"

/* Each tile of the table has the probability of its score (calibration_probability); where tiles overlap, they are blended as the map is
 * (tiler/heatmap/blend.h).  NaN where the score map has no value.  scores: the slide's table.  *out stays NULL when the calibration gives no
 * probability.  Caller frees *out.  FALSE with error. */
gboolean probability_map(const Calibration *calibration, const char *scores, const Map *map,
                         const SlideInfo *info, Map **out, GError **error);

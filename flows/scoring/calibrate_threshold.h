/* The threshold's part of a calibration. */
#pragma once
#include "flows/models/tile_set.h"
#include "flows/scoring/scorer.h"

/* Held-out tiles that a threshold is chosen by. */
typedef struct {
    const Model *model; /* calibrated but for the threshold */
    const TileSet *tiles;
    const int64_t *normal, *anomaly; /* indices; anomaly may be NULL when there are none */
    int64_t normals, anomalies;
    const TileScore *clean; /* of the normals as they are */
    Scorer **scorers;       /* one a thread */
    int threads;
} ThresholdTiles;
/* Fills threshold, chosen, threshold_f and anomalies. */
gboolean calibrate_threshold(const ThresholdTiles *tiles, Calibration *out, GError **error);

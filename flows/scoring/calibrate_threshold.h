/* The threshold of a calibration. */
#pragma once
#include "flows/models/tile_set.h"
#include "flows/scoring/scorer.h"

/* The held-out tiles that a threshold is chosen with. */
typedef struct {
    const Model *model; /* calibrated except for the threshold */
    const TileSet *tiles;
    const int64_t *normal, *anomaly; /* indices; anomaly may be NULL when there are none */
    int64_t normals, anomalies;
    const TileScore *clean; /* (normals): scores without augmentation */
    Scorer **scorers;       /* (threads) */
    int threads;
} ThresholdTiles;
/* Fills threshold, chosen, expected, threshold_f, anomalies and the probability.  FALSE with error. */
gboolean calibrate_threshold(const ThresholdTiles *tiles, Calibration *out, GError **error);

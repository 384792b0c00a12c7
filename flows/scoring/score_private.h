/* The inside of a scorer, for score.c and calibrate.c. */
#pragma once
#include "flows/scoring/anomaly.h"
#include "flows/models/model_private.h"

#define SCORER_BATCH 8

struct Scorer {
    const Model *model;
    ExtractorRun *extractor;
    MsflowRun *flow;
    Upsampler *to_tile, *to_map;
    int tile, side; /* px of tile and map */
    uint8_t *rgb;   /* a batch with blank tiles, when fewer are given */
    float *energy[SCALES], *tile_energy,
        *map_energy; /* of one tile: of each scale, E at the size of the tile and of the map */
    const real *z[SCALES], *local[SCALES];
    double logdet[SCORER_BATCH];
};

/* Indices of tile_score_column. */
enum { COLUMN_SCORE, COLUMN_NLL = 3, COLUMN_SCALE1 = 5, COLUMN_LOGIT = 10 };

/* Latents of a batch of count <= SCORER_BATCH tiles. */
void scorer_forward(Scorer *s, const uint8_t *rgb, int count);
/* Energies of tile b of that batch, and the scores that need no selection. */
gboolean scorer_measure(Scorer *s, int b, TileScore *score, GError **error);
/* The other scores, but for the recommended one; re-orders tile_energy. */
void scorer_finish(Scorer *s, TileScore *score);
/* From the NLL and the head, or the NLL's calibration. */
double score_logit(const Model *model, const TileScore *score);
/* From what scorer_measure gives and its calibration. */
double score_recommended(const Model *model, const TileScore *score);

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

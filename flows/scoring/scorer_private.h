/* The inside of a scorer, for scorer.c, calibrate.c and calibrate_threshold.c. */
#pragma once
#include "flows/models/model_private.h"
#include "flows/scoring/anomaly.h"
#include "flows/scoring/scorer.h"

#define SCORER_BATCH 8

struct Scorer {
    const Model *model;
    ExtractorRun *extractor;
    MsflowRun *flow;
    Upsampler *to_tile, *to_map;
    int tile, side; /* px of tile and map */
    uint8_t *rgb;   /* a batch; missing tiles are blank */
    float *energy[SCALES], *tile_energy,
        *map_energy; /* of one tile: of each scale, E at the size of the tile and of the map */
    const real *z[SCALES], *local[SCALES];
    double logdet[SCORER_BATCH];
};

/* Latents of a batch of count <= SCORER_BATCH tiles. */
void scorer_forward(Scorer *s, const uint8_t *rgb, int count);
/* Energies of tile b of that batch, and the scores that need no selection of the largest.  FALSE with error when they are not
 * finite. */
gboolean scorer_measure(Scorer *s, int b, TileScore *score, GError **error);
/* The scores of the largest energies.  Reorders tile_energy. */
void scorer_finish(Scorer *s, TileScore *score);
/* The logit of the head; without labels the standardised NLL. */
double scorer_logit(const Model *model, const TileScore *score);
/* The recommended score, from what scorer_measure gives and its calibration. */
double score_recommended(const Model *model, const TileScore *score);

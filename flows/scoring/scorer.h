/* Scores, anomaly maps and pooled latents of tiles. */
#pragma once
#include "flows/models/head.h"
#include "flows/models/model.h"

/* Pooled latents of a tile: for every scale the means of z^2 and of z over positions, channels averaged to HEAD_GROUPS numbers each. */
#define SCORER_LATENTS HEAD_FEATURES

/* A scorer belongs to one thread.  It always computes `batch` tiles together (missing ones are blank), so the scores of a tile do not
 * depend on the other tiles, nor on its position in the batch. */
typedef struct Scorer Scorer;
Scorer *scorer_new(const Model *model, GError **error);
void scorer_free(Scorer *scorer);
int scorer_batch(const Scorer *scorer);
/* Side of the anomaly maps in px: that of the finest latent. */
int scorer_map_size(const Scorer *scorer);
/* rgb: (count, tile, tile, 3), count <= batch.  scores: (count).  maps (may be NULL): (count, map size, map size), the anomaly value
 * at each position, comparable between tiles and slides.  It is E, the sum of what the model measures on the scales, minus the mean
 * of E at that position over held-out normal tiles, in their standard deviations: normal tissue is about 0 everywhere, also at the
 * borders of tiles.  FALSE with error. */
gboolean scorer_run(Scorer *scorer, const uint8_t *rgb, int count, TileScore *scores, float *maps,
                    GError **error);
/* The pooled latents of tile b of the last scorer_run, b < its count. */
void scorer_latents(const Scorer *scorer, int b, float latents[SCORER_LATENTS]);

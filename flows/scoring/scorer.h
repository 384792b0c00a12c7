/* Scores and anomaly maps of tiles. */
#pragma once
#include "flows/models/model.h"

/* A scorer belongs to one thread; `batch` tiles are computed together, always the same number (missing ones are blank), so the
 * scores of a tile do not depend on its neighbours or on where in a batch it stands. */
typedef struct Scorer Scorer;
Scorer *scorer_new(const Model *model, GError **error);
void scorer_free(Scorer *scorer);
int scorer_batch(const Scorer *scorer);
/* Side of the anomaly maps (px): that of the finest latent. */
int scorer_map_size(const Scorer *scorer);
/* rgb: count <= batch tiles, packed.  scores: count.  maps (may be NULL): count maps of map_size^2 floats, the anomaly value
 * per position, comparable between tiles and slides: E, the sum of the scales' half mean square latents, minus its mean at
 * that position over held-out normal tiles, in their standard deviations.  So normal tissue is about 0 everywhere, tile
 * borders included. */
gboolean scorer_run(Scorer *scorer, const uint8_t *rgb, int count, TileScore *scores, float *maps,
                    GError **error);

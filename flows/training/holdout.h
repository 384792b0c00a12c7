/* Which tiles are trained on, which are held out, and in which order an epoch takes them.  Functions of the seed and of the names and places
 * of tiles only: never of threads. */
#pragma once
#include "flows/models/tile_set.h"
#include "flows/models/calibration.h"

typedef struct {
    int64_t *train, *holdout; /* tile indices, ascending */
    int64_t trains, holdouts;
    uint32_t *permutation; /* scratch of holdout_order */
    gboolean anomalies;    /* names the stream of random numbers */
} Split;

/* Holds out about `share` of the normals, and of the labelled anomalies (tiles->anomaly), together.  What is held out is of
 * patients that nothing is trained on (slides, where each tile's patient is named as its slide: nobody named patients).  Where the tiles do not allow that, of slides that nothing is trained on; then of square blocks
 * of a slide, about which a margin of one tile is neither trained on nor held out; then single tiles: `holdout` says which it was
 * (HoldoutKind, model.h) and what became of the tiles.
 *
 * teach: anomalies are trained on, so some stay; otherwise they only judge, and those that cannot are in neither list.  When all
 * anomalies are of one of several patients, none of this patient's normals is trained on, and its anomalies are divided
 * (holdout->anomalies_shared).
 *
 * FALSE with WSI_ERROR_INPUT for fewer than two normals, two anomalies to teach by, or one to judge by. */
gboolean holdout_make(const TileSet *tiles, gboolean teach, double fraction, uint64_t seed, Split *normals,
                      Split *anomalies, Holdout *holdout, GError **error);
void holdout_clear(Split *split);
/* The order in which `epoch` (from 1) takes the training tiles: order[0..trains) are tile indices. */
void holdout_order(Split *split, uint64_t seed, int epoch, int64_t *order);

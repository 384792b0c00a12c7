/* The hold-out: which tiles are trained on, which are held out, and in which order an epoch takes them.
 *
 * Functions of the seed and of the names and positions of the tiles; never of threads. */
#pragma once
#include "flows/models/tile_set.h"
#include "flows/models/calibration.h"

typedef struct {
    int64_t *train, *held; /* tile indices, ascending */
    int64_t train_count, held_count;
    uint32_t *permutation; /* scratch of holdout_order */
    gboolean anomalies;    /* which class this is; it names the stream of random numbers */
} HoldoutLists;

/* Holds out about `fraction` of the normals and of the labelled anomalies (tiles->anomaly), both by the same units.
 *
 * The units are whole patients: nothing is trained on a patient of a held-out tile.  (When each tile's patient has the name of
 * its slide, nobody named patients, and the units are slides.)  Where the tiles do not allow that, the units are slides, then
 * square blocks of a slide with an unused margin of one tile around them, then single tiles.  `holdout` says which it was
 * (HoldoutKind) and what became of the tiles.
 *
 * train_anomalies: some anomalies stay for the training.  Otherwise anomalies only validate; those of patients that are trained
 * on are in neither list.  When all anomalies are of one of several patients, that patient's normals are held out and its
 * anomalies are divided (holdout->anomalies_shared).
 *
 * FALSE with WSI_ERROR_INPUT for fewer than two normals; for fewer than two anomalies to train on, or one to validate on. */
gboolean holdout_make(const TileSet *tiles, gboolean train_anomalies, double fraction, uint64_t seed,
                      HoldoutLists *normals, HoldoutLists *anomalies, Holdout *holdout, GError **error);
void holdout_clear(HoldoutLists *split);
/* The order in which `epoch` (from 1) takes the training tiles: order[0..train_count) are tile indices. */
void holdout_order(HoldoutLists *split, uint64_t seed, int epoch, int64_t *order);

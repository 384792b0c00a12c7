/* What held-out normal tiles look like to a model: the ground of its scores, its maps and its threshold.
 *
 * flows/scoring/calibrate.h measures it; it is stored in the bundle, so a loaded model says the same as its training did. */
#pragma once
#include "flows/kernels/real.h"
#include "flows/models/threshold_spec.h"
#include "flows/models/tile_score.h"
#include <jansson.h>

/* What the hold-out shares nothing of with the training; from the best to the worst. */
typedef enum {
    HOLDOUT_PATIENTS, /* whole patients */
    HOLDOUT_LONE_SLIDES, /* whole slides; no patient is named apart from its slide, so who shares a patient is unknown */
    HOLDOUT_SLIDES,          /* whole slides of patients that are also trained on */
    HOLDOUT_BLOCKS,          /* blocks of slides that are also trained on, a tile's side away from what is */
    HOLDOUT_TOUCHING_BLOCKS, /* the same without the distance: no pixel is shared, but tiles touch */
    HOLDOUT_TILES            /* single tiles, which may share anything */
} HoldoutKind;
extern const char *const holdout_kinds[]; /* by HoldoutKind, ended by NULL */
typedef struct {
    HoldoutKind kind;
    int64_t groups; /* patients, slides or blocks whose normals are held out; 0 for single tiles */
    int64_t unused; /* tiles neither trained on nor held out, as they are too near or cannot judge */
    gboolean anomalies_shared; /* anomalies are of one patient, held out and trained on */
    /* Images that are the same to the last pixel. */
    int64_t repeats_held;    /* training tiles that were also held out: left out of the training */
    int64_t repeats_trained; /* further copies among the training tiles, and */
    int64_t repeats_judging; /* among the held-out ones: both stay */
} Holdout;

/* What tiles of normal tissue that were not trained on look like to the model. */
typedef struct {
    int64_t tiles; /* hold-out tiles all of this comes from */
    double m0;     /* 99.5 % quantile of M over their pixels */
    /* Of each score, in the order of tile_score_column; of the recommended one before it is standardised itself. */
    double mean[TILE_SCORES], sd[TILE_SCORES];
    double threshold;     /* of the recommended score: anomalous from here on */
    ThresholdSpec chosen; /* how it was chosen */
    double expected;      /* fraction of fresh normals above it, at most; NAN but for the quantile */
    double threshold_f;   /* F_beta that it reached there; NAN for the quantile */
    int64_t anomalies;    /* labelled ones it was chosen by */
    /* E at each position of a map, (map_side, map_side): the border of a tile differs from its middle; and the standard
     * deviation about it, over all positions. */
    int map_side;
    real *map_mean;
    double map_sd;
    Holdout holdout; /* how the tiles were held out */
} Calibration;
/* Why a calibration is not to be trusted: sentences, ended by NULL, none when it is.  Free with g_strfreev. */
char **calibration_doubts(const Calibration *calibration);
/* As JSON: what bundles and metrics.json hold, with "trusted" and "doubts"; without map_mean.  Caller owns it. */
json_t *calibration_write(const Calibration *calibration);
/* One line for people: threshold, how it was chosen, number of tiles and what they were held out by.  Caller frees. */
char *calibration_text(const Calibration *calibration);
/* Reads what calibration_write wrote.  map_mean is not in it: it is a tensor of the bundle. */
gboolean calibration_read(const json_t *object, Calibration *calibration, GError **error);

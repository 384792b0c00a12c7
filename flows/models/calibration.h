/* What held-out normal tiles look like to a model: its scores, maps and threshold are relative to them.
 *
 * flows/scoring/calibrate.h measures it.  The bundle stores it, so a loaded model gives the same values as after its training. */
#pragma once
#include "flows/kernels/real.h"
#include "flows/models/threshold_spec.h"
#include "flows/models/tile_score.h"
#include <jansson.h>

/* What the held-out tiles share with nothing that is trained on, from the best kind to the worst. */
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
    int64_t groups;            /* patients, slides or blocks whose normals are held out; 0 for single tiles */
    int64_t unused;            /* tiles in neither: near held-out ones, or anomalies of patients trained on */
    gboolean anomalies_shared; /* all anomalies are of one patient, who is both held out and trained on */
    /* Copies: tiles that are equal in every pixel. */
    int64_t repeats_left_out;    /* of held-out tiles, left out of the training */
    int64_t repeats_in_training; /* further ones among the training tiles; they stay */
    int64_t repeats_in_holdout;  /* the same among the held-out tiles */
} Holdout;

typedef struct {
    int64_t tiles; /* held-out normal tiles that all of this comes from */
    double m0;     /* 99.5 % quantile of M over their pixels */
    /* Of each score, in the order of tile_score_column; of the recommended one before it is standardised itself. */
    double mean[TILE_SCORES], sd[TILE_SCORES];
    double threshold;     /* of the recommended score: a tile at or above it is anomalous */
    ThresholdSpec chosen; /* how it was chosen */
    double expected;      /* fraction of fresh normals above it, at most; NAN unless it is a quantile */
    double threshold_f;   /* F_beta at the threshold; NAN for a quantile */
    int64_t anomalies;    /* labelled ones that it was chosen with */
    /* The logit of the probability that a tile is an anomaly: slope times the recommended score, plus offset (flows/scoring/probability_fit.h), by the
     * tiles that the threshold was chosen with.  NAN without enough labelled anomalies. */
    double probability_slope, probability_offset;
    /* Mean of E at each position of a map, (map_side, map_side), since the border of a tile differs from its middle; and the
     * standard deviation from it, over all positions. */
    int map_side;
    real *map_mean;
    double map_sd;
    Holdout holdout; /* how the tiles were held out */
} Calibration;
/* A class with fewer held-out tiles gives no probability. */
enum { PROBABILITY_TILES = 10 };
/* The probability that a tile of this score is an anomaly, among tiles of which as many are anomalies as of the held-out ones; NAN when the
 * calibration gives none. */
double calibration_probability(const Calibration *calibration, double score);
/* A sentence for people: where the probability is from, or why there is none.  Caller frees. */
char *calibration_probability_text(const Calibration *calibration);
/* Reasons not to trust the calibration, as sentences, ended by NULL; none when it can be trusted.  Free with g_strfreev. */
char **calibration_doubts(const Calibration *calibration);
/* The calibration as in bundles and metrics.json, with "trusted" and "doubts", without map_mean.  Caller owns it. */
json_t *calibration_write(const Calibration *calibration);
/* One line for people: the threshold, how it was chosen, from how many tiles, and how those were held out.  Caller frees. */
char *calibration_text(const Calibration *calibration);
/* Reads what calibration_write wrote; map_mean stays unset, as it is a tensor of the bundle.  FALSE with WSI_ERROR_INPUT. */
gboolean calibration_read(const json_t *object, Calibration *calibration, GError **error);

/* A trained anomaly model: extractor + MSFlow + calibration, with the one interface that all models share: fit, score, save,
 * load.  The bundle is one safetensors file; configuration and calibration are in its metadata. */
#pragma once
#include "base/image.h"
#include "flows/training/augment.h"
#include "flows/training/collapse.h"
#include "flows/training/losses.h"
#include "flows/scoring/threshold.h"
#include <jansson.h>

/* What the recommended score of a tile is made of; standardised by held-out normals in each case. */
typedef enum {
    SCORE_SCALES, /* mean of the scales, each of them standardised, see MeasureKind */
    SCORE_NLL,    /* negative log-likelihood */
    SCORE_LOGIT   /* of a training with labels; without labels the same as SCORE_NLL */
} ScoreKind;

typedef enum { MEASURE_ENERGY, MEASURE_LIKELIHOOD } MeasureKind;

typedef struct {
    ExtractorSpec extractor;
    int tile_size; /* px */
    double mpp;    /* of the tiles, um/px; 0 = unknown */
    /* Everything else that decides how a tile is made of a slide: a JSON object of the caller's, which this room carries and never
     * reads.  A reference is held; NULL = unknown. */
    json_t *cut;
    MsflowSpec flow;     /* channels and size are filled in from the extractor, seed from `seed` below */
    const char *kernels; /* NULL = best */
    /* What maps and scores are made of: ENERGY, half the mean square of the latents, as MSFlow has it; LIKELIHOOD, the same less
     * each position's part of the log-determinant per channel: the negative log-likelihood up to a constant. */
    MeasureKind measure;
    /* Training: Adam on the mean NLL per dimension.  The rate rises linearly from a tenth over warmup_epochs and then falls
     * along a cosine to a hundredth at the last epoch. */
    int epochs, batch;
    int shards; /* parts a batch is computed in; fixed, so that results do not depend on threads */
    double learning_rate, warmup_epochs;
    /* FPN_ORTHOGONAL, FPN_TWO_PHASE: the laterals' rate, as a fraction of learning_rate; a run ends with an error when the pyramid
     * collapses (flows/training/collapse.h).  fpn_epochs: of the first phase of FPN_TWO_PHASE. */
    double fpn_rate;
    int fpn_epochs;
    double clip;  /* norm of the gradient of NLL / D; 0 = none (MSFlow: 2.0 for the gradient of the NLL) */
    int patience; /* epochs without better hold-out NLL before stopping; 0 = never */
    double
        holdout; /* fraction of the normals kept for early stopping and calibration, by patient when known */
    uint64_t seed;          /* initial weights, order of tiles, hold-out, augmentation */
    gboolean half_features; /* the features it is trained on are rounded to binary16; scores never are */
    /* Training tiles are augmented anew in each epoch; what is fitted before the first epoch, and held-out tiles, are as they
     * are. */
    gboolean augmented;
    AugmentSpec augment;     /* also of the draws of the threshold */
    ThresholdSpec threshold; /* chosen after training: changes the calibration only */
    LossSpec loss;
    ScoreKind score;
} ModelSpec;
/* All defaults, for extractor `name` (borrowed strings are copied). */
void model_spec_default(ModelSpec *spec, const char *extractor);
void model_spec_clear(ModelSpec *spec);
/* Names of choices, in bundles and in configurations, in the order of their enums; ended by NULL. */
extern const char *const model_pad_names[],
    *const model_step_names[], *const model_fpn_names[], *const model_measure_names[],
                                                             *const model_normalise_names[],
                                                                 *const model_normal_names[],
                                                                     *const model_margin_names[],
                                                                         *const model_selection_names[],
                                                                             *const model_score_names[];

/* FALSE with WSI_ERROR_INPUT naming the first value that no training can have.  What extractor and flow demand beyond that is told by
 * model_fit. */
gboolean model_spec_check(const ModelSpec *spec, GError **error);

/* One training tile, read on demand.  rgb: tile_size x tile_size x 3. Called from many threads, once or more a tile. */
typedef gboolean (*TileSource)(void *data, int64_t index, uint8_t *rgb, GError **error);
/* Where a tile is on its slide, in level-0 pixels rounded to whole ones; side 0 = unknown. */
typedef struct {
    double x, y, side;
} TilePosition;
typedef struct {
    int64_t count;
    TileSource read;
    void *data;
    const char *const
        *group; /* group[i]: patient (or slide) of tile i, for the hold-out split; may be NULL */
    const char *const *slide;     /* slide of tile i; may be NULL */
    const TilePosition *position; /* of tile i; may be NULL */
    const uint8_t *anomaly;       /* 1 for each labelled anomaly, 0 for each normal; NULL = all are normal */
} TileSet;

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

typedef struct {
    int epoch;
    double train_nll, holdout_nll; /* per dimension, without 0.5 ln 2 pi */
    double gradient_norm, learning_rate, seconds;
    int skipped_steps;
    Collapse collapse; /* after the epoch; NAN where nothing before the flows was trained */
    /* Means of the terms of labels, without their weights; NAN while they do not count. */
    double focal, centre, margin;
    /* How well the recommended score tells held-out anomalies from held-out normals; NAN without anomalies. */
    double holdout_auroc, holdout_ap, holdout_f;
} EpochReport;
/* Told after each epoch; FALSE stops the training cleanly (the error is WSI_ERROR_CANCELLED). */
typedef gboolean (*EpochCallback)(void *data, const EpochReport *report);

/* Where features of the frozen extractor are kept; decides about time, never about results. */
typedef enum { FEATURES_MEMORY, FEATURES_NONE, FEATURES_FILE } FeatureCache;

typedef struct {
    int threads;
    /* Path: written after each epoch, resumed from when it fits the specification and the data; NULL = none. */
    const char *checkpoint;
    EpochCallback reported;
    void *reported_data;
    /* What does not fit is computed anew each time, with the same result.  0 = 2 GiB of memory, a file without limit. */
    int64_t cache_bytes;
    FeatureCache cache;
    /* Path of FEATURES_FILE, which stays for a later process to go on with; not possible with augmentation, which makes other
     * tiles in each epoch. */
    const char *feature_file;
} FitOptions;

/* What became of a channel of the latents, over held-out normal tiles (models.md B.2). */
typedef struct {
    int scale, channel;
    double
        activity; /* mean |log-scale| that the scale's flow gave it depending on others: see msflow_activity */
    double variance; /* of z */
    gboolean dead;   /* activity < 1e-3, or variance further than 1 from 1 */
} ChannelReport;

#define TILE_SCORES 11
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

typedef struct Model Model;
/* Trains on normals, and with spec->loss.labels on the labelled anomalies among the tiles.  The result does not depend on
 * threads, nor on being stopped and resumed from the checkpoint.
 * What is kept are the parameters of the epoch that spec->loss.selection finds best; by NLL, with labels, one in which all
 * terms counted.  Anomalies are held out for that choice and for the threshold; without loss.labels all of them, and none is
 * trained on. */
Model *model_fit(const ModelSpec *spec, const TileSet *tiles, const FitOptions *options, GError **error);
/* Gives back the memory of weights that scorers hold in packed form, once all scorers that will ever be needed exist: about half of
 * what scoring with a large extractor takes.  The model can then neither make scorers nor be saved. */
void model_release(Model *model);
void model_free(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)
const ModelSpec *model_spec(const Model *model);
/* Array of EpochReport, in order; seconds are 0 for epochs of an earlier process. */
const GArray *model_history(const Model *model);
/* Array of ChannelReport, scale by scale, of the parameters that were kept; NULL for a model from a file. */
const GArray *model_channels(const Model *model);
const Calibration *model_calibration(const Model *model);
/* SHA-256 over pixels, groups, slides, places and labels of all tiles it was trained on and calibrated with. */
const char *model_tiles_hash(const Model *model);
gboolean model_save(const Model *model, const char *path, char sha256[65], GError **error);
/* What a bundle says of itself, without its tensors and without the extractor's weights: its specification (the caller clears it),
 * and its calibration without map_mean.  WSI_ERROR_INPUT when it is no bundle. */
gboolean model_describe(const char *path, ModelSpec *spec, Calibration *calibration, GError **error);
/* weights: path of the extractor's weights, overrides the one in the bundle; may be NULL.  Their hash must agree. */
Model *model_load(const char *path, const char *weights, const char *kernels, GError **error);

/* Scores of a tile (models.md A.8).  Higher = more anomalous, but for the log-determinant, which is there to be looked at. */
typedef struct {
    /* The recommended one, see model_score_name: 0 = typical of held-out normal tiles, 1 = one of their standard deviations
     * above. */
    double score;
    double contrast; /* top 3 % mean of A_mul: contrast inside of the tile */
    double absolute; /* the same with the constant M0 of the calibration instead of the tile's own maximum */
    double nll;      /* NLL / D */
    double logdet;   /* ld / D */
    double scale[SCALES]; /* what ModelSpec.measure says, per channel and position of each scale */
    double top;           /* top 3 % mean of -M */
    double maximum;       /* max of -M */
    double logit;   /* of the head of a model with labels; else the NLL in deviations of held-out normals */
    double readout; /* what the logit takes of the latents beside the NLL; 0 without labels; no column */
} TileScore;
const char *model_score_name(const Model *model);
/* Column names and access for CSV files: name of column i, NULL at the end. */
const char *tile_score_column(int i);
double tile_score_value(const TileScore *score, int i);

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

/* The specification of a model: everything that decides the result of a training, except the tiles.
 *
 * One struct and one table of its fields.  Bundles and the fingerprints of checkpoints are made from the table, so no setting
 * can be in one and missing in the other. */
#pragma once
#include "flows/augment/augment.h"
#include "flows/models/loss_spec.h"
#include "flows/models/msflow.h"
#include "flows/models/threshold_spec.h"
#include <jansson.h>

/* What the recommended score of a tile is made of.  It is standardised by held-out normals in each case. */
typedef enum {
    SCORE_SCALES, /* mean over the scales of their measure (MeasureKind), each standardised */
    SCORE_NLL,    /* negative log-likelihood */
    SCORE_LOGIT   /* logit of the head; without labels the same as SCORE_NLL */
} ScoreKind;

/* What maps and scores of scales are made of. */
typedef enum {
    MEASURE_ENERGY, /* half the mean square of the latents, as in MSFlow */
    MEASURE_LIKELIHOOD /* that, less the position's part of the log-determinant per channel: the NLL up to a constant */
} MeasureKind;

typedef struct {
    ExtractorSpec extractor;
    int tile_size; /* px */
    double mpp;    /* of the tiles, um/px; 0 = unknown */
    /* Everything else that decides how a tile is cut from a slide: a JSON object of the caller, stored and never read by flows/.
     * A reference is held; NULL = unknown. */
    json_t *tile_recipe;
    MsflowSpec flow;     /* channels and size are filled in from the extractor, seed from `seed` below */
    const char *kernels; /* borrowed; NULL = the fastest */
    MeasureKind measure;
    /* Training: Adam on the mean NLL per dimension.  The rate rises linearly from a tenth over warmup_epochs and then falls
     * along a cosine to a hundredth at the last epoch. */
    int epochs, batch;
    int batch_parts; /* parts in which a batch is computed; fixed, so that results do not depend on threads */
    double learning_rate, warmup_epochs;
    /* FPN_ORTHOGONAL, FPN_TWO_PHASE: the rate of the laterals, as a fraction of learning_rate.  A training ends with an error when
     * the pyramid collapses (flows/training/collapse.h).  fpn_epochs: of the first phase of FPN_TWO_PHASE. */
    double fpn_rate;
    int fpn_epochs;
    double clip;    /* largest norm of the gradient of NLL / D; 0 = any (MSFlow: 2.0, of that of the NLL) */
    int patience;   /* epochs without a better one before the training stops; 0 = it never does */
    double holdout; /* fraction of the tiles held out for early stopping and calibration */
    uint64_t seed;  /* of initial weights, order of tiles, hold-out, augmentation */
    gboolean half_features; /* features for training are rounded to binary16; those for scores never are */
    /* Training tiles are augmented, in each epoch differently.  Held-out tiles, and those that fits before the first epoch see,
     * are not. */
    gboolean augmented;
    AugmentSpec augment;     /* also for the draws of the threshold */
    ThresholdSpec threshold; /* applies after the training: it changes the calibration only */
    LossSpec loss;
    ScoreKind score;
} ModelSpec;
/* The defaults for an extractor of this name.  The caller clears the specification. */
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

/* FALSE with WSI_ERROR_INPUT naming the first value out of its range.  Extractor and flow have further limits, which model_fit
 * checks. */
gboolean model_spec_check(const ModelSpec *spec, GError **error);
/* Anomalies in each part of a batch once labels count. */
int model_spec_part_anomalies(const ModelSpec *spec);
/* What the recommended score is, in words. */
const char *model_spec_score_name(const ModelSpec *spec);

/* The specification without what follows from it (channels, sizes, the flow's seed), as JSON.  Caller owns it. */
json_t *model_spec_write(const ModelSpec *spec);
/* Reads what model_spec_write wrote; the caller clears the specification. */
gboolean model_spec_read(const json_t *object, ModelSpec *spec, GError **error);

/* The specification of a model: everything that decides what a training gives.
 *
 * One struct and one table of its fields.  Bundles and the fingerprints of checkpoints are made from the table, so no setting
 * can be in one and missing in the other. */
#pragma once
#include "flows/augment/augment.h"
#include "flows/models/loss_spec.h"
#include "flows/models/msflow.h"
#include "flows/models/threshold_spec.h"
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
    json_t *tile_recipe;
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
/* Anomalies in each part of a batch once labels count. */
int model_spec_part_anomalies(const ModelSpec *spec);
/* What the recommended score is, in words. */
const char *model_spec_score_name(const ModelSpec *spec);

/* The specification without what follows from it (channels, sizes, the flow's seed), as JSON.  Caller owns it. */
json_t *model_spec_write(const ModelSpec *spec);
/* Reads what model_spec_write wrote; the caller clears the specification. */
gboolean model_spec_read(const json_t *object, ModelSpec *spec, GError **error);

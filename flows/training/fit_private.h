/* The inside of a training: fit.c (epochs, checkpoints, from a specification to a model), fit_step.c (what one batch
 * does), fit_labels.c (what labels add), fit_repeats.c (copies of images) and fit_pyramid.c (what is trained before the flows). */
#pragma once
#include "flows/training/adam.h"
#include "flows/training/checkpoint.h"
#include "flows/training/fit.h"
#include "flows/models/model_private.h"
#include "flows/training/holdout.h"
#include "flows/training/head_loss.h"

typedef struct {
    MsflowRun *run;
    real *gradient; /* trainable */
    real *dz[SCALES];
    double *logdet, *dlogdet; /* one a tile */
    LossTerms terms;          /* its part of the means over the batch */
    double *head_gradient;    /* HEAD_TRAINABLE */
} Shard;

typedef struct {
    const ModelSpec *spec;
    const FitOptions *options;
    Model *model;
    const TileSet *tiles;
    int threads, part; /* part: tiles of a shard */
    gboolean pin;
    int64_t dimensions, steps; /* of one tile; of the current epoch */
    Split split, anomalies;    /* of the normals; of labelled anomalies, empty without labels */
    LossBatch composition;     /* of the batches of the current epoch */
    Features *features;
    Shard *shards;
    TrainState state;
    int64_t sample[32]; /* training tiles of fit_collapse */
    int sampled;
    int64_t *order; /* of the epoch, filled up to whole batches */
    int64_t *normal_order, *anomaly_order;
    LossTile *tile;          /* of the current batch */
    real *head_gradient;     /* HEAD_TRAINABLE */
    int64_t *judges, judged; /* held-out normals, then held-out anomalies */
    double *holdout_nll;     /* one a judge */
    double *holdout_logit;   /* the same; with labels only */
    double *holdout_scale;   /* (judge, scale), as a scorer measures them */
    double *square;          /* sum of squares of each chunk of the gradient */
    const int64_t *batch;    /* tiles of the current step */
    uint32_t *variant;       /* of each tile of the order: which draw of augmentation */
    Adam adam;
    double scale; /* clip coefficient of the current step */
} Fit;

/* Buffers of all shards, the gradient's figures.  FALSE when memory is short; fit_shards_free in any case. */
gboolean fit_shards_new(Fit *fit, GError **error);
void fit_shards_free(Fit *fit);
/* One batch, number `number` of the epoch's order: forward, backward, update; adds to the sums of the report. */
gboolean fit_step(Fit *fit, int64_t number, EpochReport *report, GError **error);
/* Splits the tiles into normals and anomalies, trained on and held out. */
gboolean fit_split(Fit *fit, GError **error);
/* Leaves copies of held-out images out of the training, and counts them; needs the features. */
gboolean fit_leave_repeats(Fit *fit, GError **error);
/* The first epoch in which labels count, from 1; INT_MAX without labels. */
int fit_first_labelled(const ModelSpec *spec);
/* Most steps that an epoch has. */
int64_t fit_most_steps(const Fit *fit);
/* Composition, number of steps and order of tiles of an epoch. */
void fit_begin_epoch(Fit *fit, int epoch);
/* Adds the shards' gradients of the head; returns the sum of its squares, 0 while labels do not count. */
double fit_head_gradient(Fit *fit);
/* After a step with `scale` and `adam` set: the head's parameters, figures of normals and centres. */
void fit_update_head(Fit *fit);
/* Figures of held-out normals and anomalies, from what fit_holdout left. */
gboolean fit_judge(const Fit *fit, EpochReport *report, GError **error);
/* What selection makes small; NAN for an epoch that cannot be chosen. */
double fit_criterion(const Fit *fit, const EpochReport *report);
/* Whether something before the flows is trained; then its state over a fixed sample of the training tiles, without which
 * it is NAN. */
gboolean fit_trains_pyramid(const Fit *fit);
gboolean fit_collapse(Fit *fit, Collapse *now, GError **error);
/* First phase of FPN_TWO_PHASE: the laterals.  The statistics of what the pyramid gives have to be taken anew. */
gboolean fit_pyramid(Fit *fit, GError **error);
/* model->channels, from held-out normals and the parameters as they are; one line of it is logged. */
gboolean fit_channels(Fit *fit, GError **error);
/* Mean NLL / D of the held-out normals; fills the figures of all judges. */
gboolean fit_holdout(Fit *fit, double *mean, GError **error);

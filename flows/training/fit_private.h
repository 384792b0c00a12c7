/* What the files of a training share: fit.c (from a specification to a model: epochs, checkpoints), fit_step.c (one batch, and the
 * loss of the held-out tiles), fit_labels.c (what labels add), fit_repeats.c (copies of images), fit_pyramid.c (what is trained
 * before the flows) and fit_channels.c (what became of the channels). */
#pragma once
#include "flows/training/adam.h"
#include "flows/training/checkpoint.h"
#include "flows/training/fit.h"
#include "flows/models/model_private.h"
#include "flows/training/holdout.h"
#include "flows/training/head_loss.h"

/* A part of the batch, of `part_tiles` tiles. */
typedef struct {
    MsflowRun *run;
    real *gradient;           /* (trainable) */
    real *dz[SCALES];         /* (part, side, side, channels) */
    double *logdet, *dlogdet; /* (part) */
    LossTerms terms;          /* its part of the means over the batch */
    double *head_gradient;    /* (HEAD_TRAINABLE) */
} BatchPart;

typedef struct {
    const ModelSpec *spec;
    const FitOptions *options;
    Model *model;
    const TileSet *tiles;
    int threads;
    int part_tiles;                  /* tiles of a part */
    gboolean pin;                    /* threads to processors */
    int64_t dimensions;              /* of one tile's latents */
    HoldoutLists normals, anomalies; /* the latter empty without labels */
    int64_t hard_count;              /* hard normals among those that are trained on, when labels are used */
    Features *features;
    BatchPart *parts;
    TrainState state;
    Adam adam;
    /* Of the current epoch. */
    int64_t steps;
    LossBatch composition;                 /* of its batches */
    int64_t *order;                        /* tiles, filled up to whole batches */
    uint32_t *variant;                     /* of each tile of the order: which draw of augmentation */
    int64_t *normal_order, *anomaly_order; /* each class in a random order */
    int64_t *hard_order;                   /* the hard ones among the normals, in the same order */
    /* Of the current step. */
    const int64_t *batch; /* its tiles */
    LossTile *tile;       /* (batch) */
    real *head_gradient;  /* (HEAD_TRAINABLE) */
    double *square;       /* sum of squares of each chunk of the gradient */
    double scale;         /* clip coefficient */
    /* Of the held-out tiles: normals, then anomalies. */
    int64_t *held, held_count;
    double *holdout_nll;   /* (held_count) */
    double *holdout_logit; /* (held_count), with labels only */
    double *holdout_scale; /* (held_count, SCALES), as a scorer measures them */
    /* Training tiles that fit_collapse measures. */
    int64_t sample[32];
    int sampled;
} Fit;

/* Buffers of all parts and of the gradient.  FALSE when memory is short; call fit_parts_free in any case. */
gboolean fit_parts_new(Fit *fit, GError **error);
void fit_parts_free(Fit *fit);
/* Batch `number` of the epoch: forward, backward, update.  Adds to the sums of the report. */
gboolean fit_step(Fit *fit, int64_t number, EpochReport *report, GError **error);
/* Divides normals and anomalies into training and hold-out. */
gboolean fit_split(Fit *fit, GError **error);
/* Leaves copies of held-out images out of the training and counts them.  Needs the features. */
gboolean fit_leave_repeats(Fit *fit, GError **error);
/* The first epoch in which labels count, from 1; INT_MAX without labels. */
int fit_first_labelled(const ModelSpec *spec);
/* Sets hard_count, once it is known which normals are trained on. */
void fit_count_hard(Fit *fit);
/* The number of steps of the longest epoch. */
int64_t fit_most_steps(const Fit *fit);
/* Composition, number of steps and order of tiles of an epoch. */
void fit_begin_epoch(Fit *fit, int epoch);
/* Adds up the parts' gradients of the head; returns the sum of squares, 0 while labels do not count. */
double fit_head_gradient(Fit *fit);
/* After a step with `scale` and `adam` set: the head's parameters, statistics of normals and centres. */
void fit_update_head(Fit *fit);
/* AUROC, AP and F of held-out normals and anomalies, from what fit_holdout measured. */
gboolean fit_evaluate(const Fit *fit, EpochReport *report, GError **error);
/* What the selection of the epoch minimises; NAN for an epoch that cannot be chosen. */
double fit_criterion(const Fit *fit, const EpochReport *report);
/* Whether something before the flows is trained. */
gboolean fit_trains_pyramid(const Fit *fit);
/* Signs of collapse over a fixed sample of the training tiles; NAN when nothing before the flows is trained. */
gboolean fit_collapse(Fit *fit, Collapse *now, GError **error);
/* First phase of FPN_TWO_PHASE: trains the laterals.  The statistics of the pyramid's output must be taken again afterwards. */
gboolean fit_pyramid(Fit *fit, GError **error);
/* Fills model->channels from held-out normals and the current parameters, and logs one line about it. */
gboolean fit_channels(Fit *fit, GError **error);
/* Mean NLL / D of the held-out normals; fills the scores of all held-out tiles. */
gboolean fit_holdout(Fit *fit, double *mean, GError **error);

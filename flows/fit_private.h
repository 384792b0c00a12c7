/* The inside of a training: fit.c (epochs, checkpoints, from a specification to a model) and fit_step.c (what one batch
 * does). */
#pragma once
#include "flows/adam.h"
#include "flows/checkpoint.h"
#include "flows/features.h"
#include "flows/model_private.h"
#include "flows/split.h"

typedef struct {
    MsflowRun *run;
    real *gradient; /* trainable */
    real *dz[SCALES];
    double *logdet, *dlogdet; /* one a tile */
    double nll;               /* sum over the tiles of the part, per dimension */
} Shard;

typedef struct {
    const ModelSpec *spec;
    const FitOptions *options;
    Model *model;
    const TileSet *tiles;
    int threads, part; /* part: tiles of a shard */
    gboolean pin;
    int64_t dimensions, steps; /* of one tile; of one epoch */
    Split split;
    Features *features;
    Shard *shards;
    TrainState state;
    int64_t sample[32]; /* training tiles of fit_collapse */
    int sampled;
    int64_t *order;       /* of the epoch, filled up to whole batches */
    double *holdout_nll;  /* one a held-out tile */
    double *square;       /* sum of squares of each chunk of the gradient */
    const int64_t *batch; /* tiles of the current step */
    Adam adam;
    double scale; /* clip coefficient of the current step */
} Fit;

/* Buffers of all shards, the gradient's figures.  FALSE when memory is short; fit_shards_free in any case. */
gboolean fit_shards_new(Fit *fit, GError **error);
void fit_shards_free(Fit *fit);
/* One batch, number `number` of the epoch's order: forward, backward, update; adds to the sums of the report. */
gboolean fit_step(Fit *fit, int64_t number, EpochReport *report, GError **error);
/* Whether something before the flows is trained; then its state over a fixed sample of the training tiles, without which
 * it is NAN. */
gboolean fit_trains_pyramid(const Fit *fit);
gboolean fit_collapse(Fit *fit, Collapse *now, GError **error);
/* First phase of FPN_TWO_PHASE: the laterals.  The statistics of what the pyramid gives have to be taken anew. */
gboolean fit_pyramid(Fit *fit, GError **error);
/* model->channels, from held-out normals and the parameters as they are; one line of it is logged. */
gboolean fit_channels(Fit *fit, GError **error);
/* Mean NLL / D of the held-out tiles; fills fit->holdout_nll. */
gboolean fit_holdout(Fit *fit, double *mean, GError **error);

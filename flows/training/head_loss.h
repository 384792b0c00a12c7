/* The loss of a batch through the head (LossSpec has the formula), its gradient at the latents, and the values of the head that follow the
 * batches without a gradient: the running statistics of normals and the centres of the two classes.
 * Threading: many threads may call head_loss for one head; head_observe needs the head alone. */
#pragma once
#include "flows/models/head.h"
#include "flows/models/loss_spec.h"

typedef struct {
    int normals, anomalies; /* N and A of the whole batch, B = N + A */
    gboolean labels;        /* FALSE: only the term of the normals counts so far */
} LossBatch;

typedef struct {
    const real *z[SCALES]; /* (position, channel) */
    double logdet;
    int anomaly;
    /* Results of head_loss: dL/dz, dL/dlogdet, and what head_observe needs. */
    real *dz[SCALES];
    double dlogdet, s, logit, embedding[HEAD_EMBEDDING];
} LossTile;

/* The terms of a batch without their weights. */
typedef struct {
    double nll, normal, focal, centre, margin;
} LossTerms;
/* Their weighted sum, the loss. */
double loss_terms_total(const LossSpec *loss, const LossTerms *terms);

/* One tile's part of the loss of a batch: adds to terms (nll: S / N of normals) and, with labels, to gradient (HEAD_TRAINABLE).
 * Labels do not count until the head has seen a batch of normals: before, it does not know what is far from them. */
void head_loss(const Head *head, const LossSpec *loss, const LossBatch *batch, LossTile *tile,
               LossTerms *terms, double *gradient);
/* The running statistics and, with labels, the centres after a batch of `count` tiles in a fixed order. */
void head_observe(Head *head, const LossBatch *batch, const LossTile *tiles, int count);

/* The loss of a batch through the head (models.md D.6), its gradient at the latents, and what follows the batches without a
 * gradient: the running figures of normals and the centres of the two classes.
 * Threading: head_loss reads the head and may be called by many threads; head_observe needs it alone. */
#pragma once
#include "flows/models/head.h"
#include "flows/models/loss_spec.h"

typedef struct {
    int normals, anomalies; /* of the whole batch, B = both */
    gboolean labels;        /* FALSE: all terms but that of the normals wait */
} LossBatch;

typedef struct {
    const real *z[SCALES]; /* (position, channel) */
    double logdet;
    int anomaly;
    /* What head_loss fills: dL/dz, dL/dlogdet, and what head_observe takes. */
    real *dz[SCALES];
    double dlogdet, s, logit, embedding[HEAD_EMBEDDING];
} LossTile;

/* Terms without their weights; sums over the tiles of a batch are what loss_terms_total weighs. */
typedef struct {
    double nll, normal, focal, centre, margin;
} LossTerms;
double loss_terms_total(const LossSpec *loss, const LossTerms *terms);

/* One tile's part of the loss of a batch: adds to terms (nll: S / N of normals) and, with labels, to gradient (HEAD_TRAINABLE).
 * Labels wait until a batch of normals was seen: before, nothing says what is far from them. */
void head_loss(const Head *head, const LossSpec *loss, const LossBatch *batch, LossTile *tile,
               LossTerms *terms, double *gradient);
/* The running figures and, with labels, the centres after a batch of `count` tiles in a fixed order. */
void head_observe(Head *head, const LossBatch *batch, const LossTile *tiles, int count);

/* The head of a training with labels (models.md D.2): from the latents of one tile to
 *   S          its negative log-likelihood per dimension,
 *   features   of every scale the mean over positions of z^2 and of z, channels averaged to 64 numbers each, all 384 divided by
 *              their norm,
 *   readout    a linear form of the features that starts as 0: likelihood says how rare a tile is, this what about it tells
 *              labelled anomalies from normals,
 *   logit      a (S - mean) / sd + readout + c, with a = softplus(a0), mean and sd running figures of training normals,
 *   embedding  the features through a linear layer to 64,
 * and from the loss of D.6 back to the latents.
 *
 * One flat array holds the trained values first, then what follows the batches without gradient: mean, variance and number of
 * the normals seen, and the centres of the two classes.  Sums are in double.
 * Threading: a head may be read by many threads; head_observe needs it alone. */
#pragma once
#include "flows/extractors/extractor.h"
#include "flows/training/losses.h"

#define HEAD_GROUPS 64
#define HEAD_FEATURES (SCALES * 2 * HEAD_GROUPS)
#define HEAD_EMBEDDING 64
#define HEAD_WEIGHTS (HEAD_EMBEDDING * HEAD_FEATURES)
/* Places in the array. */
enum {
    HEAD_SCALE,  /* a0 */
    HEAD_OFFSET, /* c */
    HEAD_WEIGHT, /* (embedding, feature) */
    HEAD_BIAS = HEAD_WEIGHT + HEAD_WEIGHTS,
    HEAD_READOUT = HEAD_BIAS + HEAD_EMBEDDING,
    HEAD_TRAINABLE = HEAD_READOUT + HEAD_FEATURES,
    HEAD_NORMALS = HEAD_TRAINABLE, /* mean, variance, tiles seen */
    HEAD_CENTRES = HEAD_NORMALS + 3,
    HEAD_VALUES = HEAD_CENTRES + 2 * HEAD_EMBEDDING
};

typedef struct {
    int channels[SCALES], positions[SCALES]; /* of the latents */
    real values[HEAD_VALUES];
} Head;

typedef struct {
    const char *name;
    int rank;
    int64_t shape[2];
    int offset;
} HeadTensor;
/* The array as named tensors, without gaps; ended by a name of NULL. */
extern const HeadTensor head_tensors[];

/* a = 1, c = ln(prior / (1 - prior)), readout 0, the linear layer as torch starts one, nothing seen. */
void head_init(Head *head, const int channels[SCALES], const int positions[SCALES], double prior,
               uint64_t seed);
double head_logit(const Head *head, double s, double readout);
/* Of a tile's latents, (position, channel) each. */
double head_readout(const Head *head, const real *const z[SCALES]);

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

/* S of a tile. */
double head_score(const Head *head, const real *const z[SCALES], double logdet);
/* One tile's part of the loss of a batch: adds to terms (nll: S / N of normals) and, with labels, to gradient (HEAD_TRAINABLE).
 * Labels wait until a batch of normals was seen: before, nothing says what is far from them. */
void head_loss(const Head *head, const LossSpec *loss, const LossBatch *batch, LossTile *tile,
               LossTerms *terms, double *gradient);
/* The running figures and, with labels, the centres after a batch of `count` tiles in a fixed order. */
void head_observe(Head *head, const LossBatch *batch, const LossTile *tiles, int count);

/* The head of a training with labels.  From the latents z of one tile it computes
 *   S          the negative log-likelihood per dimension,
 *   features   for every scale the means over positions of z^2 and of z, channels averaged to 64 numbers each; all 384 numbers
 *              are divided by their norm,
 *   readout    a linear form of the features that starts as 0: the likelihood measures how rare a tile is, the readout what
 *              distinguishes labelled anomalies from normals,
 *   logit      a (S - mean) / sd + readout + c, with a = softplus(a0), and mean and sd of S over the latest training normals,
 *   embedding  the features through a linear layer to 64 numbers.
 * flows/training/head_loss.h has the loss and its gradient.
 *
 * One flat array holds the trained values, then those that follow the batches without a gradient: mean, variance and number of
 * the normals, and the centres of the two classes.  Sums are in double.
 * Threading: many threads may read a head. */
#pragma once
#include "flows/extractors/extractor.h"

#define HEAD_GROUPS 64
#define HEAD_FEATURES (SCALES * 2 * HEAD_GROUPS)
#define HEAD_EMBEDDING 64
#define HEAD_WEIGHTS (HEAD_EMBEDDING * HEAD_FEATURES)
/* Offsets in the array. */
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

/* a = 1, c = ln(prior / (1 - prior)), readout 0, the linear layer as torch initialises one, no normal seen.  prior: the fraction of
 * anomalies, 0 to 1. */
void head_init(Head *head, const int channels[SCALES], const int positions[SCALES], double prior,
               uint64_t seed);
double head_logit(const Head *head, double s, double readout);
/* The pooled latents of a tile: the features without the division by their norm, so that they also say how unusual the tile is. */
void head_pool(const Head *head, const real *const z[SCALES], double pooled[HEAD_FEATURES]);
/* z[l]: latents of a tile, (position, channel). */
double head_readout(const Head *head, const real *const z[SCALES]);

/* S of a tile: (0.5 sum z^2 - logdet) / D. */
double head_score(const Head *head, const real *const z[SCALES], double logdet);

/* ---- the parts of it, for training ---- */

int64_t head_dimensions(const Head *head);
/* Running mean and standard deviation of S over the normals. */
void head_normals(const Head *head, double *mean, double *sd);
/* Features of norm 1 of a tile's latents; returns the norm they were divided by. */
double head_features(const Head *head, const real *const z[SCALES], double feature[HEAD_FEATURES]);
double head_readout_of(const Head *head, const double feature[HEAD_FEATURES]);
/* From d = dL/dfeature: adds dL/dz to dz.  feature and norm: of head_features.  d changes. */
void head_features_backward(const Head *head, const double feature[HEAD_FEATURES], double norm, double *d,
                            const real *const z[SCALES], real *const dz[SCALES]);

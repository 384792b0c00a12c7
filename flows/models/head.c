/* The head.
 *
 * Means over positions are taken channel by channel and then averaged in 64 groups as an adaptive average pooling does: group
 * g has channels floor(g C / 64) to ceil((g + 1) C / 64), so maps of fewer than 64 channels repeat some of them.
 *
 * mean and sd are those of the last hundred normals or so: they follow S while it falls.  The first ones count equally. */
#include "flows/models/head.h"
#include "flows/training/adam.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define MEMORY 100    /* tiles */
#define SMALLEST 1e-6 /* standard deviation of S, norm of the features */
#define CENTRE_STEP 0.5

const HeadTensor head_tensors[] = {
    {"head.scale", 1, {1, 0}, HEAD_SCALE},
    {"head.offset", 1, {1, 0}, HEAD_OFFSET},
    {"head.linear.weight", 2, {HEAD_EMBEDDING, HEAD_FEATURES}, HEAD_WEIGHT},
    {"head.linear.bias", 1, {HEAD_EMBEDDING, 0}, HEAD_BIAS},
    {"head.readout", 1, {HEAD_FEATURES, 0}, HEAD_READOUT},
    {"head.normals", 1, {3, 0}, HEAD_NORMALS},
    {"head.centres", 2, {2, HEAD_EMBEDDING}, HEAD_CENTRES},
    {NULL, 0, {0, 0}, HEAD_VALUES},
};

void head_init(Head *head, const int channels[SCALES], const int positions[SCALES], double prior,
               uint64_t seed)
{
    *head = (Head){0};
    memcpy(head->channels, channels, sizeof head->channels);
    memcpy(head->positions, positions, sizeof head->positions);
    head->values[HEAD_SCALE] = (real)log(expm1(1));
    head->values[HEAD_OFFSET] = (real)log(prior / (1 - prior));
    Rng rng = rng_at(seed, rng_name("head"), 0);
    double bound = 1 / sqrt(HEAD_FEATURES);
    for (int i = HEAD_WEIGHT; i < HEAD_READOUT; i++) {
        head->values[i] = (real)(bound * (2 * rng_uniform(&rng) - 1));
    }
}

static double normals_mean(const Head *head)
{
    return (double)head->values[HEAD_NORMALS];
}

static double normals_sd(const Head *head)
{
    return fmax(sqrt((double)head->values[HEAD_NORMALS + 1]), SMALLEST);
}

double head_logit(const Head *head, double s, double readout)
{
    double a = loss_softplus((double)head->values[HEAD_SCALE]);
    return a * (s - normals_mean(head)) / normals_sd(head) + readout + (double)head->values[HEAD_OFFSET];
}

static int64_t dimensions(const Head *head)
{
    int64_t sum = 0;
    for (int l = 0; l < SCALES; l++) {
        sum += (int64_t)head->channels[l] * head->positions[l];
    }
    return sum;
}

double head_score(const Head *head, const real *const z[SCALES], double logdet)
{
    double half = 0;
    for (int l = 0; l < SCALES; l++) {
        half += 0.5 * adam_sum_of_squares(z[l], (int64_t)head->channels[l] * head->positions[l]);
    }
    return (half - logdet) / (double)dimensions(head);
}

/* ---- features: HEAD_GROUPS of z^2, then of z, scale by scale ---- */

static int group_first(int group, int channels)
{
    return group * channels / HEAD_GROUPS;
}

static int group_end(int group, int channels)
{
    return ((group + 1) * channels + HEAD_GROUPS - 1) / HEAD_GROUPS;
}

static void pool_scale(int channels, int positions, const real *z, double *feature)
{
    for (int g = 0; g < HEAD_GROUPS; g++) {
        int first = group_first(g, channels), end = group_end(g, channels);
        double squares = 0, sum = 0, size = (double)(end - first) * positions;
        for (int p = 0; p < positions; p++) {
            for (int c = first; c < end; c++) {
                double value = (double)z[(int64_t)p * channels + c];
                squares += value * value;
                sum += value;
            }
        }
        feature[g] = squares / size;
        feature[HEAD_GROUPS + g] = sum / size;
    }
}

/* Adds to dz what d = dL/dfeature gives. */
static void pool_scale_back(int channels, int positions, const real *z, const double *d, real *dz)
{
    for (int g = 0; g < HEAD_GROUPS; g++) {
        int first = group_first(g, channels), end = group_end(g, channels);
        double size = (double)(end - first) * positions;
        double square = 2 * d[g] / size, mean = d[HEAD_GROUPS + g] / size;
        for (int p = 0; p < positions; p++) {
            for (int c = first; c < end; c++) {
                int64_t i = (int64_t)p * channels + c;
                dz[i] += (real)(square * (double)z[i] + mean);
            }
        }
    }
}

/* Features of norm 1; returns the norm they were divided by. */
static double features_of(const Head *head, const real *const z[SCALES], double feature[HEAD_FEATURES])
{
    double squares = 0;
    for (int l = 0; l < SCALES; l++) {
        pool_scale(head->channels[l], head->positions[l], z[l], feature + 2 * HEAD_GROUPS * l);
    }
    for (int i = 0; i < HEAD_FEATURES; i++) {
        squares += feature[i] * feature[i];
    }
    double norm = fmax(sqrt(squares), SMALLEST);
    for (int i = 0; i < HEAD_FEATURES; i++) {
        feature[i] /= norm;
    }
    return norm;
}

static double readout_of(const Head *head, const double *feature)
{
    const real *w = head->values + HEAD_READOUT;
    double sum = 0;
    for (int i = 0; i < HEAD_FEATURES; i++) {
        sum += (double)w[i] * feature[i];
    }
    return sum;
}

double head_readout(const Head *head, const real *const z[SCALES])
{
    double feature[HEAD_FEATURES];
    features_of(head, z, feature);
    return readout_of(head, feature);
}

static void embed(const Head *head, const double *feature, double embedding[HEAD_EMBEDDING])
{
    for (int o = 0; o < HEAD_EMBEDDING; o++) {
        const real *w = head->values + HEAD_WEIGHT + o * HEAD_FEATURES;
        double sum = (double)head->values[HEAD_BIAS + o];
        for (int i = 0; i < HEAD_FEATURES; i++) {
            sum += (double)w[i] * feature[i];
        }
        embedding[o] = sum;
    }
}

/* From de = dL/dembedding: adds to the gradient of the linear layer and to d = dL/dfeature. */
static void embed_back(const Head *head, const double *feature, const double *de, double *d, double *gradient)
{
    for (int o = 0; o < HEAD_EMBEDDING; o++) {
        const real *w = head->values + HEAD_WEIGHT + o * HEAD_FEATURES;
        double *dw = gradient + HEAD_WEIGHT + o * HEAD_FEATURES;
        for (int i = 0; i < HEAD_FEATURES; i++) {
            d[i] += (double)w[i] * de[o];
            dw[i] += feature[i] * de[o];
        }
        gradient[HEAD_BIAS + o] += de[o];
    }
}

/* From d = dL/dfeature: adds to dz.  d changes. */
static void features_back(const Head *head, const double *feature, double norm, double *d, LossTile *tile)
{
    double along = 0;
    for (int i = 0; i < HEAD_FEATURES; i++) {
        along += d[i] * feature[i];
    }
    for (int i = 0; i < HEAD_FEATURES; i++) {
        d[i] = (d[i] - along * feature[i]) / norm;
    }
    for (int l = 0; l < SCALES; l++) {
        pool_scale_back(head->channels[l], head->positions[l], tile->z[l], d + 2 * HEAD_GROUPS * l,
                        tile->dz[l]);
    }
}

/* ---- the loss of one tile ---- */

/* Focal and margin: adds to the terms, the gradient and d = dL/dfeature; returns dL/dS. */
static double label_terms(const Head *head, const LossSpec *loss, const LossBatch *batch,
                          const LossTile *tile, const double *feature, LossTerms *terms, double *d,
                          double *gradient)
{
    double mean = normals_mean(head), sd = normals_sd(head), slope;
    double all = batch->normals + batch->anomalies, class = tile->anomaly ? batch->anomalies : batch->normals;
    terms->focal +=
        loss_focal(tile->logit, tile->anomaly, loss->focal_alpha, loss->focal_gamma, &slope) / all;
    double a0 = (double)head->values[HEAD_SCALE], dlogit = loss->focal * slope / all;
    gradient[HEAD_SCALE] += dlogit * loss_sigmoid(a0) * (tile->s - mean) / sd;
    gradient[HEAD_OFFSET] += dlogit;
    for (int i = 0; i < HEAD_FEATURES; i++) {
        d[i] += dlogit * (double)head->values[HEAD_READOUT + i];
        gradient[HEAD_READOUT + i] += dlogit * feature[i];
    }
    double ds = dlogit * loss_softplus(a0) / sd;
    terms->margin +=
        loss_margin(loss->margin_form, tile->s, tile->anomaly, mean, sd, loss->margin_width, &slope) / class;
    return ds + loss->margin * slope / class;
}

static void centre_term(const Head *head, const LossSpec *loss, const LossBatch *batch, LossTile *tile,
                        const double *feature, LossTerms *terms, double *d, double *gradient)
{
    double centre[HEAD_EMBEDDING], de[HEAD_EMBEDDING], all = batch->normals + batch->anomalies;
    embed(head, feature, tile->embedding);
    for (int i = 0; i < HEAD_EMBEDDING; i++) {
        centre[i] = (double)head->values[HEAD_CENTRES + tile->anomaly * HEAD_EMBEDDING + i];
    }
    terms->centre += loss_centre(tile->embedding, centre, HEAD_EMBEDDING, de) / all;
    for (int i = 0; i < HEAD_EMBEDDING; i++) {
        de[i] *= loss->centre / all;
    }
    embed_back(head, feature, de, d, gradient);
}

void head_loss(const Head *head, const LossSpec *loss, const LossBatch *batch, LossTile *tile,
               LossTerms *terms, double *gradient)
{
    double ds = 0, dimension = (double)dimensions(head), feature[HEAD_FEATURES], d[HEAD_FEATURES] = {0};
    double norm = batch->labels ? features_of(head, tile->z, feature) : 0;
    gboolean labels = batch->labels && head->values[HEAD_NORMALS + 2] > 0;
    tile->s = head_score(head, tile->z, tile->logdet);
    tile->logit = head_logit(head, tile->s, batch->labels ? readout_of(head, feature) : 0);
    if (!tile->anomaly) {
        terms->nll += tile->s / batch->normals;
        terms->normal += loss_normal(loss->normal, tile->s, &ds) / batch->normals;
        ds /= batch->normals;
    }
    if (labels) {
        ds += label_terms(head, loss, batch, tile, feature, terms, d, gradient);
        centre_term(head, loss, batch, tile, feature, terms, d, gradient);
    }
    const real factor = (real)(ds / dimension);
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)head->channels[l] * head->positions[l];
        for (int64_t i = 0; i < count; i++) {
            tile->dz[l][i] = factor * tile->z[l][i];
        }
    }
    tile->dlogdet = -ds / dimension;
    if (labels) {
        features_back(head, feature, norm, d, tile);
    }
}

double loss_terms_total(const LossSpec *loss, const LossTerms *terms)
{
    return terms->normal + loss->focal * terms->focal + loss->centre * terms->centre +
           loss->margin * terms->margin;
}

/* ---- what follows the batches ---- */

static void observe_normal(Head *head, double s)
{
    real *mean = &head->values[HEAD_NORMALS], *variance = mean + 1, *seen = mean + 2;
    double weight = fmax(1.0 / MEMORY, 1 / ((double)*seen + 1)), d = s - (double)*mean;
    *mean += (real)(weight * d);
    *variance = (real)((1 - weight) * ((double)*variance + weight * d * d));
    *seen = (real)fmin((double)*seen + 1, MEMORY);
}

void head_observe(Head *head, const LossBatch *batch, const LossTile *tiles, int count)
{
    for (int i = 0; i < count; i++) {
        if (!tiles[i].anomaly) {
            observe_normal(head, tiles[i].s);
        }
    }
    for (int y = 0; batch->labels && y < 2; y++) {
        double sum[HEAD_EMBEDDING] = {0}, centre[HEAD_EMBEDDING];
        real *stored = head->values + HEAD_CENTRES + y * HEAD_EMBEDDING;
        int64_t members = 0;
        for (int i = 0; i < count; i++) {
            for (int k = 0; tiles[i].anomaly == y && k < HEAD_EMBEDDING; k++) {
                sum[k] += tiles[i].embedding[k];
            }
            members += tiles[i].anomaly == y;
        }
        for (int k = 0; k < HEAD_EMBEDDING; k++) {
            centre[k] = (double)stored[k];
        }
        loss_centre_move(centre, sum, members, CENTRE_STEP, HEAD_EMBEDDING);
        for (int k = 0; k < HEAD_EMBEDDING; k++) {
            stored[k] = (real)centre[k];
        }
    }
}

/* The loss of a batch, tile by tile.
 *
 * The mean and sd of the normals are exponential averages over about the last hundred: they follow S as it falls.  The first
 * hundred count equally. */
#include "flows/training/head_loss.h"
#include "flows/models/logistic.h"
#include "flows/training/losses.h"
#include <math.h>

#define MEMORY 100      /* tiles of the running statistics */
#define CENTRE_STEP 0.5 /* beta of loss_centre_move */

/* ---- the embedding ---- */

/* e = W f + b, with W (HEAD_EMBEDDING, HEAD_FEATURES). */
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

/* ---- the loss of one tile ---- */

/* Focal and margin: adds to the terms, the gradient and d = dL/dfeature; returns dL/dS. */
static double label_terms(const Head *head, const LossSpec *loss, const LossBatch *batch,
                          const LossTile *tile, const double *feature, LossTerms *terms, double *d,
                          double *gradient)
{
    double mean, sd, slope;
    head_normals(head, &mean, &sd);
    /* The focal term is a mean over the batch, the margin one over the class of the tile. */
    double all = batch->normals + batch->anomalies, class = tile->anomaly ? batch->anomalies : batch->normals;
    terms->focal +=
        loss_focal(tile->logit, tile->anomaly, loss->focal_alpha, loss->focal_gamma, &slope) / all;
    /* logit = softplus(a0) (S - mean) / sd + w . f + c, with d softplus = sigmoid; mean and sd get no gradient. */
    double a0 = (double)head->values[HEAD_SCALE], dlogit = loss->focal * slope / all;
    gradient[HEAD_SCALE] += dlogit * logistic_sigmoid(a0) * (tile->s - mean) / sd;
    gradient[HEAD_OFFSET] += dlogit;
    for (int i = 0; i < HEAD_FEATURES; i++) {
        d[i] += dlogit * (double)head->values[HEAD_READOUT + i];
        gradient[HEAD_READOUT + i] += dlogit * feature[i];
    }
    double ds = dlogit * logistic_softplus(a0) / sd;
    terms->margin +=
        loss_margin(loss->margin_form, tile->s, tile->anomaly, mean, sd, loss->margin_width, &slope) / class;
    return ds + loss->margin * slope / class;
}

/* The distance of the embedding from the centre of its class. */
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
    double ds = 0, dimension = (double)head_dimensions(head), feature[HEAD_FEATURES], d[HEAD_FEATURES] = {0};
    double norm = batch->labels ? head_features(head, tile->z, feature) : 0;
    gboolean labels = batch->labels && head->values[HEAD_NORMALS + 2] > 0;
    tile->s = head_score(head, tile->z, tile->logdet);
    tile->logit = head_logit(head, tile->s, batch->labels ? head_readout_of(head, feature) : 0);
    if (!tile->anomaly) { /* anomalies are in no likelihood term */
        terms->nll += tile->s / batch->normals;
        terms->normal += loss_normal(loss->normal, tile->s, &ds) / batch->normals;
        ds /= batch->normals;
    }
    if (labels) {
        ds += label_terms(head, loss, batch, tile, feature, terms, d, gradient);
        centre_term(head, loss, batch, tile, feature, terms, d, gradient);
    }
    /* S = (0.5 sum z^2 - logdet) / D: dL/dz = dL/dS z / D, dL/dlogdet = -dL/dS / D. */
    const real factor = (real)(ds / dimension);
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)head->channels[l] * head->positions[l];
        for (int64_t i = 0; i < count; i++) {
            tile->dz[l][i] = factor * tile->z[l][i];
        }
    }
    tile->dlogdet = -ds / dimension;
    if (labels) { /* adds to dz, so it comes after dz is set */
        head_features_backward(head, feature, norm, d, tile->z, tile->dz);
    }
}

double loss_terms_total(const LossSpec *loss, const LossTerms *terms)
{
    return terms->normal + loss->focal * terms->focal + loss->centre * terms->centre +
           loss->margin * terms->margin;
}

/* ---- what follows the batches ---- */

/* Welford's update with weight 1 / n for the n-th of the first MEMORY normals, then constant. */
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
    for (int y = 0; batch->labels && y < 2; y++) { /* the centres of both classes */
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

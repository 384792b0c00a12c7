/* The head: forward, and the derivative of the features.
 *
 * Means over positions are taken channel by channel and then averaged in 64 groups, as an adaptive average pooling does: group
 * g has the channels floor(g C / 64) to ceil((g + 1) C / 64) - 1, so maps of fewer than 64 channels repeat some of them. */
#include "flows/models/head.h"
#include "flows/kernels/squares.h"
#include "flows/models/logistic.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define SMALLEST 1e-6 /* that the standard deviation of S and the norm of the features are divided by */

/* In the order of the array, as the bundle stores them. */
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
    head->values[HEAD_SCALE] = (real)log(expm1(1)); /* softplus of it is 1 */
    /* The logit of the prior. */
    head->values[HEAD_OFFSET] = (real)log(prior / (1 - prior));
    Rng rng = rng_at(seed, rng_name("head"), 0);
    double bound = 1 / sqrt(HEAD_FEATURES); /* torch.nn.Linear: U(+-1 / sqrt(fan in)) */
    for (int i = HEAD_WEIGHT; i < HEAD_READOUT; i++) {
        head->values[i] = (real)(bound * (2 * rng_uniform(&rng) - 1));
    }
}

void head_normals(const Head *head, double *mean, double *sd)
{
    *mean = (double)head->values[HEAD_NORMALS];
    *sd = fmax(sqrt((double)head->values[HEAD_NORMALS + 1]), SMALLEST);
}

double head_logit(const Head *head, double s, double readout)
{
    double a = logistic_softplus((double)head->values[HEAD_SCALE]), mean, sd;
    head_normals(head, &mean, &sd);
    /* Monotonic in S for a given readout, as a > 0. */
    return a * (s - mean) / sd + readout + (double)head->values[HEAD_OFFSET];
}

int64_t head_dimensions(const Head *head)
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
        half += 0.5 * squares_sum(z[l], (int64_t)head->channels[l] * head->positions[l]);
    }
    /* S = (0.5 sum z^2 - logdet) / D, the NLL per dimension without its constant. */
    return (half - logdet) / (double)head_dimensions(head);
}

/* ---- features: HEAD_GROUPS of z^2, then of z, scale by scale ---- */

/* A group of channels is [group_first, group_end), as torch's AdaptiveAvgPool1d divides them. */
static int group_first(int group, int channels)
{
    return group * channels / HEAD_GROUPS;
}

static int group_end(int group, int channels)
{
    return ((group + 1) * channels + HEAD_GROUPS - 1) / HEAD_GROUPS;
}

/* z (positions, channels) -> feature (2, HEAD_GROUPS): means of z^2 and of z over positions and the channels of a group. */
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
        /* E z^2 shows where a tile is unusual, E z in which direction. */
        feature[g] = squares / size;
        feature[HEAD_GROUPS + g] = sum / size;
    }
}

/* With n numbers in a group: d mean(z^2) / dz = 2 z / n, d mean(z) / dz = 1 / n.  Adds to dz; channels may be in two groups. */
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

void head_pool(const Head *head, const real *const z[SCALES], double pooled[HEAD_FEATURES])
{
    for (int l = 0; l < SCALES; l++) {
        pool_scale(head->channels[l], head->positions[l], z[l], pooled + 2 * HEAD_GROUPS * l);
    }
}

double head_features(const Head *head, const real *const z[SCALES], double feature[HEAD_FEATURES])
{
    double squares = 0;
    head_pool(head, z, feature);
    for (int i = 0; i < HEAD_FEATURES; i++) {
        squares += feature[i] * feature[i];
    }
    /* Divided by the norm, the features say in which direction a tile is unusual, not how much: that is S. */
    double norm = fmax(sqrt(squares), SMALLEST);
    for (int i = 0; i < HEAD_FEATURES; i++) {
        feature[i] /= norm;
    }
    return norm;
}

double head_readout_of(const Head *head, const double feature[HEAD_FEATURES])
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
    head_features(head, z, feature);
    return head_readout_of(head, feature);
}

void head_features_backward(const Head *head, const double feature[HEAD_FEATURES], double norm, double *d,
                            const real *const z[SCALES], real *const dz[SCALES])
{
    double along = 0; /* d . f */
    for (int i = 0; i < HEAD_FEATURES; i++) {
        along += d[i] * feature[i];
    }
    /* f = g / |g|: dL/dg = (d - (d . f) f) / |g|. */
    for (int i = 0; i < HEAD_FEATURES; i++) {
        d[i] = (d[i] - along * feature[i]) / norm;
    }
    for (int l = 0; l < SCALES; l++) {
        pool_scale_back(head->channels[l], head->positions[l], z[l], d + 2 * HEAD_GROUPS * l, dz[l]);
    }
}

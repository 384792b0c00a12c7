/* Samples of a model's flow, and how exact its inverse is.
 *
 * z ~ N(0, T^2) goes through the exact inverse to y, the input of the flows: one map per scale of the standardised output of the
 * pyramid (with FPN_NONE, of the pooled features).  They are features, not images: nothing here inverts the extractor.
 *
 * A sampler belongs to one thread.  Draw number i depends on the model, the seed and i only. */
#pragma once
#include "flows/models/model.h"

/* Largest differences after a round trip, over all scales of a batch.  A difference that is not finite is INFINITY. */
typedef struct {
    double absolute;
    double relative; /* to the largest magnitude of the map */
    double logdet;   /* log-determinants at y and at the y that came back, relative to the larger or 1 */
} RoundTrip;
/* The larger of both, member by member. */
RoundTrip round_trip_worst(const RoundTrip *a, const RoundTrip *b);

typedef struct {
    double log_likelihood; /* ln p(y) in nats, for T = 1: -0.5 sum z^2 - 0.5 D ln 2 pi + log-determinant */
    double nll;    /* 0.5 sum z^2 - log-determinant per dimension, as wsiflow score gives it for tiles */
    double logdet; /* per dimension */
} SampleLikelihood;

typedef struct Sampler Sampler;
/* temperature: T > 0.  The model is borrowed.  NULL with error. */
Sampler *sampler_new(const Model *model, uint64_t seed, double temperature, GError **error);
void sampler_free(Sampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sampler, sampler_free)
/* The number of samples that are computed together. */
int sampler_batch(const Sampler *sampler);
/* Side and channels of a scale's map. */
void sampler_shape(const Sampler *sampler, int scale, int *side, int *channels);
/* Samples first .. first + count - 1, count <= batch.  y[l]: (count, side, side, channels), borrowed; likelihoods: (count).
 * *trip grows by the differences of z -> inverse -> forward. */
void sampler_draw(Sampler *sampler, int64_t first, int count, const real *y[SCALES],
                  SampleLikelihood *likelihoods, RoundTrip *trip);
/* Real tiles, packed as for scorer_run.  *trip grows by the differences of y -> forward -> inverse. */
void sampler_check(Sampler *sampler, const uint8_t *rgb, int count, RoundTrip *trip);

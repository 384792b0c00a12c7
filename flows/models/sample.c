/* Round trips.
 *
 * Latents and features are copied out of the run before the next pass, since a run without training reuses its buffers.  The
 * inverse computes no log-determinant (it would be minus that of the forward pass), so the compared ones are those of forward
 * passes at both ends of the trip. */
#include "flows/models/sample.h"
#include "flows/models/model_private.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define BATCH 8
#define STREAM 0x73616d70u /* draws are the streams (seed; number of the sample, STREAM + scale) */

struct Sampler {
    const Model *model;
    uint64_t seed;
    double temperature;
    ExtractorRun *extractor;
    MsflowRun *run;
    uint8_t *rgb;                      /* a batch; missing tiles are blank */
    int64_t length[SCALES];            /* numbers of one map */
    real *z[SCALES], *y[SCALES];       /* (BATCH, side, side, channels): input and output of the first half */
    double logdet[BATCH], back[BATCH]; /* log-determinants before and after the trip */
};

/* The larger of both; a difference that is not finite can never be hidden by a finite one. */
static double widen(double a, double b)
{
    return isfinite(a) && isfinite(b) ? fmax(a, b) : INFINITY;
}

RoundTrip round_trip_worst(const RoundTrip *a, const RoundTrip *b)
{
    return (RoundTrip){widen(a->absolute, b->absolute), widen(a->relative, b->relative),
                       widen(a->logdet, b->logdet)};
}

/* Latents and features of a batch, (BATCH, side, side, channels) per scale. */
static gboolean allocate(Sampler *s, GError **error)
{
    size_t pixels = (size_t)s->model->spec.tile_size * s->model->spec.tile_size;
    for (int l = 0; l < SCALES; l++) {
        int side, channels;
        sampler_shape(s, l, &side, &channels);
        s->length[l] = (int64_t)side * side * channels;
        s->z[l] = wsi_try_alloc(BATCH, (size_t)s->length[l] * sizeof(real), "latents", error);
        s->y[l] =
            s->z[l] ? wsi_try_alloc(BATCH, (size_t)s->length[l] * sizeof(real), "features", error) : NULL;
        if (!s->y[l]) {
            return FALSE;
        }
    }
    return (s->rgb = wsi_try_alloc(BATCH, pixels * 3, "a batch of tiles", error)) != NULL;
}

Sampler *sampler_new(const Model *model, uint64_t seed, double temperature, GError **error)
{
    if (!(temperature > 0 && isfinite(temperature))) { /* also NaN */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "sample: the temperature is %g, must be above 0",
                    temperature);
        return NULL;
    }
    g_autoptr(Sampler) s = g_new0(Sampler, 1);
    s->model = model;
    s->seed = seed;
    s->temperature = temperature;
    s->extractor = extractor_run_new(model->extractor, model->kernels, BATCH, model->spec.tile_size, error);
    s->run = s->extractor ? msflow_run_new(model->flow, model->kernels, BATCH, FALSE, error) : NULL;
    return s->run && allocate(s, error) ? g_steal_pointer(&s) : NULL;
}

void sampler_free(Sampler *s)
{
    if (!s) {
        return;
    }
    g_clear_pointer(&s->extractor, extractor_run_free);
    g_clear_pointer(&s->run, msflow_run_free);
    g_free(s->rgb);
    for (int l = 0; l < SCALES; l++) {
        g_free(s->z[l]);
        g_free(s->y[l]);
    }
    g_free(s);
}

int sampler_batch(const Sampler *sampler)
{
    return BATCH;
}

void sampler_shape(const Sampler *s, int scale, int *side, int *channels)
{
    *side = msflow_latent_size(s->model->flow, scale);
    *channels = msflow_latent_channels(s->model->flow, scale);
}

/* Fills the whole batch, also beyond `count`: that costs nothing and leaves no old numbers behind. */
static void draw_latents(Sampler *s, int64_t first)
{
    for (int b = 0; b < BATCH; b++) {
        for (int l = 0; l < SCALES; l++) {
            /* One stream for each sample and scale: sample i does not depend on how many are drawn. */
            Rng rng = rng_at(s->seed, (uint64_t)(first + b), STREAM + (uint32_t)l);
            real *z = s->z[l] + b * s->length[l];
            for (int64_t i = 0; i < s->length[l]; i++) {
                z[i] = (real)(s->temperature * rng_normal(&rng));
            }
        }
    }
}

/* Copies maps out of a run. */
static void keep(const Sampler *s, real *const to[SCALES], const real *const from[SCALES])
{
    for (int l = 0; l < SCALES; l++) {
        memcpy(to[l], from[l], (size_t)(BATCH * s->length[l]) * sizeof(real));
    }
}

/* Widens the trip by the differences of b from a, the truth; both (count, side, side, channels). */
static void compare(const Sampler *s, int count, const real *const a[SCALES], const real *const b[SCALES],
                    RoundTrip *trip)
{
    for (int l = 0; l < SCALES; l++) {
        double worst = 0, largest = 0;
        for (int64_t i = 0; i < count * s->length[l]; i++) {
            worst = widen(worst, fabs((double)b[l][i] - (double)a[l][i]));
            largest = fmax(largest, fabs((double)a[l][i]));
        }
        trip->absolute = widen(trip->absolute, worst);
        /* Relative to the largest magnitude of the scale, since single numbers may be near 0. */
        trip->relative = widen(trip->relative, worst > 0 ? worst / largest : 0);
    }
}

/* Relative to the larger magnitude, but absolute below 1. */
static void compare_logdets(const Sampler *s, int count, RoundTrip *trip)
{
    for (int b = 0; b < count; b++) {
        double size = fmax(1, fmax(fabs(s->logdet[b]), fabs(s->back[b])));
        trip->logdet = widen(trip->logdet, fabs(s->logdet[b] - s->back[b]) / size);
    }
}

void sampler_draw(Sampler *s, int64_t first, int count, const real *y[SCALES], SampleLikelihood *likelihoods,
                  RoundTrip *trip)
{
    const real *there[SCALES], *z[SCALES];
    double dimensions = (double)msflow_dimensions(s->model->flow);
    draw_latents(s, first);
    /* z -> y -> z: the sample, its log-determinant, and the first differences. */
    msflow_inverse(s->run, (const real *const *)s->z, there);
    keep(s, s->y, there);
    msflow_forward_input(s->run, (const real *const *)s->y, z, s->logdet);
    compare(s, count, (const real *const *)s->z, z, trip);
    for (int b = 0; b < count; b++) {
        double squares = 0;
        for (int l = 0; l < SCALES; l++) {
            for (int64_t i = 0; i < s->length[l]; i++) {
                double v = (double)s->z[l][b * s->length[l] + i];
                squares += v * v;
            }
        }
        /* ln p(y) = ln N(z; 0, 1) + ln |det dz/dy| */
        likelihoods[b].log_likelihood = s->logdet[b] - 0.5 * squares - 0.5 * dimensions * log(2 * G_PI);
        /* Per dimension, without the constant 0.5 ln 2 pi, as scores have it. */
        likelihoods[b].nll = (0.5 * squares - s->logdet[b]) / dimensions;
        likelihoods[b].logdet = s->logdet[b] / dimensions;
    }
    /* A second trip, from the latents that came back: its log-determinant must be that of the sample. */
    keep(s, s->z, z);
    msflow_inverse(s->run, (const real *const *)s->z, there);
    keep(s, s->z, there);
    msflow_forward_input(s->run, (const real *const *)s->z, z, s->back);
    compare_logdets(s, count, trip);
    for (int l = 0; l < SCALES; l++) {
        y[l] = s->y[l];
    }
}

void sampler_check(Sampler *s, const uint8_t *rgb, int count, RoundTrip *trip)
{
    size_t tile = (size_t)s->model->spec.tile_size * s->model->spec.tile_size * 3;
    const real *maps[SCALES], *y[SCALES], *z[SCALES];
    /* Blank tiles fill the batch: the run has a fixed size. */
    memset(s->rgb, 0, BATCH * tile);
    memcpy(s->rgb, rgb, (size_t)count * tile);
    /* y -> z -> y, then z once more for the log-determinant at the y that came back. */
    extractor_run(s->extractor, s->rgb, maps);
    msflow_forward(s->run, maps, z, s->logdet);
    msflow_flow_input(s->run, y);
    keep(s, s->y, y);
    keep(s, s->z, z);
    msflow_inverse(s->run, (const real *const *)s->z, y);
    compare(s, count, (const real *const *)s->y, y, trip);
    keep(s, s->y, y);
    msflow_forward_input(s->run, (const real *const *)s->y, z, s->back);
    compare_logdets(s, count, trip);
}

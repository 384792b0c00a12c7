/* The scorer, and the calibration that makes its numbers comparable.
 *
 * A scorer always computes `SCORER_BATCH` tiles, blank ones where some are missing, because the kernels may sum in another
 * order for another batch size; so a tile has the same scores beside any neighbours.
 *
 * Calibration.  Raw likelihoods have no scale of their own (they depend on the features' dimensions), so all that people see
 * is standardised by the held-out normals: 0 = typical, 1 = one standard deviation among normal tiles. */
#include "flows/anomaly.h"
#include "flows/model_private.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCORER_BATCH 8
#define SAMPLE 4000000 /* about so many values of M for its quantile */

struct Scorer {
    const Model *model;
    ExtractorRun *extractor;
    MsflowRun *flow;
    Upsampler *to_tile, *to_map;
    int tile, side; /* px of tile and map */
    uint8_t *rgb;   /* a batch with blank tiles, when fewer are given */
    float *energy[SCALES], *tile_energy, *map_energy;
    const real *z[SCALES];
    double logdet[SCORER_BATCH];
};

#define COLUMN(name)                     \
    {                                    \
#name, offsetof(TileScore, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} columns[TILE_SCORES] = {
    COLUMN(score),
    COLUMN(contrast),
    COLUMN(absolute),
    COLUMN(nll),
    COLUMN(logdet),
    {"scale1", offsetof(TileScore, scale[0])},
    {"scale2", offsetof(TileScore, scale[1])},
    {"scale3", offsetof(TileScore, scale[2])},
    COLUMN(top),
    COLUMN(maximum),
};

const char *tile_score_column(int i)
{
    return i >= 0 && i < TILE_SCORES ? columns[i].name : NULL;
}

double tile_score_value(const TileScore *score, int i)
{
    return *(const double *)((const char *)score + columns[i].offset);
}

/* Index of a column of the table. */
enum { SCORE, CONTRAST, ABSOLUTE, NLL };

const char *model_score_name(const Model *model)
{
    return "NLL per dimension, in standard deviations of held-out normal tiles";
}

static double recommended(const Calibration *c, const TileScore *score)
{
    return (score->nll - c->mean[NLL]) / c->sd[NLL];
}

/* ---- the scorer ---- */

static gboolean allocate(Scorer *s, GError **error)
{
    gboolean ok = TRUE;
    for (int l = 0; ok && l < SCALES; l++) {
        int side = msflow_latent_size(s->model->flow, l);
        s->energy[l] = wsi_try_alloc((size_t)side * side, sizeof(float), "an anomaly map", error);
        ok = s->energy[l] != NULL;
    }
    size_t pixels = (size_t)s->tile * s->tile;
    return ok && (s->tile_energy = wsi_try_alloc(pixels, sizeof(float), "an anomaly map", error)) &&
           (s->map_energy =
                wsi_try_alloc((size_t)s->side * s->side, sizeof(float), "an anomaly map", error)) &&
           (s->rgb = wsi_try_alloc(SCORER_BATCH, pixels * 3, "a batch of tiles", error));
}

Scorer *scorer_new(const Model *model, GError **error)
{
    Scorer *s = g_new0(Scorer, 1);
    int sides[SCALES];
    for (int l = 0; l < SCALES; l++) {
        sides[l] = msflow_latent_size(model->flow, l);
    }
    s->model = model;
    s->tile = model->spec.tile_size;
    s->side = sides[0];
    s->to_tile = upsampler_new(sides, s->tile);
    s->to_map = upsampler_new(sides, s->side);
    s->extractor = extractor_run_new(model->extractor, model->kernels, SCORER_BATCH, s->tile, error);
    s->flow = s->extractor ? msflow_run_new(model->flow, model->kernels, SCORER_BATCH, FALSE, error) : NULL;
    if (!s->flow || !allocate(s, error)) {
        scorer_free(s);
        return NULL;
    }
    return s;
}

void scorer_free(Scorer *s)
{
    if (!s) {
        return;
    }
    g_clear_pointer(&s->extractor, extractor_run_free);
    g_clear_pointer(&s->flow, msflow_run_free);
    upsampler_free(s->to_tile);
    upsampler_free(s->to_map);
    g_free(s->rgb);
    for (int l = 0; l < SCALES; l++) {
        g_free(s->energy[l]);
    }
    g_free(s->tile_energy);
    g_free(s->map_energy);
    g_free(s);
}

int scorer_batch(const Scorer *scorer)
{
    return SCORER_BATCH;
}

int scorer_map_size(const Scorer *scorer)
{
    return scorer->side;
}

/* Latents of a batch. */
static void forward(Scorer *s, const uint8_t *rgb, int count)
{
    size_t tile = (size_t)s->tile * s->tile * 3;
    const real *maps[SCALES];
    if (count < SCORER_BATCH) {
        memcpy(s->rgb, rgb, count * tile);
        memset(s->rgb + count * tile, 0, (SCORER_BATCH - count) * tile);
        rgb = s->rgb;
    }
    extractor_run(s->extractor, rgb, maps);
    msflow_forward(s->flow, maps, s->z, s->logdet);
}

/* Energies of tile b of the batch at both resolutions, and the scores that need no selection. */
static gboolean measure(Scorer *s, int b, TileScore *score, GError **error)
{
    const Msflow *flow = s->model->flow;
    double dimensions = (double)msflow_dimensions(flow), half = 0;
    *score = (TileScore){0};
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(flow, l), channels = msflow_latent_channels(flow, l);
        int64_t count = (int64_t)side * side * channels;
        double scale = anomaly_energy(s->z[l] + b * count, side * side, channels, s->energy[l]);
        score->scale[l] = scale / (double)count;
        half += scale;
    }
    score->logdet = s->logdet[b] / dimensions;
    score->nll = (half - s->logdet[b]) / dimensions;
    if (!isfinite(half) || !isfinite(score->nll)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "the model gives a tile a likelihood that is not finite");
        return FALSE;
    }
    upsampler_sum(s->to_tile, s->energy, s->tile_energy);
    upsampler_sum(s->to_map, s->energy, s->map_energy);
    return TRUE;
}

/* The rest of the scores; re-orders the energies at the size of the tile. */
static void finish(Scorer *s, TileScore *score)
{
    AnomalyTop top = anomaly_top(s->tile_energy, s->tile * s->tile, s->model->calibration.m0);
    score->contrast = top.contrast;
    score->absolute = top.absolute;
    score->top = top.top;
    score->maximum = top.maximum;
}

static void standardised_map(const Scorer *s, float *map)
{
    const Calibration *c = &s->model->calibration;
    for (int i = 0; i < s->side * s->side; i++) {
        map[i] = (float)((s->map_energy[i] - c->map_mean) / c->map_sd);
    }
}

gboolean scorer_run(Scorer *s, const uint8_t *rgb, int count, TileScore *scores, float *maps, GError **error)
{
    if (count < 1 || count > SCORER_BATCH) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%d tiles were given to a scorer of %d", count,
                    SCORER_BATCH);
        return FALSE;
    }
    forward(s, rgb, count);
    for (int b = 0; b < count; b++) {
        if (!measure(s, b, &scores[b], error)) {
            return FALSE;
        }
        finish(s, &scores[b]);
        scores[b].score = recommended(&s->model->calibration, &scores[b]);
        if (maps) {
            standardised_map(s, maps + (size_t)b * s->side * s->side);
        }
    }
    return TRUE;
}

/* ---- calibration ---- */

typedef struct {
    Model *model;
    const TileSet *tiles;
    const int64_t *index;
    int64_t count;
    Scorer **scorers; /* one a worker */
    uint8_t **rgb;
    int64_t take;                  /* values of E that a tile gives to the sample */
    float *sample;                 /* count * take; NULL in the second pass */
    double *map_sum, *map_squares; /* one a tile */
    TileScore *scores;             /* one a tile */
} Calibrate;

static void take_sample(const Calibrate *c, const Scorer *s, int64_t tile)
{
    int64_t pixels = (int64_t)s->tile * s->tile;
    for (int64_t i = 0; i < c->take; i++) {
        c->sample[tile * c->take + i] = s->tile_energy[i * pixels / c->take];
    }
    for (int i = 0; i < s->side * s->side; i++) {
        c->map_sum[tile] += s->map_energy[i];
        c->map_squares[tile] += (double)s->map_energy[i] * s->map_energy[i];
    }
}

static gboolean calibrate_batch(int64_t index, int worker, void *data, GError **error)
{
    Calibrate *c = data;
    Scorer *s = c->scorers[worker];
    int64_t first = index * SCORER_BATCH;
    int count = (int)MIN(SCORER_BATCH, c->count - first);
    for (int b = 0; b < count; b++) {
        uint8_t *rgb = c->rgb[worker] + (size_t)b * s->tile * s->tile * 3;
        if (!c->tiles->read(c->tiles->data, c->index[first + b], rgb, error)) {
            return FALSE;
        }
    }
    forward(s, c->rgb[worker], count);
    for (int b = 0; b < count; b++) {
        if (!measure(s, b, &c->scores[first + b], error)) {
            return FALSE;
        }
        if (c->sample) {
            take_sample(c, s, first + b);
        } else {
            finish(s, &c->scores[first + b]);
        }
    }
    return TRUE;
}

static gboolean calibrate_pass(Calibrate *c, int threads, GError **error)
{
    int64_t batches = (c->count + SCORER_BATCH - 1) / SCORER_BATCH;
    return pool_run(threads, threads == pool_processors(), batches, calibrate_batch, c, error);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean and standard deviation of column `column`; a spread of nothing counts as 1, so that dividing by it is harmless. */
static void moments(const Calibrate *c, int column, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < c->count; i++) {
        sum += tile_score_value(&c->scores[i], column);
    }
    *mean = sum / (double)c->count;
    for (int64_t i = 0; i < c->count; i++) {
        double d = tile_score_value(&c->scores[i], column) - *mean;
        squares += d * d;
    }
    *sd = squares > 0 ? sqrt(squares / (double)c->count) : 1;
}

/* 95 % quantile of the recommended score, by linear interpolation. */
static double score_threshold(const Calibrate *c, double *sorted)
{
    for (int64_t i = 0; i < c->count; i++) {
        sorted[i] = c->scores[i].score;
    }
    qsort(sorted, (size_t)c->count, sizeof *sorted, ascending);
    double at = 0.95 * (double)(c->count - 1);
    int64_t below = (int64_t)at, above = MIN(below + 1, c->count - 1);
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

static void calibrate_maps(Calibrate *c, Calibration *out)
{
    double sum = 0, squares = 0, n = (double)c->count * c->scorers[0]->side * c->scorers[0]->side;
    for (int64_t i = 0; i < c->count; i++) {
        sum += c->map_sum[i];
        squares += c->map_squares[i];
    }
    double variance = squares / n - sum / n * (sum / n);
    out->map_mean = sum / n;
    out->map_sd = variance > 0 ? sqrt(variance) : 1;
    out->m0 = -anomaly_quantile(c->sample, c->count * c->take, 0.005);
}

static gboolean calibrate_all(Calibrate *c, int threads, GError **error)
{
    Calibration *out = &c->model->calibration;
    if (!calibrate_pass(c, threads, error)) {
        return FALSE;
    }
    calibrate_maps(c, out);
    g_clear_pointer(&c->sample, g_free);
    if (!calibrate_pass(c, threads, error)) {
        return FALSE;
    }
    out->tiles = c->count;
    for (int k = SCORE + 1; k < TILE_SCORES; k++) {
        moments(c, k, &out->mean[k], &out->sd[k]);
    }
    for (int64_t i = 0; i < c->count; i++) {
        c->scores[i].score = recommended(out, &c->scores[i]);
    }
    moments(c, SCORE, &out->mean[SCORE], &out->sd[SCORE]);
    out->threshold = score_threshold(c, c->map_sum);
    return TRUE;
}

static gboolean calibrate_allocate(Calibrate *c, int threads, GError **error)
{
    size_t pixels = (size_t)c->model->spec.tile_size * c->model->spec.tile_size, n = (size_t)c->count;
    c->take = CLAMP(SAMPLE / c->count, 16, (int64_t)pixels);
    for (int t = 0; t < threads; t++) {
        c->scorers[t] = scorer_new(c->model, error);
        c->rgb[t] = c->scorers[t] ? wsi_try_alloc(SCORER_BATCH, pixels * 3, "a batch of tiles", error) : NULL;
        if (!c->rgb[t]) {
            return FALSE;
        }
    }
    return (c->sample =
                wsi_try_alloc(n, (size_t)c->take * sizeof(float), "a sample of anomaly maps", error)) &&
           (c->map_sum = wsi_try_alloc(n, sizeof(double), "sums of maps", error)) &&
           (c->map_squares = wsi_try_alloc(n, sizeof(double), "sums of maps", error)) &&
           (c->scores = wsi_try_alloc(n, sizeof(TileScore), "scores", error));
}

gboolean model_calibrate(Model *model, const TileSet *tiles, const int64_t *index, int64_t count, int threads,
                         GError **error)
{
    g_autofree Scorer **scorers = g_new0(Scorer *, threads);
    g_autofree uint8_t **rgb = g_new0(uint8_t *, threads);
    Calibrate c = {
        .model = model, .tiles = tiles, .index = index, .count = count, .scorers = scorers, .rgb = rgb};
    gboolean ok = calibrate_allocate(&c, threads, error) && calibrate_all(&c, threads, error);
    for (int t = 0; t < threads; t++) {
        scorer_free(scorers[t]);
        g_free(rgb[t]);
    }
    g_free(c.sample);
    g_free(c.map_sum);
    g_free(c.map_squares);
    g_free(c.scores);
    return ok;
}

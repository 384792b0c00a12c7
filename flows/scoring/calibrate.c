/* Calibration: what held-out normal tiles look like to a model.
 *
 * Likelihoods have no scale of their own (they depend on the features).  Everything that people see is therefore standardised by
 * normals that were not trained on: 0 is typical, 1 is one standard deviation above.
 *
 * There are two passes over the tiles, since M0, the constant of the score `absolute`, is a quantile over all of
 * them.  The mean of E is taken at each position of the map: convolutions see zeros beyond the border of a tile, so E is lower
 * there, by more than a standard deviation in the corners, and a heatmap would show the grid of tiles.  With n tiles, the mean at
 * a position has the weight n / (n + 10), the mean over all positions the rest.
 *
 * All sums run over stored values in the order of the tiles, so the result does not depend on threads. */
#include "flows/scoring/scorer_private.h"
#include "flows/scoring/calibrate.h"
#include "flows/scoring/calibrate_threshold.h"
#include "base/pool.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define SAMPLE 4000000 /* about the number of values of M for its quantile */
#define PRIOR_TILES 10 /* what the mean over all positions counts as, in the mean at one */

typedef struct {
    Model *model;
    const TileSet *tiles;
    const int64_t *index, *anomaly; /* normals, anomalies */
    int64_t count, anomalies;
    int threads;
    gboolean first;    /* the first pass */
    Scorer **scorers;  /* (threads) */
    uint8_t **rgb;     /* (threads): a batch each */
    int64_t take;      /* values of E that each tile adds to the sample */
    float *sample;     /* (count, take) */
    float *maps;       /* (count, positions) */
    TileScore *scores; /* (count) */
} Calibrate;

static int positions(const Calibrate *c)
{
    return c->scorers[0]->side * c->scorers[0]->side;
}

/* Stores a sample of E of a tile, and E at the size of the map. */
static void take_energies(const Calibrate *c, const Scorer *s, int64_t tile)
{
    Rng rng = rng_at(c->model->spec.seed ^ rng_name("calibration sample"), (uint64_t)tile, 0);
    anomaly_sample(s->tile_energy, (int64_t)s->tile * s->tile, &rng, c->take, c->sample + tile * c->take);
    memcpy(c->maps + tile * positions(c), s->map_energy, (size_t)positions(c) * sizeof(float));
}

/* A batch of tiles of the current pass. */
static gboolean batch(int64_t index, int worker, void *data, GError **error)
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
    scorer_forward(s, c->rgb[worker], count);
    for (int b = 0; b < count; b++) {
        TileScore *score = &c->scores[first + b];
        if (!scorer_measure(s, b, score, error)) {
            return FALSE;
        }
        if (c->first) {
            take_energies(c, s, first + b);
        } else {
            scorer_finish(s, score);
        }
    }
    return TRUE;
}

static gboolean pass(Calibrate *c, gboolean first, GError **error)
{
    c->first = first;
    return pool_run(c->threads, c->threads == pool_processors(), (c->count + SCORER_BATCH - 1) / SCORER_BATCH,
                    batch, c, error);
}

/* map_mean and map_sd from the maps of all tiles, (count, positions). */
static void fit_maps(const Calibrate *c, Calibration *out)
{
    int n = positions(c);
    double overall = 0, squares = 0, own = (double)c->count / (double)(c->count + PRIOR_TILES);
    g_autofree double *sum = g_new0(double, n);
    for (int64_t i = 0; i < c->count; i++) {
        for (int p = 0; p < n; p++) {
            sum[p] += c->maps[i * n + p];
        }
    }
    for (int p = 0; p < n; p++) {
        overall += sum[p] / (double)c->count / n;
    }
    out->map_side = c->scorers[0]->side;
    out->map_mean = g_new(real, n);
    for (int p = 0; p < n; p++) {
        out->map_mean[p] = (real)(overall + own * (sum[p] / (double)c->count - overall));
    }
    for (int64_t i = 0; i < c->count * n; i++) {
        double d = (double)c->maps[i] - (double)out->map_mean[i % n];
        squares += d * d;
    }
    /* One standard deviation for all positions: at single ones it would be too uncertain. */
    out->map_sd = squares > 0 ? sqrt(squares / (double)(c->count * n)) : 1;
}

/* Mean and standard deviation of a score.  A deviation of 0 becomes 1, by which one can divide. */
static void fit_column(const Calibrate *c, int column, double *mean, double *sd)
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

/* The recommended score of all tiles, by the calibration so far. */
static void recommend(const Calibrate *c)
{
    for (int64_t i = 0; i < c->count; i++) {
        c->scores[i].score = score_recommended(c->model, &c->scores[i]);
    }
}

static gboolean fit_threshold(const Calibrate *c, Calibration *out, GError **error)
{
    const ThresholdTiles with = {
        .model = c->model,
        .tiles = c->tiles,
        .normal = c->index,
        .normals = c->count,
        .anomaly = c->anomaly,
        .anomalies = c->anomalies,
        .clean = c->scores,
        .scorers = c->scorers,
        .threads = c->threads,
    };
    return calibrate_threshold(&with, out, error);
}

static gboolean fit(Calibrate *c, GError **error)
{
    Calibration *out = &c->model->calibration;
    if (!pass(c, TRUE, error)) {
        return FALSE;
    }
    out->tiles = c->count;
    out->m0 = -anomaly_quantile(c->sample, c->count * c->take, 0.005); /* M = -E: 99.5 % of M is 0.5 % of E */
    fit_maps(c, out);
    if (!pass(c, FALSE, error)) {
        return FALSE;
    }
    for (int k = COLUMN_SCORE + 1; k < COLUMN_LOGIT; k++) {
        fit_column(c, k, &out->mean[k], &out->sd[k]);
    }
    for (int64_t i = 0; i < c->count; i++) { /* without labels it is the standardised NLL */
        c->scores[i].logit = scorer_logit(c->model, &c->scores[i]);
    }
    fit_column(c, COLUMN_LOGIT, &out->mean[COLUMN_LOGIT], &out->sd[COLUMN_LOGIT]);
    /* The recommended score is made of standardised scores, and then standardised itself. */
    out->mean[COLUMN_SCORE] = 0;
    out->sd[COLUMN_SCORE] = 1;
    recommend(c);
    fit_column(c, COLUMN_SCORE, &out->mean[COLUMN_SCORE], &out->sd[COLUMN_SCORE]);
    recommend(c);
    return fit_threshold(c, out, error);
}

static gboolean allocate(Calibrate *c, GError **error)
{
    size_t pixels = (size_t)c->model->spec.tile_size * c->model->spec.tile_size, n = (size_t)c->count;
    /* The same number from each tile, so that every tile counts equally. */
    c->take = CLAMP(SAMPLE / c->count, 16, (int64_t)pixels);
    for (int t = 0; t < c->threads; t++) {
        c->scorers[t] = scorer_new(c->model, error);
        c->rgb[t] = c->scorers[t] ? wsi_try_alloc(SCORER_BATCH, pixels * 3, "a batch of tiles", error) : NULL;
        if (!c->rgb[t]) {
            return FALSE;
        }
    }
    return (c->sample =
                wsi_try_alloc(n, (size_t)c->take * sizeof(float), "a sample of anomaly maps", error)) &&
           (c->maps = wsi_try_alloc(n, (size_t)positions(c) * sizeof(float), "anomaly maps", error)) &&
           (c->scores = wsi_try_alloc(n, sizeof(TileScore), "scores", error));
}

gboolean model_calibrate(Model *model, const TileSet *tiles, const int64_t *index, int64_t count,
                         const int64_t *anomaly, int64_t anomalies, int threads, GError **error)
{
    g_autofree Scorer **scorers = g_new0(Scorer *, threads);
    g_autofree uint8_t **rgb = g_new0(uint8_t *, threads);
    Calibrate c = {.model = model,
                   .tiles = tiles,
                   .index = index,
                   .count = count,
                   .anomaly = anomaly,
                   .anomalies = anomalies,
                   .threads = threads,
                   .scorers = scorers,
                   .rgb = rgb};
    gboolean ok = allocate(&c, error) && fit(&c, error);
    for (int t = 0; t < threads; t++) {
        scorer_free(scorers[t]);
        g_free(rgb[t]);
    }
    g_free(c.sample);
    g_free(c.maps);
    g_free(c.scores);
    return ok;
}

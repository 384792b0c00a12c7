/* The scorer: tiles to scores and maps.
 *
 * It always computes SCORER_BATCH tiles, with blank ones where some are missing: kernels may sum in another order for another batch
 * size, and the scores of a tile must not depend on the other tiles. */
#include "flows/scoring/scorer_private.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* (value - mean) / sd of the held-out normals. */
static double standardised(const Calibration *c, double value, int column)
{
    return (value - c->mean[column]) / c->sd[column];
}

double scorer_logit(const Model *model, const TileScore *score)
{
    /* Without a head the NLL takes its place, in standard deviations. */
    return model->spec.loss.labels ? head_logit(model->head, score->nll, score->readout)
                                   : standardised(&model->calibration, score->nll, COLUMN_NLL);
}

/* Increasing in each of the scores that it is made of. */
double score_recommended(const Model *model, const TileScore *score)
{
    const Calibration *c = &model->calibration;
    double sum = 0; /* a mean of standardised scales: each counts equally, whatever its spread */
    for (int l = 0; l < SCALES; l++) {
        sum += standardised(c, score->scale[l], COLUMN_SCALE1 + l);
    }
    /* Each kind of score is made of standardised ones, and then standardised itself. */
    const double values[] = {
        [SCORE_SCALES] = sum / SCALES,
        [SCORE_NLL] = standardised(c, score->nll, COLUMN_NLL),
        [SCORE_LOGIT] = standardised(c, scorer_logit(model, score), COLUMN_LOGIT),
    };
    return (values[model->spec.score] - c->mean[COLUMN_SCORE]) / c->sd[COLUMN_SCORE];
}

/* ---- the scorer ---- */

/* Buffers of one tile: energies (side, side) of each scale, E at both sizes; and a batch of pixels. */
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
    s->side = sides[0]; /* maps have the resolution of the finest scale */
    /* Both sum the scales' maps at one size. */
    s->to_tile = upsampler_new(sides, s->tile);
    s->to_map = upsampler_new(sides, s->side);
    s->extractor = extractor_run_new(model->extractor, model->kernels, SCORER_BATCH, s->tile, error);
    /* No training: the run packs its weights, so that the model can release its own. */
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

void scorer_forward(Scorer *s, const uint8_t *rgb, int count)
{
    size_t tile = (size_t)s->tile * s->tile * 3;
    const real *maps[SCALES];
    if (count < SCORER_BATCH) { /* fill the batch with blank tiles */
        memcpy(s->rgb, rgb, count * tile);
        memset(s->rgb + count * tile, 0, (SCORER_BATCH - count) * tile);
        rgb = s->rgb;
    }
    /* tiles -> features (batch, side, side, features) -> latents, log-determinants and their maps */
    extractor_run(s->extractor, rgb, maps);
    msflow_forward(s->flow, maps, s->z, s->logdet);
    msflow_local_logdet(s->flow, s->local);
}

/* Energies (positions) become negative log-likelihoods per channel, up to a constant.  Returns the sum of the log-determinants. */
static double subtract_logdet(int positions, int channels, const real *local, float *energy)
{
    double sum = 0;
    for (int p = 0; p < positions; p++) {
        /* NLL of a position: 0.5 |z|^2 - its log-determinant, per channel. */
        energy[p] -= (float)(local[p] / (real)channels);
        sum += (double)local[p];
    }
    return sum;
}

gboolean scorer_measure(Scorer *s, int b, TileScore *score, GError **error)
{
    const Msflow *flow = s->model->flow;
    double dimensions = (double)msflow_dimensions(flow), half = 0;
    const real *z[SCALES];
    *score = (TileScore){0};
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(flow, l), channels = msflow_latent_channels(flow, l);
        int64_t count = (int64_t)side * side * channels;
        z[l] = s->z[l] + b * count; /* (side, side, channels) */
        double scale = anomaly_energy(z[l], side * side, channels, s->energy[l]);
        half += scale;
        if (s->model->spec.measure == MEASURE_LIKELIHOOD) {
            scale -=
                subtract_logdet(side * side, channels, s->local[l] + (int64_t)b * side * side, s->energy[l]);
        }
        score->scale[l] = scale / (double)count;
    }
    /* NLL = 0.5 sum z^2 - logdet, without 0.5 D ln 2 pi; per dimension. */
    score->logdet = s->logdet[b] / dimensions;
    score->nll = (half - s->logdet[b]) / dimensions;
    score->readout = s->model->spec.loss.labels ? head_readout(s->model->head, z) : 0;
    /* A score that is not a number must never reach a table: it would sort anywhere. */
    if (!isfinite(half) || !isfinite(score->nll)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                    "the model gives a tile a likelihood that is not finite");
        return FALSE;
    }
    /* E at the size of the tile for the scores of largest values, and at the size of the map. */
    upsampler_sum(s->to_tile, s->energy, s->tile_energy);
    upsampler_sum(s->to_map, s->energy, s->map_energy);
    return TRUE;
}

void scorer_finish(Scorer *s, TileScore *score)
{
    AnomalyTop top = anomaly_top(s->tile_energy, s->tile * s->tile, s->model->calibration.m0);
    /* Of E at the size of the tile. */
    score->contrast = top.contrast;
    score->absolute = top.absolute;
    score->top = top.top;
    score->maximum = top.maximum;
}

/* At each position by its own mean: the border of a tile differs from its middle. */
static void standardised_map(const Scorer *s, float *map)
{
    const Calibration *c = &s->model->calibration;
    for (int i = 0; i < s->side * s->side; i++) {
        map[i] = (float)((s->map_energy[i] - c->map_mean[i]) / c->map_sd);
    }
}

gboolean scorer_run(Scorer *s, const uint8_t *rgb, int count, TileScore *scores, float *maps, GError **error)
{
    if (count < 1 || count > SCORER_BATCH) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "a scorer got %d tiles, but its batch is %d", count,
                    SCORER_BATCH);
        return FALSE;
    }
    scorer_forward(s, rgb, count);
    for (int b = 0; b < count; b++) {
        if (!scorer_measure(s, b, &scores[b], error)) {
            return FALSE;
        }
        scorer_finish(s, &scores[b]);
        scores[b].logit = scorer_logit(s->model, &scores[b]);
        scores[b].score = score_recommended(s->model, &scores[b]);
        if (maps) {
            standardised_map(s, maps + (size_t)b * s->side * s->side);
        }
    }
    return TRUE;
}

void scorer_latents(const Scorer *s, int b, float latents[SCORER_LATENTS])
{
    const Head *head = s->model->head;
    const real *z[SCALES];
    double pooled[HEAD_FEATURES];
    for (int l = 0; l < SCALES; l++) {
        z[l] = s->z[l] + (int64_t)b * head->positions[l] * head->channels[l];
    }
    head_pool(head, z, pooled);
    for (int i = 0; i < SCORER_LATENTS; i++) {
        latents[i] = (float)pooled[i];
    }
}

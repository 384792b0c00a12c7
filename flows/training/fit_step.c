/* One batch of a training: the loss, its gradient, the update; and the loss of the held-out tiles.
 *
 * A batch is computed in parts of equal size, each with its own run and gradient.  Gradients are added in the order of the
 * parts, and sums of squares in the order of the chunks, so bits do not depend on which thread computed what. */
#include "flows/training/fit_private.h"
#include "flows/kernels/squares.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>
#include <string.h>

#define CHUNK 65536 /* parameters that one work item of the optimiser takes */

static gboolean parallel(const Fit *fit, int64_t count, PoolWork work, void *data, GError **error)
{
    return pool_run(fit->threads, fit->pin, count, work, data, error);
}

/* ---- one step ---- */

/* Numbers of one tile's latent: side x side x channels. */
static int64_t latent_count(const Fit *fit, int l)
{
    int side = msflow_latent_size(fit->model->flow, l);
    return (int64_t)side * side * msflow_latent_channels(fit->model->flow, l);
}

/* The loss of tile b of a part, and its gradient at the latents. */
static void tile_loss(const Fit *fit, BatchPart *part, const real *const z[SCALES], int b, int64_t index,
                      LossTile *tile)
{
    tile->logdet = part->logdet[b];
    tile->anomaly = fit->tiles->anomaly && fit->tiles->anomaly[index];
    for (int l = 0; l < SCALES; l++) {
        tile->z[l] = z[l] + b * latent_count(fit, l);
        tile->dz[l] = part->dz[l] + b * latent_count(fit, l);
    }
    head_loss(fit->model->head, &fit->spec->loss, &fit->composition, tile, &part->terms, part->head_gradient);
    part->dlogdet[b] = tile->dlogdet;
}

/* Forward, loss and backward of one part of the batch. */
static gboolean batch_part_step(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    BatchPart *part = &fit->parts[index];
    const real *maps[SCALES], *z[SCALES];
    const int64_t first = index * fit->part_tiles;
    const uint32_t *variant = fit->variant + (fit->batch - fit->order) + first; /* parallel to fit->order */
    if (!features_get_variants(fit->features, worker, fit->batch + first, variant, fit->part_tiles, maps,
                               error)) {
        return FALSE;
    }
    msflow_forward_pooled(part->run, maps, z, part->logdet);
    part->terms = (LossTerms){0};
    memset(part->head_gradient, 0, HEAD_TRAINABLE * sizeof(double));
    for (int b = 0; b < fit->part_tiles; b++) {
        int64_t position = index * fit->part_tiles + b;
        tile_loss(fit, part, z, b, fit->batch[position], &fit->tile[position]);
    }
    memset(part->gradient, 0, (size_t)fit->state.trainable * sizeof(real)); /* backward adds to it */
    msflow_backward(part->run, (const real *const *)part->dz, part->dlogdet, part->gradient);
    return TRUE;
}

/* Work items of the optimiser; their number does not depend on threads. */
static int64_t chunks(const Fit *fit)
{
    return (fit->state.trainable + CHUNK - 1) / CHUNK;
}

/* Adds the gradients of all parts to that of the first. */
static gboolean add_chunk(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    int64_t first = index * CHUNK, count = MIN(CHUNK, fit->state.trainable - first);
    real *sum = fit->parts[0].gradient + first;
    for (int s = 1; s < fit->spec->batch_parts; s++) {
        const real *part = fit->parts[s].gradient + first;
        for (int64_t i = 0; i < count; i++) {
            sum[i] += part[i];
        }
    }
    fit->square[index] = squares_sum(sum, count);
    return TRUE;
}

/* Adam on one chunk of the flow's parameters. */
static gboolean update_chunk(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    TrainState *s = &fit->state;
    int64_t first = index * CHUNK, count = MIN(CHUNK, s->trainable - first);
    /* The flows' parameters come first; those before the flows (the laterals) have a rate of their own. */
    int64_t own = CLAMP(msflow_before_flows(fit->model->flow) - first, 0, count);
    const struct {
        int64_t first, count;
        double rate;
    } parts[] = {{first, own, 1}, {first + own, count - own, fit->spec->fpn_rate}};
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        int64_t at = parts[i].first;
        Adam adam = fit->adam;
        adam.learning_rate *= parts[i].rate;
        adam_step(&adam, s->step, parts[i].count, fit->parts[0].gradient + at, fit->scale, s->parameters + at,
                  s->moment1 + at, s->moment2 + at);
    }
    return TRUE;
}

/* Derived weights of one part of the flow. */
static gboolean refresh_part(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    msflow_refresh_part(fit->model->flow, (int)index);
    return TRUE;
}

/* With r the rate of the specification and t the progress after the warm-up, 0 to 1:
 *   warm-up     r (0.1 + 0.9 at / warm)
 *   afterwards  r (0.01 + 0.99 (1 + cos(pi t)) / 2)
 * at: steps that were done in all epochs. */
static double learning_rate(const Fit *fit, double at)
{
    double warm = fit->spec->warmup_epochs * (double)fit->steps;
    double rest = (double)fit->spec->epochs * (double)fit->steps - warm;
    if (at < warm) {
        return fit->spec->learning_rate * (0.1 + 0.9 * at / warm);
    }
    double progress = rest > 0 ? fmin((at - warm) / rest, 1) : 1;
    return fit->spec->learning_rate * (0.01 + 0.99 * 0.5 * (1 + cos(G_PI * progress)));
}

static void add_terms(LossTerms *sum, const LossTerms *terms)
{
    sum->nll += terms->nll;
    sum->normal += terms->normal;
    sum->focal += terms->focal;
    sum->centre += terms->centre;
    sum->margin += terms->margin;
}

/* Adds the means of the batch; all_steps() divides by the number of steps. */
static void report_step(EpochReport *report, const LossTerms *terms, double norm)
{
    report->train_nll += terms->nll;
    report->focal += terms->focal;
    report->centre += terms->centre;
    report->margin += terms->margin;
    report->gradient_norm += norm;
}

gboolean fit_step(Fit *fit, int64_t number, EpochReport *report, GError **error)
{
    LossTerms terms = {0};
    fit->batch = fit->order + number * fit->spec->batch;
    if (!parallel(fit, fit->spec->batch_parts, batch_part_step, fit, error) ||
        !parallel(fit, chunks(fit), add_chunk, fit, error)) {
        return FALSE;
    }
    for (int s = 0; s < fit->spec->batch_parts; s++) {
        add_terms(&terms, &fit->parts[s].terms);
    }
    double squares = fit_head_gradient(fit); /* the clip is by the norm over flow and head together */
    for (int64_t c = 0; c < chunks(fit); c++) {
        squares += fit->square[c];
    }
    /* The rate changes with each step; the report shows that of the last one. */
    report->learning_rate = learning_rate(fit, (double)(fit->state.epoch * fit->steps + number));
    /* A step that is not finite would spoil the parameters for good. */
    if (!isfinite(loss_terms_total(&fit->spec->loss, &terms)) || !isfinite(squares)) {
        report->skipped_steps++;
        return TRUE;
    }
    report_step(report, &terms, sqrt(squares));
    /* The clip coefficient multiplies the gradient inside of Adam: no pass over memory of its own. */
    fit->scale = adam_clip(sqrt(squares), fit->spec->clip);
    fit->adam.learning_rate = report->learning_rate;
    fit->state.step++;
    gboolean ok = parallel(fit, chunks(fit), update_chunk, fit, error);
    fit_update_head(fit);
    msflow_constrain(fit->model->flow); /* laterals stay isometries */
    return ok && parallel(fit, msflow_refresh_parts(fit->model->flow), refresh_part, fit, error);
}

/* ---- hold-out ---- */

/* Score `scale[l]` of tile b, as a scorer measures it.  half: 0.5 sum z^2 of the scale; local: (batch, side, side). */
static double measure_scale(const Fit *fit, const real *local, int l, int b, double half)
{
    int side = msflow_latent_size(fit->model->flow, l);
    for (int p = 0; fit->spec->measure == MEASURE_LIKELIHOOD && p < side * side; p++) {
        half -= (double)local[(int64_t)b * side * side + p];
    }
    return half / (double)latent_count(fit, l);
}

/* Scores of one part of the held-out tiles.  Each thread uses the run of a part of the batch. */
static gboolean holdout_part(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    BatchPart *part = &fit->parts[worker];
    const real *maps[SCALES], *z[SCALES], *local[SCALES];
    int64_t first = index * fit->part_tiles;
    int count = (int)MIN(fit->part_tiles, fit->held_count - first);
    if (!features_get(fit->features, worker, fit->held + first, count, maps, error)) {
        return FALSE;
    }
    msflow_forward_pooled(part->run, maps, z, part->logdet);
    msflow_local_logdet(part->run, local); /* (part, side, side) per scale */
    for (int b = 0; b < count; b++) {
        const real *of_tile[SCALES];
        double half = 0;
        for (int l = 0; l < SCALES; l++) {
            of_tile[l] = z[l] + b * latent_count(fit, l);
            double of_scale = 0.5 * squares_sum(of_tile[l], latent_count(fit, l));
            fit->holdout_scale[(first + b) * SCALES + l] = measure_scale(fit, local[l], l, b, of_scale);
            half += of_scale;
        }
        /* S = (0.5 sum z^2 - logdet) / D */
        double nll = (half - part->logdet[b]) / (double)fit->dimensions;
        fit->holdout_nll[first + b] = nll;
        if (fit->spec->loss.labels) {
            const Head *head = fit->model->head;
            fit->holdout_logit[first + b] = head_logit(head, nll, head_readout(head, of_tile));
        }
    }
    return TRUE;
}

gboolean fit_holdout(Fit *fit, double *mean, GError **error)
{
    int64_t parts = (fit->held_count + fit->part_tiles - 1) / fit->part_tiles;
    if (!pool_run(MIN(fit->threads, fit->spec->batch_parts), fit->pin, parts, holdout_part, fit, error)) {
        return FALSE;
    }
    *mean = 0; /* of the normals, which come first */
    for (int64_t i = 0; i < fit->normals.held_count; i++) {
        *mean += fit->holdout_nll[i];
    }
    *mean /= (double)fit->normals.held_count;
    return TRUE;
}

/* ---- buffers ---- */

/* The run of a part keeps what backward needs: it is the largest part of the memory of a training. */
static gboolean batch_part_init(const Fit *fit, BatchPart *part, GError **error)
{
    const Msflow *flow = fit->model->flow;
    part->run = msflow_run_new(flow, fit->model->kernels, fit->part_tiles, TRUE, error);
    part->gradient =
        part->run ? wsi_try_alloc(fit->state.trainable, sizeof(real), "a gradient", error) : NULL;
    part->logdet = g_new0(double, fit->part_tiles);
    part->dlogdet = g_new0(double, fit->part_tiles);
    part->head_gradient = g_new0(double, HEAD_TRAINABLE);
    gboolean ok = part->gradient != NULL;
    for (int l = 0; ok && l < SCALES; l++) {
        size_t tile = (size_t)latent_count(fit, l) * sizeof(real);
        part->dz[l] = wsi_try_alloc(fit->part_tiles, tile, "gradients of latents", error);
        ok = part->dz[l] != NULL;
    }
    return ok;
}

gboolean fit_parts_new(Fit *fit, GError **error)
{
    fit->parts = g_new0(BatchPart, fit->spec->batch_parts);
    fit->square = g_new0(double, chunks(fit));
    for (int i = 0; i < fit->spec->batch_parts; i++) {
        if (!batch_part_init(fit, &fit->parts[i], error)) {
            return FALSE;
        }
    }
    return TRUE;
}

void fit_parts_free(Fit *fit)
{
    for (int i = 0; fit->parts && i < fit->spec->batch_parts; i++) {
        BatchPart *part = &fit->parts[i];
        g_clear_pointer(&part->run, msflow_run_free);
        g_free(part->gradient);
        g_free(part->logdet);
        g_free(part->dlogdet);
        g_free(part->head_gradient);
        for (int l = 0; l < SCALES; l++) {
            g_free(part->dz[l]);
        }
    }
    g_free(fit->parts);
    g_free(fit->square);
}

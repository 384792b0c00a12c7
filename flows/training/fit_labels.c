/* What labelled anomalies add to a training.
 *
 * During the first epochs (the fraction loss.start) batches hold normals only, and the loss is their likelihood.  From then on
 * every part of a batch ends with the same number of anomalies, taken in the order of the epoch and from the start again when
 * there are too few.  Normals that are hard (a person says that they are normal although they look like anomalies) also get that share: the
 * normals of every part end with as many of them, which come in addition to their turn among all normals.  So means over normals and over anomalies are the same sums for any number of threads, and an epoch still
 * takes every normal once.  The head follows the running statistics of normals from the first step.
 *
 * Without loss.labels anomalies only validate: they choose the epoch and the threshold.  Anomalies of patients that are trained
 * on are not used at all.
 *
 * An epoch is validated on held-out tiles by the score that the model will recommend.  It is formed as the calibration will form
 * it, up to constants that change no order. */
#include "flows/training/fit_private.h"
#include "flows/metrics/metrics.h"
#include "flows/kernels/squares.h"
#include "base/error.h"
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- tiles ---- */

/* fit->held: normals, then anomalies. */
static gboolean list_held(Fit *fit, GError **error)
{
    int64_t normals = fit->normals.held_count, anomalies = fit->anomalies.held_count;
    fit->held_count = normals + anomalies;
    fit->held = wsi_try_alloc(fit->held_count, sizeof(int64_t), "tiles held out", error);
    for (int64_t i = 0; fit->held && i < fit->held_count; i++) {
        fit->held[i] = i < normals ? fit->normals.held[i] : fit->anomalies.held[i - normals];
    }
    return fit->held != NULL;
}

gboolean fit_split(Fit *fit, GError **error)
{
    const TileSet *tiles = fit->tiles;
    const ModelSpec *spec = fit->spec;
    if (!tiles->anomaly && (spec->loss.labels || spec->loss.selection != SELECT_NLL)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s needs labelled anomalies, but no tile is labelled",
                    spec->loss.labels ? "a loss with labels" : "the selection of the epoch");
        return FALSE;
    }
    gboolean ok = holdout_make(tiles, spec->loss.labels, spec->holdout, spec->seed, &fit->normals,
                               &fit->anomalies, &fit->model->calibration.holdout, error);
    return ok && list_held(fit, error) &&
           (fit->normal_order =
                wsi_try_alloc(fit->normals.train_count, sizeof(int64_t), "an order of tiles", error)) &&
           (fit->anomaly_order =
                wsi_try_alloc(fit->anomalies.train_count, sizeof(int64_t), "an order of tiles", error)) &&
           (fit->hard_order =
                wsi_try_alloc(fit->normals.train_count, sizeof(int64_t), "an order of tiles", error));
}

/* ---- epochs ---- */

int fit_first_labelled(const ModelSpec *spec)
{
    int before = (int)ceil(spec->loss.start * spec->epochs);
    return spec->loss.labels ? MIN(before, spec->epochs - 1) + 1 : INT_MAX;
}

/* Normals in each part of a batch. */
static int part_normals(const Fit *fit, gboolean labels)
{
    return fit->part_tiles - (labels ? model_spec_part_anomalies(fit->spec) : 0);
}

/* Of these, the ones that are an extra turn of a hard one; at least one is not. */
static int part_hard(const Fit *fit, gboolean labels)
{
    return labels && fit->hard_count > 0
               ? MIN(model_spec_part_anomalies(fit->spec), part_normals(fit, labels) - 1)
               : 0;
}

/* So many that every normal is taken once; the last batch is filled up. */
static int64_t steps_of(const Fit *fit, gboolean labels)
{
    int64_t normals = (int64_t)(part_normals(fit, labels) - part_hard(fit, labels)) * fit->spec->batch_parts;
    return (fit->normals.train_count + normals - 1) / normals;
}

int64_t fit_most_steps(const Fit *fit)
{
    return steps_of(fit, fit->spec->loss.labels);
}

/* Position `at` of the epoch gets tile `number` of an order that repeats; each repetition is another variant of the tile. */
static void take(Fit *fit, int64_t at, int epoch, const int64_t *order, int64_t count, int64_t number)
{
    fit->order[at] = order[number % count];
    fit->variant[at] = features_variant(epoch, number / count);
}

static gboolean is_hard(const Fit *fit, int64_t tile)
{
    return fit->tiles->hard && fit->tiles->hard[tile];
}

void fit_count_hard(Fit *fit)
{
    fit->hard_count = 0;
    for (int64_t i = 0; fit->spec->loss.labels && i < fit->normals.train_count; i++) {
        fit->hard_count += is_hard(fit, fit->normals.train[i]);
    }
}

/* Takes the hard ones out of the order of the normals; their first extra turn is not their first turn, so it is another variant. */
static void order_hard(Fit *fit)
{
    int64_t count = 0;
    for (int64_t i = 0; i < fit->normals.train_count; i++) {
        if (is_hard(fit, fit->normal_order[i])) {
            fit->hard_order[count++] = fit->normal_order[i];
        }
    }
}

void fit_begin_epoch(Fit *fit, int epoch)
{
    gboolean labels = epoch >= fit_first_labelled(fit->spec);
    int normals = part_normals(fit, labels), anomalies = fit->part_tiles - normals,
        extra = part_hard(fit, labels);
    int64_t parts = steps_of(fit, labels) * fit->spec->batch_parts, normal = 0, anomaly = 0;
    int64_t at = 0, hard = fit->hard_count; /* from there on: repetition 1 */
    fit->composition =
        (LossBatch){normals * fit->spec->batch_parts, anomalies * fit->spec->batch_parts, labels};
    fit->steps = parts / fit->spec->batch_parts;
    holdout_order(&fit->normals, fit->spec->seed, epoch, fit->normal_order);
    order_hard(fit);
    if (labels) {
        holdout_order(&fit->anomalies, fit->spec->seed, epoch, fit->anomaly_order);
    }
    for (int64_t p = 0; p < parts; p++) { /* each part: normals, then anomalies */
        for (int i = 0; i < normals - extra; i++) {
            take(fit, at++, epoch, fit->normal_order, fit->normals.train_count, normal++);
        }
        for (int i = 0; i < extra; i++) {
            take(fit, at++, epoch, fit->hard_order, fit->hard_count, hard++);
        }
        for (int i = 0; i < anomalies; i++) {
            take(fit, at++, epoch, fit->anomaly_order, fit->anomalies.train_count, anomaly++);
        }
    }
}

/* ---- the head ---- */

double fit_head_gradient(Fit *fit)
{
    if (!fit->composition.labels) {
        return 0;
    }
    for (int i = 0; i < HEAD_TRAINABLE; i++) {
        double sum = 0; /* in the order of the parts */
        for (int s = 0; s < fit->spec->batch_parts; s++) {
            sum += fit->parts[s].head_gradient[i];
        }
        fit->head_gradient[i] = (real)sum;
    }
    return squares_sum(fit->head_gradient, HEAD_TRAINABLE);
}

void fit_update_head(Fit *fit)
{
    TrainState *s = &fit->state;
    if (fit->composition.labels) {
        adam_step(&fit->adam, ++s->head_step, HEAD_TRAINABLE, fit->head_gradient, fit->scale, s->head,
                  s->head_moment1, s->head_moment2);
    }
    head_observe(fit->model->head, &fit->composition, fit->tile, fit->spec->batch);
}

/* ---- validation ---- */

/* Scores of all held-out tiles that have the order of the recommended score. */
static void scores_of(const Fit *fit, double *score)
{
    int64_t normals = fit->normals.held_count;
    const gboolean logit = fit->spec->score == SCORE_LOGIT && fit->spec->loss.labels;
    for (int64_t i = 0; i < fit->held_count; i++) {
        score[i] = fit->spec->score == SCORE_SCALES ? 0 : logit ? fit->holdout_logit[i] : fit->holdout_nll[i];
    }
    /* SCORE_SCALES: the sum over the scales of (value - mean) / sd, with mean and sd over the held-out normals. */
    for (int l = 0; fit->spec->score == SCORE_SCALES && l < SCALES; l++) {
        const double *value = fit->holdout_scale + l;
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < normals; i++) {
            mean += value[i * SCALES] / (double)normals;
        }
        for (int64_t i = 0; i < normals; i++) {
            squares += (value[i * SCALES] - mean) * (value[i * SCALES] - mean);
        }
        double sd = squares > 0 ? sqrt(squares / (double)normals) : 1;
        for (int64_t i = 0; i < fit->held_count; i++) {
            score[i] += (value[i * SCALES] - mean) / sd;
        }
    }
}

gboolean fit_evaluate(const Fit *fit, EpochReport *report, GError **error)
{
    report->holdout_auroc = report->holdout_ap = report->holdout_f = NAN;
    if (fit->anomalies.held_count == 0) {
        return TRUE;
    }
    g_autofree double *score = wsi_try_alloc(fit->held_count, sizeof(double), "scores", error);
    g_autofree int *label = score ? wsi_try_alloc(fit->held_count, sizeof(int), "labels", error) : NULL;
    Metrics metrics;
    if (!label) {
        return FALSE;
    }
    scores_of(fit, score);
    for (int64_t i = 0; i < fit->held_count; i++) {
        label[i] = i >= fit->normals.held_count;
    }
    /* It fails for a NaN score: the metrics stay NAN. */
    if (metrics_compute(score, label, (int)fit->held_count, &metrics, NULL)) {
        report->holdout_auroc = metrics.auroc;
        report->holdout_ap = metrics.average_precision;
        report->holdout_f = metrics_best_f(score, label, (int)fit->held_count, fit->spec->loss.beta);
    }
    return TRUE;
}

double fit_criterion(const Fit *fit, const EpochReport *report)
{
    const double metrics[] = {
        /* by NLL, only epochs in which all terms count can be chosen */
        [SELECT_NLL] = fit->spec->loss.labels && !fit->composition.labels ? NAN : report->holdout_nll,
        [SELECT_F_BETA] = -report->holdout_f,
        [SELECT_AUROC] = -report->holdout_auroc,
        [SELECT_AP] = -report->holdout_ap,
    };
    return isfinite(report->holdout_nll) ? metrics[fit->spec->loss.selection] : NAN;
}

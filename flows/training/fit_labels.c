/* What labelled anomalies add to a training (models.md D.6, D.7).
 *
 * For a first fraction of the epochs (loss.start) batches are normals only and the loss is their likelihood.  Then every part of
 * a batch has the same fixed number of anomalies at its end, in the order of the epoch and from the start again when there
 * are too few: means over normals and over anomalies are the same sums whatever the threads, and an epoch still takes every
 * normal once.  The head follows figures of normals from the first step.
 *
 * Anomalies of a training without loss.labels only judge: the choice of the epoch, and the threshold; those of patients that are trained
 * on cannot.
 *
 * An epoch is judged by tiles that were held out, with the score that the model will recommend, as calibration will form it:
 * up to constants that change no order. */
#include "flows/training/fit_private.h"
#include "flows/scoring/metrics.h"
#include "flows/kernels/squares.h"
#include "base/error.h"
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- tiles ---- */

static gboolean list_judges(Fit *fit, GError **error)
{
    int64_t normals = fit->split.holdouts, anomalies = fit->anomalies.holdouts;
    fit->judged = normals + anomalies;
    fit->judges = wsi_try_alloc(fit->judged, sizeof(int64_t), "tiles held out", error);
    for (int64_t i = 0; fit->judges && i < fit->judged; i++) {
        fit->judges[i] = i < normals ? fit->split.holdout[i] : fit->anomalies.holdout[i - normals];
    }
    return fit->judges != NULL;
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
    gboolean ok = holdout_make(tiles, spec->loss.labels, spec->holdout, spec->seed, &fit->split,
                               &fit->anomalies, &fit->model->calibration.holdout, error);
    return ok && list_judges(fit, error) &&
           (fit->normal_order =
                wsi_try_alloc(fit->split.trains, sizeof(int64_t), "an order of tiles", error)) &&
           (fit->anomaly_order =
                wsi_try_alloc(fit->anomalies.trains, sizeof(int64_t), "an order of tiles", error));
}

/* ---- epochs ---- */

int fit_first_labelled(const ModelSpec *spec)
{
    int before = (int)ceil(spec->loss.start * spec->epochs);
    return spec->loss.labels ? MIN(before, spec->epochs - 1) + 1 : INT_MAX;
}

static int part_normals(const Fit *fit, gboolean labels)
{
    return fit->part - (labels ? model_spec_part_anomalies(fit->spec) : 0);
}

static int64_t steps_of(const Fit *fit, gboolean labels)
{
    int64_t normals = (int64_t)part_normals(fit, labels) * fit->spec->shards;
    return (fit->split.trains + normals - 1) / normals;
}

int64_t fit_most_steps(const Fit *fit)
{
    return steps_of(fit, fit->spec->loss.labels);
}

/* Place `at` of the epoch gets tile `number` of an order that is gone through again and again; each time it is another variant. */
static void take(Fit *fit, int64_t at, int epoch, const int64_t *order, int64_t count, int64_t number)
{
    fit->order[at] = order[number % count];
    fit->variant[at] = features_variant(epoch, number / count);
}

void fit_begin_epoch(Fit *fit, int epoch)
{
    gboolean labels = epoch >= fit_first_labelled(fit->spec);
    int normals = part_normals(fit, labels), anomalies = fit->part - normals;
    int64_t parts = steps_of(fit, labels) * fit->spec->shards, normal = 0, anomaly = 0;
    int64_t at = 0;
    fit->composition = (LossBatch){normals * fit->spec->shards, anomalies * fit->spec->shards, labels};
    fit->steps = parts / fit->spec->shards;
    holdout_order(&fit->split, fit->spec->seed, epoch, fit->normal_order);
    if (labels) {
        holdout_order(&fit->anomalies, fit->spec->seed, epoch, fit->anomaly_order);
    }
    for (int64_t p = 0; p < parts; p++) {
        for (int i = 0; i < normals; i++) {
            take(fit, at++, epoch, fit->normal_order, fit->split.trains, normal++);
        }
        for (int i = 0; i < anomalies; i++) {
            take(fit, at++, epoch, fit->anomaly_order, fit->anomalies.trains, anomaly++);
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
        double sum = 0;
        for (int s = 0; s < fit->spec->shards; s++) {
            sum += fit->shards[s].head_gradient[i];
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

/* ---- judging ---- */

/* Scores of all judges, in the order of the recommended score. */
static void scores_of(const Fit *fit, double *score)
{
    int64_t normals = fit->split.holdouts;
    const gboolean logit = fit->spec->score == SCORE_LOGIT && fit->spec->loss.labels;
    for (int64_t i = 0; i < fit->judged; i++) {
        score[i] = fit->spec->score == SCORE_SCALES ? 0 : logit ? fit->holdout_logit[i] : fit->holdout_nll[i];
    }
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
        for (int64_t i = 0; i < fit->judged; i++) {
            score[i] += (value[i * SCALES] - mean) / sd;
        }
    }
}

gboolean fit_judge(const Fit *fit, EpochReport *report, GError **error)
{
    report->holdout_auroc = report->holdout_ap = report->holdout_f = NAN;
    if (fit->anomalies.holdouts == 0) {
        return TRUE;
    }
    g_autofree double *score = wsi_try_alloc(fit->judged, sizeof(double), "scores", error);
    g_autofree int *label = score ? wsi_try_alloc(fit->judged, sizeof(int), "labels", error) : NULL;
    Metrics metrics;
    if (!label) {
        return FALSE;
    }
    scores_of(fit, score);
    for (int64_t i = 0; i < fit->judged; i++) {
        label[i] = i >= fit->split.holdouts;
    }
    if (metrics_compute(score, label, (int)fit->judged, &metrics, NULL)) { /* not with a NaN */
        report->holdout_auroc = metrics.auroc;
        report->holdout_ap = metrics.average_precision;
        report->holdout_f = metrics_best_f(score, label, (int)fit->judged, fit->spec->loss.beta);
    }
    return TRUE;
}

double fit_criterion(const Fit *fit, const EpochReport *report)
{
    const double figures[] = {
        [SELECT_NLL] = fit->spec->loss.labels && !fit->composition.labels ? NAN : report->holdout_nll,
        [SELECT_F_BETA] = -report->holdout_f,
        [SELECT_AUROC] = -report->holdout_auroc,
        [SELECT_AP] = -report->holdout_ap,
    };
    return isfinite(report->holdout_nll) ? figures[fit->spec->loss.selection] : NAN;
}

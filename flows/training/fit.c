/* Training: Adam minimises the negative log-likelihood of normal tiles, with labels also the other terms of the loss (LossSpec).
 *
 * Invariants
 *  1. A batch is computed in `batch_parts` parts of equal size.  Each part has its own run and gradient.  Any thread may compute it,
 *     and gradients are added in the order of the parts: bits do not depend on threads.
 *  2. What an epoch does follows from (specification, tiles, state after the epoch before).  A checkpoint holds that state, so
 *     stopping and resuming changes nothing.
 *  3. The likelihood is NLL / D, as a mean over the normals of a batch; sums of z^2, log-determinants and norms are in double.
 *     A step whose loss or gradient is not finite changes nothing and is counted.
 *  4. Held-out tiles are never trained on.  Only the choice of the epoch and the calibration use them.
 *
 * The last batch of an epoch is filled up with the first tiles of its order, so all batches have one shape.  What labels
 * change is in fit_labels.c. */
#include "flows/training/fit_private.h"
#include "flows/files/fields.h"
#include "flows/scoring/calibrate.h"
#include "flows/training/initialise.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/pool.h"
#include <math.h>
#include <string.h>

/* ---- epochs ---- */

/* All epochs are done, or `patience` epochs passed without a better one. */
static gboolean finished(const Fit *fit)
{
    const TrainState *s = &fit->state;
    int labelled = fit->spec->loss.labels ? fit_first_labelled(fit->spec) - 1 : 0;
    int since = MAX(s->best_epoch, labelled); /* patience starts to run when all terms count */
    return s->epoch >= fit->spec->epochs ||
           (fit->spec->patience > 0 && s->epoch - since >= fit->spec->patience);
}

/* Keeps the parameters when the epoch is the best so far. */
static void keep_best(Fit *fit, const EpochReport *report)
{
    TrainState *s = &fit->state;
    double value = fit_criterion(fit, report); /* NAN never is the best */
    if (isfinite(value) && (s->best_epoch == 0 || value < s->best_value)) {
        s->best_epoch = report->epoch;
        s->best_value = value;
        memcpy(s->best, s->parameters, (size_t)s->trainable * sizeof(real));
        memcpy(s->head_best, s->head, HEAD_VALUES * sizeof(real));
    }
}

/* The steps of an epoch; the values of the report become means over the steps that were done. */
static gboolean all_steps(Fit *fit, EpochReport *report, GError **error)
{
    fit_begin_epoch(fit, report->epoch);
    if (!fit->composition.labels) {
        report->focal = report->centre = report->margin = NAN;
    }
    for (int64_t number = 0; number < fit->steps; number++) {
        if (!fit_step(fit, number, report, error)) {
            return FALSE;
        }
    }
    int64_t done = fit->steps - report->skipped_steps;
    if (done == 0) { /* every step was skipped */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "no step had a finite gradient; a lower learning_rate may help");
        return FALSE;
    }
    report->train_nll /= (double)done;
    report->focal /= (double)done;
    report->centre /= (double)done;
    report->margin /= (double)done;
    report->gradient_norm /= (double)done;
    return TRUE;
}

/* Trains, validates, watches for collapse, and writes the checkpoint. */
static gboolean epoch(Fit *fit, const char *fingerprint, GError **error)
{
    gint64 start = g_get_monotonic_time();
    EpochReport report = {.epoch = fit->state.epoch + 1};
    if (!all_steps(fit, &report, error) || !fit_holdout(fit, &report.holdout_nll, error) ||
        !fit_evaluate(fit, &report, error) || !fit_collapse(fit, &report.collapse, error) ||
        (fit_trains_pyramid(fit) && !collapse_check(&fit->state.start, &report.collapse, error))) {
        g_prefix_error(error, "epoch %d: ", report.epoch);
        return FALSE;
    }
    /* From here on the epoch counts: the checkpoint contains it before anybody hears of it. */
    fit->state.epoch = report.epoch;
    keep_best(fit, &report);
    report.seconds = (double)(g_get_monotonic_time() - start) * 1e-6;
    g_array_append_val(fit->state.history, report);
    if (fit->options->checkpoint &&
        !checkpoint_write(fit->options->checkpoint, fingerprint, &fit->state, error)) {
        return FALSE;
    }
    if (fit->options->reported && !fit->options->reported(fit->options->reported_data, &report)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_CANCELLED, "training was stopped after epoch %d",
                    report.epoch);
        return FALSE;
    }
    return TRUE;
}

/* ---- from a specification to a model ---- */

static gboolean allocate(Fit *fit, GError **error)
{
    TrainState *s = &fit->state;
    /* Parameters and head are those of the model itself: the state points to them. */
    s->parameters = msflow_parameters(fit->model->flow, &s->trainable, &s->all);
    s->history = fit->model->history;
    s->best_value = NAN;
    s->head = fit->model->head->values;
    s->head_best = g_new0(real, HEAD_VALUES);
    s->head_moment1 = g_new0(real, HEAD_TRAINABLE);
    s->head_moment2 = g_new0(real, HEAD_TRAINABLE);
    fit->head_gradient = g_new0(real, HEAD_TRAINABLE);
    fit->tile = g_new0(LossTile, fit->spec->batch);
    int64_t most = fit_most_steps(fit) * fit->spec->batch; /* positions of the longest epoch */
    return fit_parts_new(fit, error) &&
           (s->moment1 = wsi_try_alloc(s->trainable, sizeof(real), "Adam's moments", error)) &&
           (s->moment2 = wsi_try_alloc(s->trainable, sizeof(real), "Adam's moments", error)) &&
           (s->best = wsi_try_alloc(s->trainable, sizeof(real), "the best parameters", error)) &&
           (fit->order = wsi_try_alloc(most, sizeof(int64_t), "an order of tiles", error)) &&
           (fit->variant = wsi_try_alloc(most, sizeof(uint32_t), "an order of tiles", error)) &&
           (fit->holdout_nll = wsi_try_alloc(fit->held_count, sizeof(double), "hold-out scores", error)) &&
           (fit->holdout_logit = wsi_try_alloc(fit->held_count, sizeof(double), "hold-out scores", error)) &&
           (fit->holdout_scale =
                wsi_try_alloc(fit->held_count, SCALES * sizeof(double), "hold-out scores", error));
}

static void fit_clear(Fit *fit)
{
    fit_parts_free(fit);
    g_free(fit->order);
    g_free(fit->variant);
    g_free(fit->normal_order);
    g_free(fit->anomaly_order);
    g_free(fit->hard_order);
    g_free(fit->held);
    g_free(fit->tile);
    g_free(fit->head_gradient);
    g_free(fit->holdout_nll);
    g_free(fit->holdout_logit);
    g_free(fit->holdout_scale);
    g_free(fit->state.moment1);
    g_free(fit->state.moment2);
    g_free(fit->state.best);
    g_free(fit->state.head_best);
    g_free(fit->state.head_moment1);
    g_free(fit->state.head_moment2);
    features_free(fit->features);
    holdout_clear(&fit->normals);
    holdout_clear(&fit->anomalies);
}

/* SHA-256 of everything that decides the result.  The path of the weights does not, but their hash does. */
static void fingerprint(const Fit *fit, char hash[65])
{
    g_autoptr(json_t) spec = model_spec_write(fit->spec);
    json_object_del(spec, "weights"); /* a path */
    g_autofree char *settings = fields_text(spec);
    g_autofree char *text = g_strjoin("\n", settings, extractor_hash(fit->model->extractor),
                                      fit->model->kernels->name, features_hash(fit->features), NULL);
    durable_hash_bytes(text, strlen(text), hash);
}

/* *resumed: a checkpoint of the same training was found.  A checkpoint that cannot be read because of the system is an error:
 * starting from the beginning would throw hours away. */
static gboolean resume(Fit *fit, const char *print, gboolean *resumed, GError **error)
{
    const char *path = fit->options->checkpoint;
    GError *why = NULL;
    FileKind kind = FILE_ABSENT;
    *resumed = FALSE;
    if (path && !listing_kind(path, &kind, error)) {
        return FALSE;
    }
    if (kind == FILE_ABSENT) {
        return TRUE;
    }
    *resumed = checkpoint_read(path, print, &fit->state, &why);
    if (why && wsi_error_is_system(why)) {
        g_propagate_error(error, why);
        return FALSE;
    }
    if (why) { /* broken, or of another training */
        g_message("training starts from the beginning: %s", why->message);
        g_clear_error(&why);
        return TRUE;
    }
    msflow_refresh(fit->model->flow);
    g_info("training resumes after epoch %d of %s", fit->state.epoch, path);
    return TRUE;
}

static gboolean train_laterals(void *data, GError **error)
{
    return fit_pyramid(data, error);
}

/* Everything before the first gradient step. */
static gboolean start(Fit *fit, GError **error)
{
    InitialiseSpec spec = {
        .flow = fit->model->flow,
        .kernels = fit->model->kernels,
        .features = fit->features,
        .tiles = fit->normal_order,
        .count = fit->normals.train_count,
        .batch = fit->part_tiles,
        .threads = fit->threads,
        .pin = fit->pin,
    };
    if (fit->spec->flow.fpn == FPN_TWO_PHASE) {
        spec.train_laterals = train_laterals;
        spec.data = fit;
    }
    holdout_order(&fit->normals, fit->spec->seed, 0, fit->normal_order); /* "epoch 0": an order of its own */
    return initialise_flow(&spec, error) && fit_collapse(fit, &fit->state.start, error) &&
           (!fit_trains_pyramid(fit) || collapse_check(&fit->state.start, &fit->state.start, error));
}

/* Channels and calibration, both for the parameters of the best epoch. */
static gboolean calibrate(Fit *fit, GError **error)
{
    return fit_channels(fit, error) &&
           model_calibrate(fit->model, fit->tiles, fit->normals.held, fit->normals.held_count,
                           fit->anomalies.held, fit->anomalies.held_count, fit->threads, error);
}

/* From the start or the checkpoint to a calibrated model. */
static gboolean train(Fit *fit, GError **error)
{
    TrainState *s = &fit->state;
    char print[65];
    fingerprint(fit, print);
    gboolean resumed;
    if (!resume(fit, print, &resumed, error) || (!resumed && !start(fit, error))) {
        return FALSE;
    }
    while (!finished(fit)) {
        if (!epoch(fit, print, error)) {
            return FALSE;
        }
    }
    if (s->best_epoch == 0) { /* no epoch could be chosen */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "training diverged: the hold-out NLL was never finite; a lower learning_rate may help");
        return FALSE;
    }
    /* The model is that of the best epoch. */
    memcpy(s->parameters, s->best, (size_t)s->trainable * sizeof(real));
    memcpy(s->head, s->head_best, HEAD_VALUES * sizeof(real));
    msflow_refresh(fit->model->flow);
    fit->model->best_epoch = s->best_epoch;
    g_strlcpy(fit->model->tiles_hash, features_hash(fit->features), sizeof fit->model->tiles_hash);
    return calibrate(fit, error);
}

/* The training tiles that fit_collapse measures: normals, evenly chosen. */
static void choose_sample(Fit *fit)
{
    int64_t most = MIN(fit->normals.train_count, (int64_t)G_N_ELEMENTS(fit->sample));
    for (int64_t i = 0; i < most; i++) {
        fit->sample[fit->sampled++] = fit->normals.train[i * fit->normals.train_count / most];
    }
}

/* Contradictions that would otherwise end the training only after hours. */
static gboolean check(const Fit *fit, GError **error)
{
    const ThresholdSpec *threshold = &fit->spec->threshold;
    if (fit->spec->augmented && fit->options->cache == FEATURES_FILE) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "features cannot be kept in a file with augmentation: each epoch sees other tiles");
        return FALSE;
    }
    if (threshold_needs_anomalies(threshold) && !fit->tiles->anomaly) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "a threshold by %s needs labelled anomalies among the tiles, and there are none",
                    threshold_modes[threshold->mode]);
        return FALSE;
    }
    return threshold_check(threshold, error);
}

/* Hold-out, buffers and features. */
static gboolean prepare(Fit *fit, GError **error)
{
    const ModelSpec *spec = fit->spec;
    if (!check(fit, error)) {
        return FALSE;
    }
    FeaturesSpec features = {
        .extractor = fit->model->extractor,
        .kernels = fit->model->kernels,
        .tiles = fit->tiles,
        .pad = spec->extractor.pad,
        .tile_size = spec->tile_size,
        .batch = fit->part_tiles,
        .workers = MAX(fit->threads, 1),
        .cache = fit->options->cache,
        .cache_bytes = fit->options->cache_bytes,
        .file = fit->options->feature_file,
        .half = spec->half_features,
        .seed = spec->seed,
    };
    if (!fit_split(fit, error)) {
        return FALSE;
    }
    fit_count_hard(fit);
    fit->dimensions = msflow_dimensions(fit->model->flow);
    fit->adam = adam_default();
    if (!allocate(fit, error)) {
        return FALSE;
    }
    if (spec->augmented) { /* training tiles change each time: keep the held-out ones, which do not */
        features.augment = &spec->augment;
        features.first = fit->held;
        features.first_count = fit->held_count;
    }
    fit->features = features_new(&features, error);
    /* Copies are known by the digests of the features. */
    if (!fit->features || !fit_leave_repeats(fit, error)) {
        return FALSE;
    }
    fit_count_hard(fit);
    choose_sample(fit);
    return TRUE;
}

Model *model_fit(const ModelSpec *spec, const TileSet *tiles, const FitOptions *options, GError **error)
{
    /* Before anything is prepared.  A broken checkpoint is reported by resume(). */
    if (options->checkpoint && !checkpoint_impose_choices(options->checkpoint, error)) {
        return NULL;
    }
    g_autoptr(Model) model = model_prepare(spec, error);
    if (!model) {
        return NULL;
    }
    Fit fit = {
        .spec = &model->spec,
        .options = options,
        .model = model,
        .tiles = tiles,
        .threads = MAX(options->threads, 1),
        .part_tiles = model->spec.batch / model->spec.batch_parts,
    };
    fit.pin = fit.threads == pool_processors();
    gboolean ok = prepare(&fit, error) && train(&fit, error);
    fit_clear(&fit);
    return ok ? g_steal_pointer(&model) : NULL;
}

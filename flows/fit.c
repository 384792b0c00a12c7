/* Training: negative log-likelihood of normal tiles by Adam (models.md A.8, A.9).
 *
 * Invariants
 *  1. A batch is computed in `shards` parts of equal size.  Each part has its own run and gradient, any thread may compute
 *     it, and gradients are added in the order of the parts: bits do not depend on threads.
 *  2. What an epoch does follows from (specification, tiles, state after the epoch before).  The state is what a checkpoint
 *     holds, so stopping and resuming changes nothing.
 *  3. The loss is NLL / D, the mean over the batch; sums of z^2, log-determinants and norms are in double.  A step whose loss
 *     or gradient is not finite changes nothing and is counted.
 *  4. Held-out tiles are never trained on, and nothing is fitted to them but the choice of the epoch and the calibration.
 *
 * The last batch of an epoch is filled up with the first tiles of its order, so all batches have one shape. */
#include "flows/adam.h"
#include "flows/checkpoint.h"
#include "flows/initialise.h"
#include "flows/model_private.h"
#include "flows/split.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/pool.h"
#include <math.h>
#include <string.h>

#define CACHE_BYTES ((int64_t)2 << 30)
#define CHUNK 65536 /* parameters that one work item of the optimiser takes */

typedef struct {
    MsflowRun *run;
    real *gradient; /* trainable */
    real *dz[SCALES];
    double *logdet, *dlogdet; /* one a tile */
    double nll;               /* sum over the tiles of the part, per dimension */
} Shard;

typedef struct {
    const ModelSpec *spec;
    const FitOptions *options;
    Model *model;
    const TileSet *tiles;
    int threads, part; /* part: tiles of a shard */
    gboolean pin;
    int64_t dimensions, steps; /* of one tile; of one epoch */
    Split split;
    Features *features;
    Shard *shards;
    TrainState state;
    int64_t *order;       /* of the epoch, filled up to whole batches */
    double *holdout_nll;  /* one a held-out tile */
    double *square;       /* sum of squares of each chunk of the gradient */
    const int64_t *batch; /* tiles of the current step */
    Adam adam;
    double scale; /* clip coefficient of the current step */
} Fit;

static gboolean parallel(const Fit *fit, int64_t count, PoolWork work, void *data, GError **error)
{
    return pool_run(fit->threads, fit->pin, count, work, data, error);
}

/* ---- one step ---- */

/* 0.5 sum z^2 of tile b over all scales; with `gradient` also its part of dL/dz. */
static double half_squares(const Fit *fit, Shard *shard, const real *const z[SCALES], int b,
                           gboolean gradient)
{
    const Msflow *flow = fit->model->flow;
    const real factor = (real)(1.0 / ((double)fit->spec->batch * (double)fit->dimensions));
    double sum = 0;
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(flow, l);
        int64_t count = (int64_t)side * side * msflow_latent_channels(flow, l);
        const real *at = z[l] + b * count;
        sum += adam_sum_of_squares(at, count);
        real *to = shard->dz[l] + b * count;
        for (int64_t i = 0; gradient && i < count; i++) {
            to[i] = factor * at[i];
        }
    }
    return 0.5 * sum;
}

static gboolean shard_step(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    Shard *shard = &fit->shards[index];
    const real *maps[SCALES], *z[SCALES];
    if (!features_get(fit->features, worker, fit->batch + index * fit->part, fit->part, maps, error)) {
        return FALSE;
    }
    msflow_forward_pooled(shard->run, maps, z, shard->logdet);
    shard->nll = 0;
    for (int b = 0; b < fit->part; b++) {
        shard->nll += (half_squares(fit, shard, z, b, TRUE) - shard->logdet[b]) / (double)fit->dimensions;
        shard->dlogdet[b] = -1.0 / ((double)fit->spec->batch * (double)fit->dimensions);
    }
    memset(shard->gradient, 0, (size_t)fit->state.trainable * sizeof(real));
    msflow_backward(shard->run, (const real *const *)shard->dz, shard->dlogdet, shard->gradient);
    return TRUE;
}

static int64_t chunks(const Fit *fit)
{
    return (fit->state.trainable + CHUNK - 1) / CHUNK;
}

/* Adds the gradients of all parts to that of the first. */
static gboolean add_chunk(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    int64_t first = index * CHUNK, count = MIN(CHUNK, fit->state.trainable - first);
    real *sum = fit->shards[0].gradient + first;
    for (int s = 1; s < fit->spec->shards; s++) {
        const real *part = fit->shards[s].gradient + first;
        for (int64_t i = 0; i < count; i++) {
            sum[i] += part[i];
        }
    }
    fit->square[index] = adam_sum_of_squares(sum, count);
    return TRUE;
}

static gboolean update_chunk(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    TrainState *s = &fit->state;
    int64_t first = index * CHUNK, count = MIN(CHUNK, s->trainable - first);
    adam_step(&fit->adam, s->step, count, fit->shards[0].gradient + first, fit->scale, s->parameters + first,
              s->moment1 + first, s->moment2 + first);
    return TRUE;
}

/* Linear from a tenth during the warm-up, then a cosine down to a hundredth. at: steps done of all epochs. */
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

/* One batch: adds to the sums of the report. */
static gboolean step(Fit *fit, int64_t number, EpochReport *report, GError **error)
{
    double nll = 0, squares = 0;
    fit->batch = fit->order + number * fit->spec->batch;
    if (!parallel(fit, fit->spec->shards, shard_step, fit, error) ||
        !parallel(fit, chunks(fit), add_chunk, fit, error)) {
        return FALSE;
    }
    for (int s = 0; s < fit->spec->shards; s++) {
        nll += fit->shards[s].nll;
    }
    for (int64_t c = 0; c < chunks(fit); c++) {
        squares += fit->square[c];
    }
    report->learning_rate = learning_rate(fit, (double)(fit->state.epoch * fit->steps + number));
    if (!isfinite(nll) || !isfinite(squares)) {
        report->skipped_steps++;
        return TRUE;
    }
    report->train_nll += nll / fit->spec->batch;
    report->gradient_norm += sqrt(squares);
    fit->scale = adam_clip(sqrt(squares), fit->spec->clip);
    fit->adam.learning_rate = report->learning_rate;
    fit->state.step++;
    gboolean ok = parallel(fit, chunks(fit), update_chunk, fit, error);
    msflow_refresh(fit->model->flow);
    return ok;
}

/* ---- hold-out ---- */

/* NLL / D of one part of the held-out tiles; the runs of the shards serve, one a thread. */
static gboolean holdout_part(int64_t index, int worker, void *data, GError **error)
{
    Fit *fit = data;
    Shard *shard = &fit->shards[worker];
    const real *maps[SCALES], *z[SCALES];
    int64_t first = index * fit->part;
    int count = (int)MIN(fit->part, fit->split.holdouts - first);
    if (!features_get(fit->features, worker, fit->split.holdout + first, count, maps, error)) {
        return FALSE;
    }
    msflow_forward_pooled(shard->run, maps, z, shard->logdet);
    for (int b = 0; b < count; b++) {
        double half = half_squares(fit, shard, z, b, FALSE);
        fit->holdout_nll[first + b] = (half - shard->logdet[b]) / (double)fit->dimensions;
    }
    return TRUE;
}

static gboolean holdout_nll(Fit *fit, double *mean, GError **error)
{
    int64_t parts = (fit->split.holdouts + fit->part - 1) / fit->part;
    if (!pool_run(MIN(fit->threads, fit->spec->shards), fit->pin, parts, holdout_part, fit, error)) {
        return FALSE;
    }
    *mean = 0;
    for (int64_t i = 0; i < fit->split.holdouts; i++) {
        *mean += fit->holdout_nll[i];
    }
    *mean /= (double)fit->split.holdouts;
    return TRUE;
}

/* ---- epochs ---- */

static gboolean finished(const Fit *fit)
{
    const TrainState *s = &fit->state;
    return s->epoch >= fit->spec->epochs ||
           (fit->spec->patience > 0 && s->epoch - s->best_epoch >= fit->spec->patience);
}

static void keep_best(Fit *fit, const EpochReport *report)
{
    TrainState *s = &fit->state;
    if (isfinite(report->holdout_nll) && (s->best_epoch == 0 || report->holdout_nll < s->best_nll)) {
        s->best_epoch = report->epoch;
        s->best_nll = report->holdout_nll;
        memcpy(s->best, s->parameters, (size_t)s->trainable * sizeof(real));
    }
}

static gboolean all_steps(Fit *fit, EpochReport *report, GError **error)
{
    int64_t tiles = fit->steps * fit->spec->batch;
    split_order(&fit->split, fit->spec->seed, report->epoch, fit->order);
    for (int64_t i = fit->split.trains; i < tiles; i++) {
        fit->order[i] = fit->order[i - fit->split.trains];
    }
    for (int64_t number = 0; number < fit->steps; number++) {
        if (!step(fit, number, report, error)) {
            return FALSE;
        }
    }
    int64_t done = fit->steps - report->skipped_steps;
    if (done == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "epoch %d: no step had a finite gradient; a lower learning_rate may help", report->epoch);
        return FALSE;
    }
    report->train_nll /= (double)done;
    report->gradient_norm /= (double)done;
    return TRUE;
}

static gboolean epoch(Fit *fit, const char *fingerprint, GError **error)
{
    gint64 start = g_get_monotonic_time();
    EpochReport report = {.epoch = fit->state.epoch + 1};
    if (!all_steps(fit, &report, error) || !holdout_nll(fit, &report.holdout_nll, error)) {
        return FALSE;
    }
    fit->state.epoch = report.epoch;
    keep_best(fit, &report);
    report.seconds = (double)(g_get_monotonic_time() - start) * 1e-6;
    g_array_append_val(fit->state.history, report);
    if (fit->options->checkpoint &&
        !checkpoint_write(fit->options->checkpoint, fingerprint, &fit->state, error)) {
        return FALSE;
    }
    if (fit->options->told && !fit->options->told(fit->options->told_data, &report)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_CANCELLED, "training was stopped after epoch %d",
                    report.epoch);
        return FALSE;
    }
    return TRUE;
}

/* ---- from a specification to a model ---- */

static gboolean shard_init(const Fit *fit, Shard *shard, GError **error)
{
    const Msflow *flow = fit->model->flow;
    shard->run = msflow_run_new(flow, fit->model->kernels, fit->part, TRUE, error);
    shard->gradient =
        shard->run ? wsi_try_alloc(fit->state.trainable, sizeof(real), "a gradient", error) : NULL;
    shard->logdet = g_new0(double, fit->part);
    shard->dlogdet = g_new0(double, fit->part);
    gboolean ok = shard->gradient != NULL;
    for (int l = 0; ok && l < SCALES; l++) {
        int side = msflow_latent_size(flow, l);
        size_t tile = (size_t)side * side * msflow_latent_channels(flow, l) * sizeof(real);
        shard->dz[l] = wsi_try_alloc(fit->part, tile, "gradients of latents", error);
        ok = shard->dz[l] != NULL;
    }
    return ok;
}

static gboolean allocate(Fit *fit, GError **error)
{
    TrainState *s = &fit->state;
    s->parameters = msflow_parameters(fit->model->flow, &s->trainable, &s->all);
    s->history = fit->model->history;
    s->best_nll = NAN;
    fit->shards = g_new0(Shard, fit->spec->shards);
    fit->square = g_new0(double, chunks(fit));
    for (int i = 0; i < fit->spec->shards; i++) {
        if (!shard_init(fit, &fit->shards[i], error)) {
            return FALSE;
        }
    }
    return (s->moment1 = wsi_try_alloc(s->trainable, sizeof(real), "Adam's moments", error)) &&
           (s->moment2 = wsi_try_alloc(s->trainable, sizeof(real), "Adam's moments", error)) &&
           (s->best = wsi_try_alloc(s->trainable, sizeof(real), "the best parameters", error)) &&
           (fit->order =
                wsi_try_alloc(fit->steps * fit->spec->batch, sizeof(int64_t), "an order of tiles", error)) &&
           (fit->holdout_nll = wsi_try_alloc(fit->split.holdouts, sizeof(double), "hold-out figures", error));
}

static void fit_clear(Fit *fit)
{
    for (int i = 0; fit->shards && i < fit->spec->shards; i++) {
        Shard *shard = &fit->shards[i];
        g_clear_pointer(&shard->run, msflow_run_free);
        g_free(shard->gradient);
        g_free(shard->logdet);
        g_free(shard->dlogdet);
        for (int l = 0; l < SCALES; l++) {
            g_free(shard->dz[l]);
        }
    }
    g_free(fit->shards);
    g_free(fit->square);
    g_free(fit->order);
    g_free(fit->holdout_nll);
    g_free(fit->state.moment1);
    g_free(fit->state.moment2);
    g_free(fit->state.best);
    features_free(fit->features);
    split_clear(&fit->split);
}

/* SHA-256 of all that decides the result. The path of the weights does not; their hash does. */
static void fingerprint(const Fit *fit, char hash[65])
{
    g_autoptr(json_t) spec = model_spec_write(fit->spec);
    json_object_del(spec, "weights");
    g_autofree char *settings = fields_text(spec);
    g_autofree char *text = g_strjoin("\n", settings, extractor_hash(fit->model->extractor),
                                      fit->model->kernels->name, features_hash(fit->features), NULL);
    durable_hash_bytes(text, strlen(text), hash);
}

/* TRUE when a checkpoint of this very training was found. */
static gboolean resume(Fit *fit, const char *print)
{
    const char *path = fit->options->checkpoint;
    g_autoptr(GError) why = NULL;
    if (!path || !g_file_test(path, G_FILE_TEST_EXISTS)) {
        return FALSE;
    }
    if (!checkpoint_read(path, print, &fit->state, &why)) {
        g_message("training starts anew: %s", why->message);
        return FALSE;
    }
    msflow_refresh(fit->model->flow);
    g_info("training goes on after epoch %d of %s", fit->state.epoch, path);
    return TRUE;
}

static gboolean start(Fit *fit, GError **error)
{
    InitialiseSpec spec = {
        .flow = fit->model->flow,
        .kernels = fit->model->kernels,
        .features = fit->features,
        .tiles = fit->order,
        .count = fit->split.trains,
        .batch = fit->part,
        .threads = fit->threads,
        .pin = fit->pin,
    };
    split_order(&fit->split, fit->spec->seed, 0, fit->order);
    return initialise_flow(&spec, error);
}

static gboolean train(Fit *fit, GError **error)
{
    TrainState *s = &fit->state;
    char print[65];
    fingerprint(fit, print);
    if (!resume(fit, print) && !start(fit, error)) {
        return FALSE;
    }
    while (!finished(fit)) {
        if (!epoch(fit, print, error)) {
            return FALSE;
        }
    }
    if (s->best_epoch == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "training diverged: the hold-out NLL was never finite; a lower learning_rate may help");
        return FALSE;
    }
    memcpy(s->parameters, s->best, (size_t)s->trainable * sizeof(real));
    msflow_refresh(fit->model->flow);
    fit->model->best_epoch = s->best_epoch;
    g_strlcpy(fit->model->tiles_hash, features_hash(fit->features), sizeof fit->model->tiles_hash);
    return model_calibrate(fit->model, fit->tiles, fit->split.holdout, fit->split.holdouts, fit->threads,
                           error);
}

static gboolean prepare(Fit *fit, GError **error)
{
    const ModelSpec *spec = fit->spec;
    FeaturesSpec features = {
        .extractor = fit->model->extractor,
        .kernels = fit->model->kernels,
        .tiles = fit->tiles,
        .tile_size = spec->tile_size,
        .batch = fit->part,
        .workers = MAX(fit->threads, 1),
        .cache_bytes = fit->options->cache_bytes > 0 ? fit->options->cache_bytes : CACHE_BYTES,
    };
    if (!split_make(fit->tiles->count, fit->tiles->group, spec->holdout, spec->seed, &fit->split, error)) {
        return FALSE;
    }
    fit->steps = (fit->split.trains + spec->batch - 1) / spec->batch;
    fit->dimensions = msflow_dimensions(fit->model->flow);
    fit->adam = adam_default();
    if (!allocate(fit, error)) {
        return FALSE;
    }
    fit->features = features_new(&features, error);
    return fit->features != NULL;
}

Model *model_fit(const ModelSpec *spec, const TileSet *normals, const FitOptions *options, GError **error)
{
    if (options->checkpoint) {
        checkpoint_impose_choices(
            options->checkpoint); /* one that is broken is reported when it is to be resumed */
    }
    g_autoptr(Model) model = model_prepare(spec, error);
    if (!model) {
        return NULL;
    }
    Fit fit = {
        .spec = &model->spec,
        .options = options,
        .model = model,
        .tiles = normals,
        .threads = MAX(options->threads, 1),
        .part = model->spec.batch / model->spec.shards,
    };
    fit.pin = fit.threads == pool_processors();
    gboolean ok = prepare(&fit, error) && train(&fit, error);
    fit_clear(&fit);
    return ok ? g_steal_pointer(&model) : NULL;
}

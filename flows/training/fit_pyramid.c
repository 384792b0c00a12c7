/* What is trained before the flows: watching it, and the first phase of a two-phase pyramid.
 *
 * In that phase the laterals learn to separate anomalies from normals, with a linear head and the focal loss.  Then they are
 * frozen, and the flows are trained by the likelihood of normals, whose gradient never reaches them.
 *   logit = b + sum over scales and channels of  u mean(P) + v mean(P^2),   P: output of the pyramid, means over positions
 * The squares are needed: a lateral is linear, so without them the head would see only mean colours and mean textures.
 *
 * Every other position of a batch takes a labelled anomaly, where there are any.  Otherwise it takes a synthetic anomaly made
 * from a normal: the features of each position come from a random position of the same tile or of the next one in the batch, for
 * each scale separately, plus noise of a quarter of each feature's deviation.  So the laterals learn to keep how neighbouring
 * positions and scales agree, and the features in which normal tissue hardly varies.
 *
 * The head is not kept.  The phase is short and has no checkpoint: a training that is killed in it starts it again.  As in
 * fit_step.c, gradients are added in the order of the parts; random numbers are named by epoch and position, never by thread. */
#include "flows/training/fit_private.h"
#include "flows/training/losses.h"
#include "flows/kernels/squares.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define NOISE 0.25 /* of a synthetic anomaly, in deviations of the feature */

gboolean fit_trains_pyramid(const Fit *fit)
{
    return fit->spec->flow.fpn == FPN_ORTHOGONAL || fit->spec->flow.fpn == FPN_TWO_PHASE;
}

gboolean fit_collapse(Fit *fit, Collapse *now, GError **error)
{
    *now = collapse_none();
    if (!fit_trains_pyramid(fit)) {
        return TRUE;
    }
    g_autoptr(CollapseSums) sums = collapse_sums_new(fit->model->flow, error);
    for (int first = 0; sums && first < fit->sampled; first += fit->part_tiles) {
        const real *maps[SCALES], *y[SCALES];
        int count = MIN(fit->part_tiles, fit->sampled - first);
        if (!features_get(fit->features, 0, fit->sample + first, count, maps, error)) {
            return FALSE;
        }
        msflow_input_pooled(fit->parts[0].run, maps, y);
        collapse_sums_add(sums, count, y);
    }
    if (sums) { /* over the same tiles each time */
        *now = collapse_sums_end(sums, fit->model->flow);
    }
    return sums != NULL;
}

/* ---- the first phase ---- */

typedef struct {
    real *maps[SCALES]; /* (part, side, side, features) of its tiles, with the synthetic anomalies */
    real *dy[SCALES];   /* (part, side, side, channels) */
    real *gradient;     /* laterals, then head */
    double loss;
} PyramidPart;

typedef struct {
    Fit *fit;
    PyramidPart *parts;
    int64_t length[SCALES];            /* numbers of one tile */
    int64_t at[SCALES], head, count;   /* where laterals and head begin in the flat arrays */
    real *weights, *moment1, *moment2; /* weights: of the head alone */
    GArray *normals, *anomalies;       /* int64_t */
    int64_t *normal, *anomaly, *batch; /* orders of the epoch; tiles of the step */
    uint32_t *variant;                 /* of the tiles of the step */
    int epoch;
    int64_t number; /* of the step in the epoch */
} Phase;

/* Whether a position of the batch takes an anomaly: every other one of the epoch. */
static gboolean is_strange(const Phase *p, int64_t position)
{
    return (p->number * p->fit->spec->batch + position) % 2 == 1;
}

/* A tile of a part becomes a synthetic anomaly.  from: the features of the part, (part, side, side, features). */
static void make_strange(const Phase *p, PyramidPart *part, int64_t position, const real *const from[SCALES])
{
    const Msflow *flow = p->fit->model->flow;
    int tiles = p->fit->part_tiles, slot = (int)(position % tiles);
    int64_t draw = p->number * p->fit->spec->batch + position;
    Rng rng = rng_at(p->fit->spec->seed, rng_name("pyramid.strange") ^ (uint64_t)draw, (uint32_t)p->epoch);
    for (int l = 0; l < SCALES; l++) {
        int c = msflow_spec(flow)->channels[l];
        uint32_t pixels = (uint32_t)(p->length[l] / c);
        const real *deviation = msflow_feature_deviation(flow, l);
        real *to = part->maps[l] + slot * p->length[l];
        for (uint32_t i = 0; i < pixels; i++, to += c) { /* each position from a random one of two tiles */
            int tile = (slot + (rng_uniform(&rng) < 0.5)) % tiles;
            const real *source = from[l] + tile * p->length[l] + (int64_t)rng_below(&rng, pixels) * c;
            for (int k = 0; k < c; k++) {
                to[k] = source[k] + (real)(NOISE * (double)deviation[k] * rng_normal(&rng));
            }
        }
    }
}

/* The logit of tile `slot`.  The weights are, for each scale, u and v of all channels, and b at the end. */
static double head_forward(const Phase *p, const real *const y[SCALES], int slot)
{
    const Msflow *flow = p->fit->model->flow;
    const real *u = p->weights;
    double logit = 0;
    for (int l = 0; l < SCALES; l++) {
        int c = msflow_latent_channels(flow, l), side = msflow_latent_size(flow, l), pixels = side * side;
        const real *map = y[l] + (int64_t)slot * pixels * c;
        for (int64_t i = 0; i < (int64_t)pixels * c; i++) {
            double v = (double)map[i];
            logit += ((double)u[i % c] + (double)u[c + i % c] * v) * v / pixels;
        }
        u += 2 * c;
    }
    return logit + (double)*u;
}

/* With slope = dL/dlogit: dL/dP = slope (u + 2 v P) / positions, dL/du = slope mean(P), dL/dv = slope mean(P^2). */
static void head_backward(const Phase *p, PyramidPart *part, const real *const y[SCALES], int slot,
                          double slope)
{
    const Msflow *flow = p->fit->model->flow;
    const real *u = p->weights;
    real *du = part->gradient + p->head;
    for (int l = 0; l < SCALES; l++) {
        int c = msflow_latent_channels(flow, l), side = msflow_latent_size(flow, l), pixels = side * side;
        int64_t first = (int64_t)slot * pixels * c;
        double per_position = slope / pixels;
        for (int64_t i = 0; i < (int64_t)pixels * c; i++) {
            int64_t k = i % c;
            double v = (double)y[l][first + i];
            part->dy[l][first + i] = (real)(per_position * ((double)u[k] + 2 * (double)u[c + k] * v));
            du[k] += (real)(per_position * v);
            du[c + k] += (real)(per_position * v * v);
        }
        u += 2 * c;
        du += 2 * c;
    }
    *du += (real)slope;
}

/* Forward, loss and backward of one part of the batch. */
static gboolean part_step(int64_t index, int worker, void *data, GError **error)
{
    Phase *p = data;
    Fit *fit = p->fit;
    PyramidPart *part = &p->parts[index];
    const LossSpec *loss = &fit->spec->loss;
    const real *maps[SCALES], *y[SCALES];
    real *dlateral[SCALES];
    const int64_t first = index * fit->part_tiles;
    if (!features_get_variants(fit->features, worker, p->batch + first, p->variant + first, fit->part_tiles,
                               maps, error)) {
        return FALSE;
    }
    for (int l = 0; l < SCALES; l++) {
        memcpy(part->maps[l], maps[l], (size_t)(fit->part_tiles * p->length[l]) * sizeof(real));
        dlateral[l] = part->gradient + p->at[l];
    }
    for (int b = 0; b < fit->part_tiles && p->anomalies->len == 0; b++) {
        if (is_strange(p, index * fit->part_tiles + b)) {
            make_strange(p, part, index * fit->part_tiles + b, maps);
        }
    }
    memset(part->gradient, 0, (size_t)p->count * sizeof(real));
    part->loss = 0;
    msflow_input_pooled(fit->parts[index].run, (const real *const *)part->maps, y);
    for (int b = 0; b < fit->part_tiles; b++) {
        double slope, logit = head_forward(p, y, b);
        int label = is_strange(p, index * fit->part_tiles + b);
        part->loss += loss_focal(logit, label, loss->focal_alpha, loss->focal_gamma, &slope);
        head_backward(p, part, y, b, slope / fit->spec->batch);
    }
    msflow_input_backward(fit->parts[index].run, (const real *const *)part->dy, dlateral);
    return TRUE;
}

/* The tiles of the step: every other one is an anomaly, where there are any. */
static void choose_batch(Phase *p)
{
    for (int64_t k = 0; k < p->fit->spec->batch; k++) {
        gboolean anomaly = is_strange(p, k) && p->anomalies->len > 0;
        int64_t position = (p->number * p->fit->spec->batch + k) / (anomaly ? 2 : 1);
        int64_t count = anomaly ? p->anomalies->len : p->normals->len;
        /* Orders repeat when they are used up, with another variant of each tile. */
        p->batch[k] = (anomaly ? p->anomaly : p->normal)[position % count];
        p->variant[k] = features_variant(p->epoch, position / count);
    }
}

/* Adam on head and laterals. */
static void update(Phase *p, int64_t step)
{
    Fit *fit = p->fit;
    Msflow *flow = fit->model->flow;
    real *gradient = p->parts[0].gradient;
    Adam adam = fit->adam;
    for (int s = 1; s < fit->spec->batch_parts; s++) { /* in the order of the parts */
        for (int64_t i = 0; i < p->count; i++) {
            gradient[i] += p->parts[s].gradient[i];
        }
    }
    double norm = sqrt(squares_sum(gradient, p->count)), scale = adam_clip(norm, fit->spec->clip);
    if (!isfinite(norm)) { /* skip the step */
        return;
    }
    adam.learning_rate = fit->spec->learning_rate;
    adam_step(&adam, step, p->count - p->head, gradient + p->head, scale, p->weights, p->moment1 + p->head,
              p->moment2 + p->head);
    adam.learning_rate *= fit->spec->fpn_rate; /* the laterals move more slowly than the head */
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (l < SCALES - 1 ? p->at[l + 1] : p->head) - p->at[l], at = p->at[l];
        adam_step(&adam, step, count, gradient + at, scale, msflow_laterals(flow, l), p->moment1 + at,
                  p->moment2 + at);
    }
    msflow_refresh(flow);
}

/* A random order of the epoch, by a stream with a name of its own. */
static void shuffle(const Phase *p, const GArray *tiles, const char *name, int64_t *order)
{
    Rng rng = rng_at(p->fit->spec->seed, rng_name(name), (uint32_t)p->epoch);
    g_autofree uint32_t *permutation = g_new(uint32_t, tiles->len + 1);
    rng_permutation(&rng, permutation, tiles->len);
    for (guint i = 0; i < tiles->len; i++) {
        order[i] = g_array_index(tiles, int64_t, permutation[i]);
    }
}

/* Every normal once; anomalies as often as they are needed. */
static gboolean phase_epoch(Phase *p, const Collapse *start, GError **error)
{
    Fit *fit = p->fit;
    Collapse now;
    double loss = 0;
    int64_t steps = ((int64_t)p->normals->len + fit->spec->batch - 1) / fit->spec->batch;
    shuffle(p, p->normals, "pyramid.normals", p->normal);
    shuffle(p, p->anomalies, "pyramid.anomalies", p->anomaly);
    for (p->number = 0; p->number < steps; p->number++) {
        choose_batch(p);
        if (!pool_run(fit->threads, fit->pin, fit->spec->batch_parts, part_step, p, error)) {
            return FALSE;
        }
        for (int s = 0; s < fit->spec->batch_parts; s++) {
            loss += p->parts[s].loss / (double)(steps * fit->spec->batch);
        }
        update(p, (p->epoch - 1) * steps + p->number + 1);
    }
    if (!fit_collapse(fit, &now, error)) {
        return FALSE;
    }
    g_info("pyramid, epoch %d/%d: focal loss %.4f, effective rank %.1f %.1f %.1f, smallest deviation %.2f "
           "%.2f %.2f, smallest singular value %.3f %.3f %.3f",
           p->epoch, fit->spec->fpn_epochs, loss, now.rank[0], now.rank[1], now.rank[2], now.deviation[0],
           now.deviation[1], now.deviation[2], now.singular[0], now.singular[1], now.singular[2]);
    if (!collapse_check(start, &now, error)) {
        g_prefix_error(error, "first phase, epoch %d: ", p->epoch);
        return FALSE;
    }
    return TRUE;
}

/* ---- buffers ---- */

/* The training tiles of both classes, and buffers for their orders. */
static void gather(Phase *p)
{
    const Fit *fit = p->fit;
    /* In the order of the tiles; shuffle() gives each epoch another. */
    g_array_append_vals(p->normals, fit->normals.train, (guint)fit->normals.train_count);
    g_array_append_vals(p->anomalies, fit->anomalies.train, (guint)fit->anomalies.train_count);
    p->normal = g_new(int64_t, p->normals->len + 1);
    p->anomaly = g_new(int64_t, p->anomalies->len + 1);
    p->batch = g_new(int64_t, fit->spec->batch);
    p->variant = g_new(uint32_t, fit->spec->batch);
}

static gboolean part_init(const Phase *p, PyramidPart *part, GError **error)
{
    const Msflow *flow = p->fit->model->flow;
    size_t tiles = (size_t)p->fit->part_tiles;
    gboolean ok =
        (part->gradient = wsi_try_alloc((size_t)p->count, sizeof(real), "a gradient", error)) != NULL;
    for (int l = 0; l < SCALES && ok; l++) {
        size_t side = (size_t)msflow_latent_size(flow, l),
               y = side * side * (size_t)msflow_latent_channels(flow, l);
        ok = (part->maps[l] = wsi_try_alloc(tiles, (size_t)p->length[l] * sizeof(real), "features", error)) &&
             (part->dy[l] = wsi_try_alloc(tiles, y * sizeof(real), "gradients of features", error));
    }
    return ok;
}

static gboolean phase_init(Phase *p, GError **error)
{
    const Msflow *flow = p->fit->model->flow;
    int64_t head = 1;
    features_lengths(p->fit->features, p->length);
    gather(p);
    /* One flat array: the laterals (width, features) of each scale, then the head, 2 width numbers per scale and b. */
    for (int l = 0; l < SCALES; l++) {
        p->at[l] = p->head;
        p->head += (int64_t)msflow_latent_channels(flow, l) * msflow_spec(flow)->channels[l];
        head += 2 * msflow_latent_channels(flow, l);
    }
    p->count = p->head + head;
    p->parts = g_new0(PyramidPart, p->fit->spec->batch_parts);
    gboolean ok = (p->weights = wsi_try_alloc((size_t)head, sizeof(real), "a linear head", error)) &&
                  (p->moment1 = wsi_try_alloc((size_t)p->count, sizeof(real), "Adam's moments", error)) &&
                  (p->moment2 = wsi_try_alloc((size_t)p->count, sizeof(real), "Adam's moments", error));
    for (int s = 0; s < p->fit->spec->batch_parts && ok; s++) {
        ok = part_init(p, &p->parts[s], error);
    }
    return ok;
}

static void phase_clear(Phase *p)
{
    for (int s = 0; p->parts && s < p->fit->spec->batch_parts; s++) {
        g_free(p->parts[s].gradient);
        for (int l = 0; l < SCALES; l++) {
            g_free(p->parts[s].maps[l]);
            g_free(p->parts[s].dy[l]);
        }
    }
    g_free(p->parts);
    g_free(p->weights);
    g_free(p->moment1);
    g_free(p->moment2);
    g_free(p->normal);
    g_free(p->anomaly);
    g_free(p->batch);
    g_free(p->variant);
    g_array_unref(p->normals);
    g_array_unref(p->anomalies);
}

gboolean fit_pyramid(Fit *fit, GError **error)
{
    Collapse start;
    Phase phase = {.fit = fit,
                   .normals = g_array_new(FALSE, FALSE, sizeof(int64_t)),
                   .anomalies = g_array_new(FALSE, FALSE, sizeof(int64_t))};
    /* A pyramid that starts collapsed is an error too: more tiles or a smaller width are needed. */
    gboolean ok = phase_init(&phase, error) && fit_collapse(fit, &start, error) &&
                  collapse_check(&start, &start, error);
    for (phase.epoch = 1; ok && phase.epoch <= fit->spec->fpn_epochs; phase.epoch++) {
        ok = phase_epoch(&phase, &start, error);
    }
    phase_clear(&phase);
    return ok;
}

/* Fits before training.
 *
 * All threads compute features, for a window of batches at a time; the flow takes the batches in order, so its sums do not
 * depend on threads.  ActNorm's data-dependent initialisation (Kingma and Dhariwal 2018) needs one larger batch; small data
 * sets repeat their tiles. */
#include "flows/training/initialise.h"
#include "base/error.h"
#include "base/pool.h"
#include <string.h>

#define ACTNORM_TILES 64 /* 16 are the least that give useful statistics */

typedef struct {
    const InitialiseSpec *spec;
    const int64_t *tiles;
    int64_t count;
    const real *(*maps)[SCALES]; /* of each batch of the window */
} Window;

/* Batch i of a window uses the buffers of worker i, whichever thread computes it: no two batches share buffers. */
static gboolean window_batch(int64_t batch, int worker, void *data, GError **error)
{
    Window *w = data;
    int64_t first = batch * w->spec->batch;
    int count = (int)MIN(w->spec->batch, w->count - first);
    return features_get(w->spec->features, (int)batch, w->tiles + first, count, w->maps[batch], error);
}

/* All training tiles through msflow_fit_add_pooled. */
static gboolean pass(const InitialiseSpec *spec, GError **error)
{
    g_autofree const real *(*maps)[SCALES] = g_malloc0(sizeof *maps * (size_t)spec->threads);
    int64_t most = (int64_t)spec->threads * spec->batch;
    for (int64_t first = 0; first < spec->count; first += most) {
        Window window = {spec, spec->tiles + first, MIN(most, spec->count - first), maps};
        /* One batch per thread at most, since each needs buffers of its own. */
        int64_t batches = (window.count + spec->batch - 1) / spec->batch;
        if (!pool_run(spec->threads, spec->pin, batches, window_batch, &window, error)) {
            return FALSE;
        }
        for (int64_t b = 0; b < batches; b++) {
            msflow_fit_add_pooled(spec->flow, (int)MIN(spec->batch, window.count - b * spec->batch), maps[b]);
        }
    }
    return TRUE;
}

/* The first tiles of the order as one batch, from the start again when there are too few.  maps[l]: (number, side, side, c). */
static gboolean actnorm_batch(const InitialiseSpec *spec, int64_t *number, real *maps[SCALES], GError **error)
{
    int64_t length[SCALES], done = 0;
    features_lengths(spec->features, length);
    for (int l = 0; l < SCALES; l++) {
        maps[l] =
            wsi_try_alloc(ACTNORM_TILES, (size_t)length[l] * sizeof(real), "features for ActNorm", error);
        if (!maps[l]) {
            return FALSE;
        }
    }
    while (done < ACTNORM_TILES) {
        const real *part[SCALES];
        /* From the start again when the tiles are used up. */
        int64_t first = done % spec->count;
        int count = (int)MIN(MIN(spec->batch, spec->count - first), ACTNORM_TILES - done);
        if (!features_get(spec->features, 0, spec->tiles + first, count, part, error)) {
            return FALSE;
        }
        for (int l = 0; l < SCALES; l++) {
            memcpy(maps[l] + done * length[l], part[l], (size_t)(count * length[l]) * sizeof(real));
        }
        done += count;
    }
    *number = done;
    return TRUE;
}

static gboolean init_actnorm(const InitialiseSpec *spec, GError **error)
{
    real *maps[SCALES] = {NULL};
    int64_t number = 0;
    gboolean ok =
        actnorm_batch(spec, &number, maps, error) &&
        msflow_init_actnorm(spec->flow, spec->kernels, (int)number, (const real *const *)maps, error);
    for (int l = 0; l < SCALES; l++) {
        g_free(maps[l]);
    }
    return ok;
}

/* Features that are constant on normal tissue carry no information, and suggest that the extractor does not suit the tiles. */
static void report_constant_channels(const Msflow *flow)
{
    for (int l = 0; l < SCALES; l++) {
        int count;
        msflow_constant_channels(flow, l, &count);
        if (count > 0) {
            g_info("scale %d: %d of %d features hardly vary over the training tiles", l + 1, count,
                   msflow_spec(flow)->channels[l]);
        }
        int flat = msflow_flat_channels(flow, l);
        if (flat > 0) {
            g_message("scale %d: %d of %d channels of the pyramid hardly vary over the training tiles, and "
                      "what they measure elsewhere is noise: more tiles or a smaller fpn_width are needed",
                      l + 1, flat, msflow_latent_channels(flow, l));
        }
    }
}

/* Runs the passes of the fit that has begun, until it wants no more. */
static gboolean passes(const InitialiseSpec *spec, GError **error)
{
    do {
        if (!pass(spec, error)) {
            return FALSE;
        }
    } while (msflow_fit_pass_end(spec->flow));
    msflow_refresh(spec->flow); /* what comes next sees the output of the fitted pyramid */
    return TRUE;
}

/* Trained laterals change the pyramid's output, so it is standardised again. */
static gboolean train_laterals(const InitialiseSpec *spec, GError **error)
{
    return !spec->train_laterals || (spec->train_laterals(spec->data, error) &&
                                     msflow_restandardise_begin(spec->flow, error) && passes(spec, error));
}

gboolean initialise_flow(const InitialiseSpec *spec, GError **error)
{
    if (!msflow_fit_begin(spec->flow, error) || !passes(spec, error) || !train_laterals(spec, error)) {
        return FALSE;
    }
    report_constant_channels(spec->flow);
    if (msflow_spec(spec->flow)->step == STEP_GLOW && !init_actnorm(spec, error)) {
        return FALSE;
    }
    msflow_refresh(spec->flow);
    return TRUE;
}

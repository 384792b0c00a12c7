/* The channels of the latents at the end of a training, measured on held-out normals.
 *
 * At most about TILES of them, evenly chosen, in whole parts.  Each part has its own sums, which are added in order, so the result
 * does not depend on threads.  Each thread uses the run of a part of the batch: runs for training keep what the couplings did. */
#include "flows/training/fit_private.h"
#include "flows/models/channels.h"
#include "base/error.h"
#include "base/pool.h"

#define TILES 64

/* Of one channel: activity is a mean over the tiles of a part, the others are sums over their positions. */
typedef struct {
    double activity, sum, squares;
} ChannelSums;

typedef struct {
    Fit *fit;
    int64_t parts;
    int total, first[SCALES]; /* channels of all scales; where those of a scale begin */
    ChannelSums *sums;        /* (parts, total) */
} Measure;

/* A forward pass of one part of the held-out normals. */
static gboolean measure_part(int64_t index, int worker, void *data, GError **error)
{
    const Measure *m = data;
    const Fit *fit = m->fit;
    const Msflow *flow = fit->model->flow;
    BatchPart *part = &fit->parts[worker];
    const real *maps[SCALES], *z[SCALES];
    g_autofree int64_t *tiles = g_new(int64_t, fit->part_tiles);
    for (int b = 0; b < fit->part_tiles; b++) {
        int64_t all = m->parts * fit->part_tiles; /* tiles repeat when fewer are held out */
        tiles[b] = fit->normals.held[(index * fit->part_tiles + b) * fit->normals.held_count / all];
    }
    if (!features_get(fit->features, worker, tiles, fit->part_tiles, maps, error)) {
        return FALSE;
    }
    msflow_forward_pooled(part->run, maps, z, part->logdet);
    for (int l = 0; l < SCALES; l++) {
        ChannelSums *sums = m->sums + index * m->total + m->first[l];
        int c = msflow_latent_channels(flow, l), side = msflow_latent_size(flow, l);
        g_autofree double *activity = g_new(double, c);
        msflow_activity(part->run, l, activity);
        for (int k = 0; k < c; k++) {
            sums[k].activity = activity[k];
        }
        for (int64_t i = 0; i < (int64_t)fit->part_tiles * side * side * c;
             i++) { /* z (part, side, side, c) */
            double v = (double)z[l][i];
            sums[i % c].sum += v;
            sums[i % c].squares += v * v;
        }
    }
    return TRUE;
}

/* Adds up the parts: mean activity, and E z^2 - (E z)^2 over tiles and positions. */
static void report(const Measure *m, GArray *channels)
{
    const Msflow *flow = m->fit->model->flow;
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(flow, l);
        double values = (double)(m->parts * m->fit->part_tiles) * side * side;
        for (int k = 0; k < msflow_latent_channels(flow, l); k++) {
            ChannelSums all = {0};
            for (int64_t p = 0; p < m->parts; p++) {
                const ChannelSums *one = &m->sums[p * m->total + m->first[l] + k];
                all.activity += one->activity / (double)m->parts;
                all.sum += one->sum;
                all.squares += one->squares;
            }
            double mean = all.sum / values, variance = all.squares / values - mean * mean;
            ChannelReport channel = {l, k, all.activity, variance, channel_is_dead(all.activity, variance)};
            g_array_append_val(channels, channel);
        }
    }
}

gboolean fit_channels(Fit *fit, GError **error)
{
    Measure m = {.fit = fit,
                 .parts = (MIN(fit->normals.held_count, TILES) + fit->part_tiles - 1) / fit->part_tiles};
    for (int l = 0; l < SCALES; l++) { /* channels of all scales in one row */
        m.first[l] = m.total;
        m.total += msflow_latent_channels(fit->model->flow, l);
    }
    g_autofree ChannelSums *sums =
        wsi_try_alloc((size_t)m.parts, (size_t)m.total * sizeof *sums, "channels", error);
    m.sums = sums;
    if (!sums ||
        !pool_run(MIN(fit->threads, fit->spec->batch_parts), fit->pin, m.parts, measure_part, &m, error)) {
        return FALSE;
    }
    fit->model->channels = g_array_new(FALSE, FALSE, sizeof(ChannelReport));
    report(&m, fit->model->channels);
    g_autofree char *text = channels_text(fit->model->channels);
    g_info("%s", text);
    return TRUE;
}

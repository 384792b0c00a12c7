/* Speed of the flows on given feature maps of 256-px tiles (resnet18: 64, 128, 256 channels at 64, 32, 16 px), one run per
 * processor:
 *   bench flow-forward-aio-resnet18          scoring, stock MSFlow, batches of 8
 *   bench flow-forward-glow-se-fpn-resnet18  scoring, the default model
 *   bench flow-step-aio-resnet18             forward, backward and refresh, batches of 8
 *   bench flow-step-glow-se-fpn-resnet18 */
#include "base/pool.h"
#include "base/rng.h"
#include "flows/models/msflow.h"
#include <stdio.h>
#include <string.h>

#define BATCH 8
#define WARM_SECONDS 1.5
#define SECONDS 4.0
#define ROUND 4 /* batches per thread between two readings of the clock */

typedef struct {
    const char *name;
    StepKind step;
    FpnKind fpn;
    gboolean se, training;
} Case;

static const Case cases[] = {
    {"flow-forward-aio-resnet18", STEP_AIO, FPN_NONE, FALSE, FALSE},
    {"flow-forward-glow-se-fpn-resnet18", STEP_GLOW, FPN_FIXED, TRUE, FALSE},
    {"flow-step-aio-resnet18", STEP_AIO, FPN_NONE, FALSE, TRUE},
    {"flow-step-glow-se-fpn-resnet18", STEP_GLOW, FPN_FIXED, TRUE, TRUE},
};

typedef struct {
    Msflow *flow;
    MsflowRun **runs;
    real **gradients;
    real *maps[SCALES];
    gboolean training;
} Bench;

static gboolean one_batch(int64_t index, int worker, void *data, GError **error)
{
    Bench *bench = data;
    const real *z[SCALES];
    double logdet[BATCH], dlogdet[BATCH];
    msflow_forward(bench->runs[worker], (const real *const *)bench->maps, z, logdet);
    if (bench->training) {
        for (int b = 0; b < BATCH; b++) {
            dlogdet[b] = -1.0 / BATCH;
        }
        msflow_backward(bench->runs[worker], z, dlogdet, bench->gradients[worker]);
    }
    return TRUE;
}

static double run_for(Bench *bench, int threads, double seconds)
{
    int64_t start = g_get_monotonic_time(), done = 0, now;
    do {
        pool_run(threads, TRUE, (int64_t)threads * ROUND, one_batch, bench, NULL);
        if (bench->training) {
            msflow_refresh(bench->flow);
        }
        done += (int64_t)threads * ROUND * BATCH;
        now = g_get_monotonic_time();
    } while ((double)(now - start) < seconds * 1e6);
    return (double)done / ((double)(now - start) / 1e6);
}

static void prepare(Bench *bench, const Case *c, int threads)
{
    MsflowSpec spec = {.channels = {64, 128, 256},
                       .size = {64, 32, 16},
                       .blocks = {2, 5, 8},
                       .step = c->step,
                       .fpn = c->fpn,
                       .se = c->se,
                       .condition = 64,
                       .alpha = 1.9,
                       .seed = 1};
    g_autoptr(GError) error = NULL;
    const Kernels *kernels = kernels_get(NULL);
    int64_t trainable;
    Rng rng = rng_at(1, 2, 3);
    bench->training = c->training;
    bench->flow = msflow_new(&spec, &error);
    g_assert_no_error(error);
    msflow_parameters(bench->flow, &trainable, NULL);
    bench->runs = g_new0(MsflowRun *, threads);
    bench->gradients = g_new0(real *, threads);
    for (int i = 0; i < threads; i++) {
        bench->runs[i] = msflow_run_new(bench->flow, kernels, BATCH, c->training, &error);
        g_assert_no_error(error);
        bench->gradients[i] = g_new0(real, trainable);
    }
    for (int l = 0; l < SCALES; l++) {
        int64_t count = (int64_t)BATCH * spec.size[l] * spec.size[l] * spec.channels[l];
        bench->maps[l] = g_new(real, count);
        for (int64_t i = 0; i < count; i++) {
            bench->maps[l][i] = (real)rng_normal(&rng);
        }
    }
}

static void clear(Bench *bench, int threads)
{
    for (int i = 0; i < threads; i++) {
        msflow_run_free(bench->runs[i]);
        g_free(bench->gradients[i]);
    }
    for (int l = 0; l < SCALES; l++) {
        g_free(bench->maps[l]);
    }
    g_free(bench->runs);
    g_free(bench->gradients);
    msflow_free(bench->flow);
}

int main(int argc, char **argv)
{
    int threads = pool_processors();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Bench bench = {0};
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0) {
            continue;
        }
        prepare(&bench, &cases[i], threads);
        run_for(&bench, threads, WARM_SECONDS);
        printf("bench %s %.1f tiles/s\n", cases[i].name, run_for(&bench, threads, SECONDS));
        clear(&bench, threads);
    }
    return 0;
}

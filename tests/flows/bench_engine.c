/* Speed of whole models: two pinned threads (or as many as there are processors), 256-px tiles, batches of 8, random weights.
 *
 *   bench score-msflow-resnet18-256             stock MSFlow (AIO): RGB bytes to scores and anomaly maps
 *   bench score-msflow-resnet18-256-bf16        the same with kernels "onednn-bf16"
 *   bench score-msflow-wide_resnet50_2-256
 *   bench score-msflow-wide_resnet50_2-256-bf16
 *   bench score-glow-se-fpn-resnet18-256        the default model
 *   bench train-msflow-resnet18-256             extractor, forward, backward, clip, Adam
 *   bench train-msflow-resnet18-256-cached      the same when the features of all tiles are in memory
 *   bench train-glow-se-fpn-resnet18-256
 *   bench train-glow-se-fpn-resnet18-256-cached
 *
 * --list prints the names.  Scoring also prints the process's peak memory so far ("bench NAME-memory MB"). */
#include "tests/bench_weights.h"
#include "flows/models/model_private.h"
#include "flows/scoring/scorer.h"
#include "flows/training/fit.h"
#include "base/error.h"
#include "base/pool.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define BATCH 8
#define SIZE 256
#define THREADS 2
#define WARM_SECONDS 2.0
#define SECONDS 8.0
#define TRAIN_TILES 136 /* 128 that are trained on, 16 steps an epoch */

typedef struct {
    const char *name;
    const ExtractorKind *kind;
    const char *kernels;
    StepKind step;
    gboolean train, cached;
} Case;

static const Case cases[] = {
    {"score-msflow-resnet18-256", &extractor_resnet18, NULL, STEP_AIO, FALSE, FALSE},
    {"score-msflow-resnet18-256-bf16", &extractor_resnet18, "onednn-bf16", STEP_AIO, FALSE, FALSE},
    {"score-glow-se-fpn-resnet18-256", &extractor_resnet18, NULL, STEP_GLOW, FALSE, FALSE},
    {"score-msflow-wide_resnet50_2-256", &extractor_wide_resnet50_2, NULL, STEP_AIO, FALSE, FALSE},
    {"score-msflow-wide_resnet50_2-256-bf16", &extractor_wide_resnet50_2, "onednn-bf16", STEP_AIO, FALSE,
     FALSE},
    {"train-msflow-resnet18-256", &extractor_resnet18, NULL, STEP_AIO, TRUE, FALSE},
    {"train-msflow-resnet18-256-cached", &extractor_resnet18, NULL, STEP_AIO, TRUE, TRUE},
    {"train-glow-se-fpn-resnet18-256", &extractor_resnet18, NULL, STEP_GLOW, TRUE, FALSE},
    {"train-glow-se-fpn-resnet18-256-cached", &extractor_resnet18, NULL, STEP_GLOW, TRUE, TRUE},
};

static int processors(void)
{
    return MIN(THREADS, pool_processors());
}

static void random_tile(uint64_t index, uint8_t *rgb)
{
    Rng rng = rng_at(3, 3, index);
    for (int i = 0; i < SIZE * SIZE * 3; i++) {
        rgb[i] = (uint8_t)rng_below(&rng, 256);
    }
}

/* Stock MSFlow or the default model, with weights in a file of its own. */
static void make_spec(const Case *c, const char *weights, ModelSpec *spec)
{
    model_spec_default(spec, c->kind->name);
    spec->extractor.weights = g_strdup(weights);
    spec->tile_size = SIZE;
    spec->kernels = c->kernels;
    spec->batch = BATCH;
    spec->batch_parts = processors();
    spec->flow.step = c->step;
    if (c->step == STEP_AIO) {
        spec->flow.fpn = FPN_NONE;
        spec->flow.se = FALSE;
        spec->flow.normalise = NORMALISE_NONE;
        spec->learning_rate = 1e-4;
    }
}

/* ---- scoring ---- */

typedef struct {
    Scorer *scorer[THREADS];
    float *maps[THREADS];
    uint8_t *rgb;
    gint64 until;
    gint done; /* atomic: batches */
} Scoring;

static gboolean score_batches(int64_t index, int worker, void *data, GError **error)
{
    Scoring *s = data;
    TileScore scores[BATCH];
    while (g_get_monotonic_time() < s->until) {
        if (!scorer_run(s->scorer[index], s->rgb, BATCH, scores, s->maps[index], error)) {
            return FALSE;
        }
        g_atomic_int_inc(&s->done);
    }
    return TRUE;
}

static double tiles_per_second(Scoring *s, double seconds)
{
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();
    s->done = 0;
    s->until = start + (gint64)(seconds * 1e6);
    pool_run(processors(), TRUE, processors(), score_batches, s, &error);
    g_assert_no_error(error);
    return s->done * BATCH / ((double)(g_get_monotonic_time() - start) / 1e6);
}

/* Speed does not depend on what the model was calibrated with. */
static void make_calibration(Model *model)
{
    Calibration *c = &model->calibration;
    c->map_side = msflow_latent_size(model->flow, 0);
    c->map_mean = g_new0(real, c->map_side * c->map_side);
    c->map_sd = 1;
    for (int i = 0; i < TILE_SCORES; i++) {
        c->sd[i] = 1;
    }
}

static void measure_scoring(const Case *c, const ModelSpec *spec)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) model = model_prepare(spec, &error);
    g_assert_no_error(error);
    make_calibration(model);
    Scoring s = {.rgb = g_malloc((gsize)BATCH * SIZE * SIZE * 3)};
    for (int b = 0; b < BATCH; b++) {
        random_tile((uint64_t)b, s.rgb + (size_t)b * SIZE * SIZE * 3);
    }
    for (int t = 0; t < processors(); t++) {
        s.scorer[t] = scorer_new(model, &error);
        g_assert_no_error(error);
        int side = scorer_map_size(s.scorer[t]);
        s.maps[t] = g_new(float, (gsize)BATCH *side *side);
    }
    model_release(model);
    tiles_per_second(&s, WARM_SECONDS);
    printf("bench %s %.1f images/s\n", c->name, tiles_per_second(&s, SECONDS));
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("bench %s-memory %ld MB\n", c->name, usage.ru_maxrss / 1024);
    for (int t = 0; t < processors(); t++) {
        scorer_free(s.scorer[t]);
        g_free(s.maps[t]);
    }
    g_free(s.rgb);
}

/* ---- training ---- */

typedef struct {
    double seconds, first_seconds;
    int epochs;
} Reported;

static gboolean read_tile(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    random_tile((uint64_t)index, rgb);
    return TRUE;
}

static gboolean reported(void *data, const EpochReport *report)
{
    Reported *t = data;
    if (report->epoch == 1) {
        t->first_seconds = report->seconds; /* warms up */
        return TRUE;
    }
    t->seconds += report->seconds;
    t->epochs++;
    return t->seconds < SECONDS;
}

static void measure_training(const Case *c, ModelSpec *spec)
{
    g_autoptr(GError) error = NULL;
    Reported t = {0};
    TileSet tiles = {.count = TRAIN_TILES, .read = read_tile};
    FitOptions options = {
        .threads = processors(), .reported = reported, .reported_data = &t, .cache_bytes = c->cached ? 0 : 1};
    spec->epochs = 1000;
    spec->patience = 0;
    spec->holdout = (double)BATCH / TRAIN_TILES;
    g_autoptr(Model) model = model_fit(spec, &tiles, &options, &error);
    g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
    printf("bench %s %.1f images/s\n", c->name, t.epochs * (TRAIN_TILES - BATCH) / t.seconds);
}

static void measure(const Case *c)
{
    g_autofree char *folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
    g_autofree char *weights = g_build_filename(folder, "weights.safetensors", NULL);
    ModelSpec spec;
    bench_write_weights(c->kind->shape, weights);
    make_spec(c, weights, &spec);
    if (c->train) {
        measure_training(c, &spec);
    } else {
        measure_scoring(c, &spec);
    }
    model_spec_clear(&spec);
    g_unlink(weights);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    gboolean list = argc > 1 && strcmp(argv[1], "--list") == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (list) {
            puts(cases[i].name);
        } else if ((argc < 2 || strcmp(argv[1], cases[i].name) == 0) && kernels_get(cases[i].kernels)) {
            measure(&cases[i]);
        }
    }
    return 0;
}

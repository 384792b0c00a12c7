/* Speed of the extractors, from 256-px RGB tiles to feature maps.  Batches of 8; two pinned threads (or as many as there are
 * processors), each with its own run:
 *   bench extractor-scattering-256
 *   bench extractor-resnet18-256            weights are random: speed does not depend on them
 *   bench extractor-resnet18-256-bf16       with the kernels "onednn-bf16"
 *   bench extractor-wide_resnet50_2-256
 *   bench extractor-wide_resnet50_2-256-bf16 */
#include "tests/bench_weights.h"
#include "base/pool.h"
#include <stdio.h>
#include <string.h>

#define BATCH 8
#define SIZE 256
#define THREADS 2
#define WARM_SECONDS 1.5
#define SECONDS 4.0

typedef struct {
    const char *name;
    const ExtractorKind *kind;
    const char *kernels;
} Case;

static const Case cases[] = {
    {"extractor-scattering-256", &extractor_scattering, NULL},
    {"extractor-resnet18-256", &extractor_resnet18, NULL},
    {"extractor-resnet18-256-bf16", &extractor_resnet18, "onednn-bf16"},
    {"extractor-wide_resnet50_2-256", &extractor_wide_resnet50_2, NULL},
    {"extractor-wide_resnet50_2-256-bf16", &extractor_wide_resnet50_2, "onednn-bf16"},
};

static Extractor *make_extractor(const ExtractorKind *kind)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = NULL, *path = NULL;
    if (kind->shape) {
        folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
        path = g_build_filename(folder, "weights.safetensors", NULL);
        bench_write_weights(kind->shape, path);
    }
    ExtractorSpec spec = {.name = (char *)kind->name, .weights = path, .pad = PAD_REFLECT};
    Extractor *extractor = extractor_new(&spec, &error);
    g_assert_no_error(error);
    if (folder) {
        g_unlink(path);
        g_rmdir(folder);
    }
    return extractor;
}

/* ---- measuring ---- */

typedef struct {
    ExtractorRun *runs[THREADS];
    uint8_t *rgb;
    gint64 until;
    gint done; /* atomic: batches */
} Bench;

/* One item per thread: runs batches until the time is over. */
static gboolean work(int64_t index, int worker, void *data, GError **error)
{
    Bench *bench = data;
    const real *maps[SCALES];
    while (g_get_monotonic_time() < bench->until) {
        extractor_run(bench->runs[index], bench->rgb, maps);
        g_atomic_int_inc(&bench->done);
    }
    return TRUE;
}

static double tiles_per_second(Bench *bench, int threads, double seconds)
{
    gint64 start = g_get_monotonic_time();
    bench->done = 0;
    bench->until = start + (gint64)(seconds * 1e6);
    pool_run(threads, TRUE, threads, work, bench, NULL);
    return bench->done * BATCH / ((double)(g_get_monotonic_time() - start) / 1e6);
}

static void measure(const Case *c, int threads)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Extractor) extractor = make_extractor(c->kind);
    Bench bench = {.rgb = g_malloc((gsize)BATCH * SIZE * SIZE * 3)};
    Rng rng = rng_at(2, 2, 2);
    for (int i = 0; i < BATCH * SIZE * SIZE * 3; i++) {
        bench.rgb[i] = (uint8_t)rng_below(&rng, 256);
    }
    for (int t = 0; t < threads; t++) {
        bench.runs[t] = extractor_run_new(extractor, kernels_get(c->kernels), BATCH, SIZE, &error);
        g_assert_no_error(error);
    }
    tiles_per_second(&bench, threads, WARM_SECONDS);
    printf("bench %s %.1f tiles/s\n", c->name, tiles_per_second(&bench, threads, SECONDS));
    for (int t = 0; t < threads; t++) {
        extractor_run_free(bench.runs[t]);
    }
    g_free(bench.rgb);
}

int main(int argc, char **argv)
{
    int threads = MIN(THREADS, pool_processors());
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if ((argc < 2 || strcmp(argv[1], cases[i].name) == 0) && kernels_get(cases[i].kernels)) {
            measure(&cases[i], threads);
        }
    }
    return 0;
}

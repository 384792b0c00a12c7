/* How fast the extractors turn 256-px RGB tiles into feature maps, batches of 8, two pinned threads (or as many as there are
 * processors) with a run of their own:
 *   bench extractor-scattering-256
 *   bench extractor-resnet18-256            weights are random: speed does not depend on them
 *   bench extractor-resnet18-256-bf16       with the kernels "onednn-bf16"
 *   bench extractor-wide_resnet50_2-256
 *   bench extractor-wide_resnet50_2-256-bf16 */
#include "flows/extractor_private.h"
#include "flows/safetensors.h"
#include "base/pool.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
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

/* ---- random weights under torchvision's names, BatchNorm folded ---- */

typedef struct {
    SafetensorsWriter *writer;
    GPtrArray *values; /* borrowed by the writer until it commits */
    Rng rng;
} Weights;

static void add_conv(Weights *w, const char *name, int c_in, int c_out, int kernel)
{
    int64_t count = (int64_t)c_out * c_in * kernel * kernel;
    real *values = g_new(real, count), *bias = g_new0(real, c_out);
    double limit = sqrt(3.0 / (c_in * kernel * kernel));
    for (int64_t i = 0; i < count; i++) {
        values[i] = (real)(limit * (2 * rng_uniform(&w->rng) - 1));
    }
    g_autofree char *weight_name = g_strdup_printf("%s.weight", name),
                    *bias_name = g_strdup_printf("%s.bias", name);
    safetensors_writer_add(w->writer, weight_name, 4, (int64_t[]){c_out, c_in, kernel, kernel}, values);
    safetensors_writer_add(w->writer, bias_name, 1, (int64_t[]){c_out}, bias);
    g_ptr_array_add(w->values, values);
    g_ptr_array_add(w->values, bias);
}

static void add_block(Weights *w, const ResnetShape *s, int stage, int block, int *channels)
{
    int inner = s->inner << stage, out = (s->stem << stage) * s->expansion;
    for (int i = 0; i < s->chain; i++) {
        g_autofree char *name = g_strdup_printf("layer%d.%d.conv%d", stage + 1, block, i + 1);
        int last = i == s->chain - 1;
        add_conv(w, name, i == 0 ? *channels : inner, last ? out : inner, s->chain == 3 && i != 1 ? 1 : 3);
    }
    if (block == 0 && *channels != out) {
        g_autofree char *name = g_strdup_printf("layer%d.%d.downsample.0", stage + 1, block);
        add_conv(w, name, *channels, out, 1);
    }
    *channels = out;
}

static void write_weights(const ResnetShape *s, const char *path)
{
    Weights w = {safetensors_writer_new(), g_ptr_array_new_with_free_func(g_free), rng_at(1, 1, 1)};
    g_autoptr(GError) error = NULL;
    int channels = s->stem;
    add_conv(&w, "conv1", 3, s->stem, 7);
    for (int stage = 0; stage < SCALES; stage++) {
        for (int block = 0; block < s->blocks[stage]; block++) {
            add_block(&w, s, stage, block, &channels);
        }
    }
    safetensors_writer_commit(w.writer, path, NULL, &error);
    g_assert_no_error(error);
    safetensors_writer_free(w.writer);
    g_ptr_array_unref(w.values);
}

static Extractor *make_extractor(const ExtractorKind *kind)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = NULL, *path = NULL;
    if (kind->shape) {
        folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
        path = g_build_filename(folder, "weights.safetensors", NULL);
        write_weights(kind->shape, path);
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

/* One item a thread: batches until the time is over. */
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

/* Extractors with random weights of the right shapes: speed does not depend on their values. */
#pragma once
#include "flows/extractors/extractor_private.h"
#include "flows/files/safetensors.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>

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

/* A file of weights under torchvision's names, BatchNorm folded. */
static void bench_write_weights(const ResnetShape *s, const char *path)
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

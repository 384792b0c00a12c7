/* A training of a second: 24 tiles of waves in memory, a scattering model of three steps. */
#pragma once
#include "flows/models/model.h"
#include "flows/training/fit.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>

static char *folder; /* of the test's files */

static inline char *file_in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

#define SIZE 64
#define TILES 24 /* 7 of them are held out */

static gint reads; /* calls of read_tile */

static inline gboolean read_tile(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    Rng rng = rng_at(4, (uint64_t)index, 0);
    double kx = 0.3 + 0.4 * rng_uniform(&rng), ky = 0.3 + 0.4 * rng_uniform(&rng);
    g_atomic_int_inc(&reads);
    for (int i = 0; i < SIZE * SIZE; i++) {
        double wave = sin(kx * (i % SIZE)) * cos(ky * (double)(i / SIZE)), noise = 8 * rng_uniform(&rng);
        rgb[3 * i] = (uint8_t)(170 + 40 * wave + noise);
        rgb[3 * i + 1] = (uint8_t)(110 + 60 * wave + noise);
        rgb[3 * i + 2] = (uint8_t)(160 + 30 * wave + noise);
    }
    return TRUE;
}

static inline ModelSpec tiny_spec(void)
{
    ModelSpec spec;
    model_spec_default(&spec, "scattering");
    spec.tile_size = SIZE;
    spec.flow.blocks[0] = spec.flow.blocks[1] = spec.flow.blocks[2] = 1;
    spec.flow.fpn_width = 8;
    spec.flow.condition = 8;
    spec.epochs = 3;
    spec.holdout = 0.3;
    return spec;
}

/* Trains and saves; the SHA-256 of the bundle. */
static inline void fit(const ModelSpec *spec, const FitOptions *options, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("model.safetensors");
    TileSet tiles = {.count = TILES, .read = read_tile};
    g_autoptr(Model) model = model_fit(spec, &tiles, options, &error);
    g_assert_no_error(error);
    g_assert_true(model_save(model, path, sha256, &error));
    g_unlink(path);
}

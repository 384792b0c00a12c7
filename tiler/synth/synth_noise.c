/* Value noise: random numbers at the points of a lattice, interpolated smoothly.
 *
 * The number of a lattice point comes from its own position in the Philox stream (four neighbours in x share a
 * block), so any window of the noise can be made alone, and windows join without seams. */
#include "tiler/synth/synth_plan.h"
#include "base/rng.h"
#include <math.h>

enum { MAX_LATTICE = 160, MAX_SAMPLES = 256 };

/* row (count): the numbers, -1 .. 1, of points first .. first + count - 1 of lattice row iy. */
static void lattice_row(uint64_t seed, uint32_t stream, int64_t iy, int64_t first, int count, float *row)
{
    int64_t ix = first;
    while (ix < first + count) {
        /* One Philox block gives four numbers. */
        int64_t block = ix >> 2;
        Rng rng = rng_at(seed, ((uint64_t)(uint32_t)iy << 32) | (uint32_t)block, stream);
        for (int k = 0; k < 4; k++) {
            float value = (float)rng_u32(&rng) * (2.0f / 4294967296.0f) - 1;
            int64_t at = block * 4 + k - first;
            if (at >= 0 && at < count) {
                row[at] = value;
            }
        }
        ix = (block + 1) * 4;
    }
}

/* Lattice row iy interpolated to all samples of the window. */
static void stretch_row(uint64_t seed, uint32_t stream, int64_t iy, int64_t left, int count, const int *cell,
                        const float *fraction, int width, float *out)
{
    float row[MAX_LATTICE + 2];
    lattice_row(seed, stream, iy, left, count, row);
    for (int i = 0; i < width; i++) {
        float from = row[cell[i]];
        out[i] = from + (row[cell[i] + 1] - from) * fraction[i];
    }
}

/* Cubic with slope 0 at 0 and 1, so that the noise is smooth at lattice points. */
static float fade(float t)
{
    return t * t * (3 - 2 * t);
}

/* Adds one window that fits the buffers.  Only two stretched lattice rows are mixed along y, so a sample costs one
 * interpolation. */
static void add_window(uint64_t seed, uint32_t stream, double spacing, float amplitude, double x, double y,
                       double step, int width, int height, size_t stride, float *out)
{
    int cell[MAX_SAMPLES];
    float fraction[MAX_SAMPLES], rows[2][MAX_SAMPLES];
    int64_t left = (int64_t)floor(x / spacing), held = INT64_MIN;
    int count = (int)((int64_t)floor((x + (width - 1) * step) / spacing) - left) + 2;
    for (int i = 0; i < width; i++) {
        double p = (x + i * step) / spacing - (double)left;
        cell[i] = (int)p;
        /* The same for all rows, so it is computed once. */
        fraction[i] = fade((float)(p - cell[i]));
    }
    for (int j = 0; j < height; j++) {
        double p = (y + j * step) / spacing;
        int64_t iy = (int64_t)floor(p);
        if (iy != held) {
            stretch_row(seed, stream, iy, left, count, cell, fraction, width, rows[0]);
            stretch_row(seed, stream, iy + 1, left, count, cell, fraction, width, rows[1]);
            held = iy;
        }
        float lower = amplitude * fade((float)(p - (double)iy)), upper = amplitude - lower;
        for (int i = 0; i < width; i++) {
            out[(size_t)j * stride + i] += upper * rows[0][i] + lower * rows[1][i];
        }
    }
}

void synth_noise_add(uint64_t seed, uint32_t stream, double spacing, double amplitude, double x, double y,
                     double step, int width, int height, float *out)
{
    /* As many samples as the buffers have lattice points and samples for. */
    int window = (int)CLAMP(MAX_LATTICE * spacing / step - 1, 1, MAX_SAMPLES);
    for (int i = 0; i < width; i += window) {
        add_window(seed, stream, spacing, (float)amplitude, x + i * step, y, step, MIN(window, width - i),
                   height, (size_t)width, out + i);
    }
}

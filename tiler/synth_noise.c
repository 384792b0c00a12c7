/* Value noise: random numbers at the points of a lattice, joined smoothly.
 *
 * A lattice point's number comes from its own place in the Philox stream, four neighbours in x from one block, so any
 * window of the noise can be made alone and windows join without seams. */
#include "tiler/synth_plan.h"
#include "base/rng.h"
#include <math.h>

enum { MAX_LATTICE = 160 };

/* Numbers of lattice row iy, points first .. first + count - 1, to row; -1 .. 1. */
static void lattice_row(uint64_t seed, uint32_t stream, int64_t iy, int64_t first, int count, float *row)
{
    int64_t ix = first;
    while (ix < first + count) {
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

static float fade(float t)
{
    return t * t * (3 - 2 * t);
}

/* One row of samples between two lattice rows. */
static void add_row(const float *top, const float *bottom, float down, double first, double pitch, int width,
                    float amplitude, float *out)
{
    for (int i = 0; i < width; i++) {
        double p = first + i * pitch;
        int cell = (int)p;
        float across = fade((float)(p - cell));
        float upper = top[cell] + (top[cell + 1] - top[cell]) * across;
        float lower = bottom[cell] + (bottom[cell + 1] - bottom[cell]) * across;
        out[i] += amplitude * (upper + (lower - upper) * down);
    }
}

/* One window whose lattice fits the buffers. */
static void add_window(uint64_t seed, uint32_t stream, double spacing, double amplitude, double x, double y,
                       double step, int width, int height, size_t stride, float *out)
{
    float rows[2][MAX_LATTICE + 2];
    int64_t left = (int64_t)floor(x / spacing), held = INT64_MIN;
    int count = (int)((int64_t)floor((x + (width - 1) * step) / spacing) - left) + 2;
    for (int j = 0; j < height; j++) {
        double p = (y + j * step) / spacing;
        int64_t iy = (int64_t)floor(p);
        if (iy != held) {
            lattice_row(seed, stream, iy, left, count, rows[0]);
            lattice_row(seed, stream, iy + 1, left, count, rows[1]);
            held = iy;
        }
        add_row(rows[0], rows[1], fade((float)(p - (double)iy)), x / spacing - (double)left, step / spacing,
                width, (float)amplitude, out + (size_t)j * stride);
    }
}

void synth_noise_add(uint64_t seed, uint32_t stream, double spacing, double amplitude, double x, double y,
                     double step, int width, int height, float *out)
{
    int window = MAX(1, (int)(MAX_LATTICE * spacing / step) - 1);
    for (int i = 0; i < width; i += window) {
        add_window(seed, stream, spacing, amplitude, x + i * step, y, step, MIN(window, width - i), height,
                   (size_t)width, out + i);
    }
}

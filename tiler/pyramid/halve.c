/* The ways to halve an image.  All sums have a fixed order. */
#include "tiler/pyramid/halve.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>

/* The mean of four values from their sum, rounded with ties to even. */
INLINED uint8_t quarter(uint16_t sum)
{
    /* + 2 for an odd quotient, + 1 for an even one: a tie goes to the even value.  In 16 bits, so that a vector holds more. */
    const uint16_t odd = (sum >> 2) & 1, up = (uint16_t)(sum + 1 + odd);
    return (uint8_t)(up >> 2);
}

enum { CHANNELS = 3, STEP = 64 };

/* `pairs` output pixels from two input rows.  The sum with the pixel to the right is made for each pixel, and that of every second one is
 * taken: twice the work, but in vectors. */
VECTORISED static void mean_row(const uint8_t *restrict top, const uint8_t *restrict bottom, int pairs,
                                uint8_t *restrict out)
{
    uint16_t columns[2 * CHANNELS * STEP];
    uint8_t means[2 * CHANNELS * STEP];
    for (int x = 0; x < pairs; x += STEP) {
        const int n = MIN(STEP, pairs - x), samples = 2 * CHANNELS * n;
        const uint8_t *above = top + (size_t)x * 2 * CHANNELS, *below = bottom + (size_t)x * 2 * CHANNELS;
        for (int i = 0; i < samples; i++) {
            columns[i] = (uint16_t)(above[i] + below[i]);
        }
        for (int i = 0; i < samples - CHANNELS; i++) {
            means[i] = quarter((uint16_t)(columns[i] + columns[i + CHANNELS]));
        }
        for (int i = 0; i < n; i++) {
            memcpy(out + (size_t)(x + i) * CHANNELS, means + (size_t)i * 2 * CHANNELS, CHANNELS);
        }
    }
}

void halve_mean_rgb(const uint8_t *in, size_t in_stride, int width, int height, uint8_t *out,
                    size_t out_stride)
{
    const int pairs = width / 2;
    for (int y = 0; y < height; y += 2) {
        /* The odd last row counts twice. */
        const uint8_t *top = in + (size_t)y * in_stride, *bottom = y + 1 < height ? top + in_stride : top;
        mean_row(top, bottom, pairs, out);
        /* So does the odd last column. */
        for (int c = 0; width & 1 && c < CHANNELS; c++) {
            const int i = 2 * pairs * CHANNELS + c;
            out[pairs * CHANNELS + c] = quarter((uint16_t)(2 * (top[i] + bottom[i])));
        }
        out += out_stride;
    }
}

void halve_max8(const uint8_t *in, size_t in_stride, int width, int height, uint8_t *out, size_t out_stride)
{
    for (int y = 0; y < height; y += 2) {
        /* The odd last row is compared with itself. */
        const uint8_t *top = in + (size_t)y * in_stride, *bottom = y + 1 < height ? top + in_stride : top;
        for (int x = 0; x < width; x += 2) {
            /* The odd last column is compared with itself. */
            uint8_t left = MAX(top[x], bottom[x]);
            int next = x + 1 < width ? x + 1 : x;
            uint8_t right = MAX(top[next], bottom[next]);
            out[x / 2] = MAX(left, right);
        }
        out += out_stride;
    }
}

void halve_mean_float(const float *in, const float *weights, size_t in_stride, int width, int height,
                      float *out, float *out_weights, size_t out_stride)
{
    for (int y = 0; y < height; y += 2) {
        for (int x = 0; x < width; x += 2) {
            /* Only pixels that exist count, so borders need no special case. */
            double sum = 0, total = 0;
            for (int dy = 0; dy < 2 && y + dy < height; dy++) {
                for (int dx = 0; dx < 2 && x + dx < width; dx++) {
                    size_t i = (size_t)(y + dy) * in_stride + x + dx;
                    double weight = isnan(in[i]) ? 0 : weights ? weights[i] : 1;
                    sum += weight > 0 ? weight * in[i] : 0;
                    total += weight;
                }
            }
            out[x / 2] = total > 0 ? (float)(sum / total) : NAN;
            out_weights[x / 2] = (float)total;
        }
        out += out_stride;
        out_weights += out_stride;
    }
}

void halve_max_float(const float *in, size_t in_stride, int width, int height, float *out, size_t out_stride)
{
    for (int y = 0; y < height; y += 2) {
        const float *top = in + (size_t)y * in_stride, *bottom = y + 1 < height ? top + in_stride : top;
        for (int x = 0; x < width; x += 2) {
            int next = x + 1 < width ? x + 1 : x;
            /* fmaxf takes the other value when one is NaN. */
            out[x / 2] = fmaxf(fmaxf(top[x], bottom[x]), fmaxf(top[next], bottom[next]));
        }
        out += out_stride;
    }
}

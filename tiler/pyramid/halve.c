/* The ways to halve an image.  All sums have a fixed order. */
#include "tiler/pyramid/halve.h"
#include <math.h>

/* The mean of four values from their sum, rounded with ties to even. */
static inline uint8_t quarter(unsigned sum)
{
    /* + 2 for an odd quotient, + 1 for an even one: a tie goes to the even value. */
    return (uint8_t)((sum + 1 + ((sum >> 2) & 1)) >> 2);
}

/* One output row of C channels from two input rows. */
static inline void mean_row(const uint8_t *top, const uint8_t *bottom, int width, int channels, uint8_t *out)
{
    int pairs = width / 2;
    for (int x = 0; x < pairs; x++) {
        for (int c = 0; c < channels; c++) {
            int i = 2 * x * channels + c, j = i + channels;
            out[x * channels + c] = quarter((unsigned)top[i] + top[j] + bottom[i] + bottom[j]);
        }
    }
    /* The odd last column counts twice. */
    for (int c = 0; width & 1 && c < channels; c++) {
        int i = 2 * pairs * channels + c;
        out[pairs * channels + c] = quarter(2u * top[i] + 2u * bottom[i]);
    }
}

void halve_mean8(const uint8_t *in, size_t in_stride, int width, int height, int channels, uint8_t *out,
                 size_t out_stride)
{
    for (int y = 0; y < height; y += 2) {
        /* The odd last row counts twice. */
        const uint8_t *top = in + (size_t)y * in_stride, *bottom = y + 1 < height ? top + in_stride : top;
        if (channels == 3) {
            mean_row(top, bottom, width, 3, out); /* a constant the compiler can unroll */
        } else {
            mean_row(top, bottom, width, channels, out);
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

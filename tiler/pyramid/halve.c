/* The three ways to halve an image.  All sums have a fixed order. */
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

/* The mean of those that are not NaN; NaN when there is none. */
static float mean_of_numbers(const float values[4], int count)
{
    double sum = 0;
    int numbers = 0;
    for (int i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            sum += values[i];
            numbers++;
        }
    }
    return numbers ? (float)(sum / numbers) : NAN;
}

void halve_float(const float *in, size_t in_stride, int width, int height, float *out, size_t out_stride)
{
    for (int y = 0; y < height; y += 2) {
        for (int x = 0; x < width; x += 2) {
            /* Only pixels that exist count, so borders need no special case. */
            float values[4];
            int count = 0;
            for (int dy = 0; dy < 2 && y + dy < height; dy++) {
                for (int dx = 0; dx < 2 && x + dx < width; dx++) {
                    values[count++] = in[(size_t)(y + dy) * in_stride + x + dx];
                }
            }
            out[x / 2] = mean_of_numbers(values, count);
        }
        out += out_stride;
    }
}

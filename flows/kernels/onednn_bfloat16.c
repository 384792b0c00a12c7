/* Splitting floats into bfloat16.
 *
 * The matrix units of recent processors multiply bfloat16 (8 significant bits) an order of magnitude faster than the vector
 * units multiply float.  A float is nearly the sum of two: x = h + l with h = round(x), l = round(x - h), with an error of
 * 2^-18 |x|.  In the product (h + l)(h' + l') the term l l' is as small and is left out.  The other three terms are one
 * convolution over three times the channels: (h, h, l) times (h', l', h').  Products are exact and sums are float.  The error is
 * about 5e-6 of the root mean square of the result; that of Winograd's algorithm in float is 1e-6. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_bfloat16.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float value_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* x rounded to bfloat16, ties to even: the upper half of a float.  Just under half of the last bit that stays is added
 * (half of it when that bit is 1), and the lower half is dropped. */
static inline uint32_t bfloat(float x)
{
    uint32_t bits = bits_of(x);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

VECTOR_CLONES
static void round_row(const float *x, size_t count, uint16_t *high)
{
    for (size_t i = 0; i < count; i++) {
        high[i] = (uint16_t)bfloat(x[i]);
    }
}

VECTOR_CLONES
static void split_row(const float *x, size_t count, uint16_t *high, uint16_t *low)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t h = bfloat(x[i]);
        high[i] = (uint16_t)h;
        low[i] = (uint16_t)bfloat(x[i] - value_of(h << 16));
    }
}

/* high, low (w, channels) -> out (w, 3 channels): (high, high, low) in each pixel. */
static void interleave(const uint16_t *high, const uint16_t *low, int w, int channels, uint16_t *out)
{
    size_t bytes = sizeof(uint16_t) * channels;
    if (channels == 1) { /* memcpy of two bytes is slow */
        for (int i = 0; i < w; i++) {
            out[3 * i] = out[3 * i + 1] = high[i];
            out[3 * i + 2] = low[i];
        }
        return;
    }
    for (int i = 0; i < w; i++, high += channels, low += channels, out += 3 * channels) {
        memcpy(out, high, bytes);
        memcpy(out + channels, high, bytes);
        memcpy(out + 2 * (size_t)channels, low, bytes);
    }
}

/* One row x (w, channels) -> out (w + 2 border, parts * channels): the pixels, then the border from them. */
static void split_line(int w, int channels, int border, int parts, const float *x, uint16_t *row,
                       uint16_t *out)
{
    size_t count = (size_t)w * channels, pixel = (size_t)parts * channels;
    uint16_t *first = out + border * pixel;
    if (parts == 1) {
        round_row(x, count, first);
    } else {
        split_row(x, count, row, row + count);
        interleave(row, row + count, w, channels, first);
    }
    for (int i = 1; i <= border; i++) {
        memcpy(first - i * pixel, first + i * pixel, sizeof(uint16_t) * pixel);
        memcpy(first + (w - 1 + i) * pixel, first + (w - 1 - i) * pixel, sizeof(uint16_t) * pixel);
    }
}

void bfloat16_parts_of_activations(const ConvSpec *s, int border, int parts, const float *x, uint16_t *row,
                                   uint16_t *out)
{
    size_t line = (size_t)(s->w + 2 * border) * s->c_in * parts;
    for (int n = 0; n < s->n; n++) {
        for (int y = 0; y < s->h + 2 * border; y++, out += line) {
            int from = conv_pad_source(y, s->h, border, PAD_REFLECT);
            split_line(s->w, s->c_in, border, parts, x + ((size_t)n * s->h + from) * s->w * s->c_in, row,
                       out);
        }
    }
}

void bfloat16_parts_of_weights(const ConvSpec *s, int parts, const float *weight, float *out)
{
    size_t block = (size_t)s->c_in * s->kernel * s->kernel;
    for (int o = 0; o < s->c_out; o++, weight += block, out += (size_t)parts * block) {
        /* The parts are blocks of input channels. */
        for (size_t i = 0; i < block; i++) {
            float high = value_of(bfloat(weight[i]) << 16);
            for (int p = 0; p < parts; p++) {
                out[p * block + i] = p == 1 ? value_of(bfloat(weight[i] - high) << 16) : high;
            }
        }
    }
}
#endif

/* Both operations are separable and the same for all images.  The maps are small, so weights are computed where they are used. */
#include "flows/layers/map_resize.h"
#include "flows/kernels/vecmath.h"
#include <stddef.h>
#include <string.h>

VECTOR_CLONES
static void add_scaled(int count, real scale, const real *restrict x, real *restrict y)
{
    for (int i = 0; i < count; i++) {
        y[i] += scale * x[i];
    }
}

/* Input rows or columns that one output covers: from .. to - 1. */
typedef struct {
    int from, to;
} Bin;

/* floor(i size / bins) .. ceil((i + 1) size / bins) - 1; neighbouring bins may overlap by one. */
static Bin bin_of(int i, int size, int bins)
{
    /* (a + b - 1) / b rounds up. */
    return (Bin){(int)((int64_t)i * size / bins), (int)(((int64_t)(i + 1) * size + bins - 1) / bins)};
}

void adaptive_average_forward(int n, int h, int w, int c, const real *x, int oh, int ow, real *y, int stride)
{
    for (int b = 0; b < n; b++, x += (size_t)h * w * c) {
        for (int i = 0; i < oh * ow; i++, y += stride) {
            Bin rows = bin_of(i / ow, h, oh), columns = bin_of(i % ow, w, ow);
            real weight = (real)1 / ((rows.to - rows.from) * (columns.to - columns.from)); /* 1 / pixels */
            memset(y, 0, c * sizeof *y);
            for (int row = rows.from; row < rows.to; row++) {
                for (int column = columns.from; column < columns.to; column++) {
                    add_scaled(c, weight, x + ((size_t)row * w + column) * c, y);
                }
            }
        }
    }
}

void adaptive_average_backward(int n, int h, int w, int c, real *dx, int oh, int ow, const real *dy,
                               int stride)
{
    for (int b = 0; b < n; b++, dx += (size_t)h * w * c) {
        for (int i = 0; i < oh * ow; i++, dy += stride) {
            Bin rows = bin_of(i / ow, h, oh), columns = bin_of(i % ow, w, ow);
            real weight = (real)1 / ((rows.to - rows.from) * (columns.to - columns.from));
            /* Every input of the bin gets the same part of dy. */
            for (int row = rows.from; row < rows.to; row++) {
                for (int column = columns.from; column < columns.to; column++) {
                    add_scaled(c, weight, dy, dx + ((size_t)row * w + column) * c);
                }
            }
        }
    }
}

/* The two neighbours of output i and the weight of the second. */
typedef struct {
    int first, second;
    real weight;
} Tap;

/* Source coordinate (i + 1/2) size / out - 1/2, between first and second. */
static Tap tap_of(int i, int size, int out)
{
    double at = ((double)i + 0.5) * size / out - 0.5; /* centres on centres */
    /* Outside of the outer centres the border pixel is repeated. */
    at = at < 0 ? 0 : at > size - 1 ? size - 1 : at;
    int first = (int)at;
    return (Tap){first, first + 1 < size ? first + 1 : first, (real)(at - first)};
}

void bilinear_add_forward(int n, int h, int w, int c, const real *x, int stride, int oh, int ow,
                          const real *base, real *y)
{
    for (int b = 0; b < n; b++, x += (size_t)h * w * stride) {
        for (int i = 0; i < oh * ow; i++, y += c, base += c) {
            Tap v = tap_of(i / ow, h, oh), u = tap_of(i % ow, w, ow);
            const real *top = x + (size_t)v.first * w * stride, *bottom = x + (size_t)v.second * w * stride;
            /* base plus the four neighbours. */
            memcpy(y, base, c * sizeof *y);
            add_scaled(c, (1 - v.weight) * (1 - u.weight), top + (size_t)u.first * stride, y);
            add_scaled(c, (1 - v.weight) * u.weight, top + (size_t)u.second * stride, y);
            add_scaled(c, v.weight * (1 - u.weight), bottom + (size_t)u.first * stride, y);
            add_scaled(c, v.weight * u.weight, bottom + (size_t)u.second * stride, y);
        }
    }
}

void bilinear_backward(int n, int h, int w, int c, real *dx, int stride, int oh, int ow, const real *dy)
{
    for (int b = 0; b < n; b++, dx += (size_t)h * w * stride) {
        for (int i = 0; i < h * w; i++) { /* a slice of wider pixels is set pixel by pixel */
            memset(dx + (size_t)i * stride, 0, c * sizeof *dx);
        }
        for (int i = 0; i < oh * ow; i++, dy += c) {
            Tap v = tap_of(i / ow, h, oh), u = tap_of(i % ow, w, ow);
            /* The transpose: the four neighbours get dy with the same weights. */
            real *top = dx + (size_t)v.first * w * stride, *bottom = dx + (size_t)v.second * w * stride;
            add_scaled(c, (1 - v.weight) * (1 - u.weight), dy, top + (size_t)u.first * stride);
            add_scaled(c, (1 - v.weight) * u.weight, dy, top + (size_t)u.second * stride);
            add_scaled(c, v.weight * (1 - u.weight), dy, bottom + (size_t)u.first * stride);
            add_scaled(c, v.weight * u.weight, dy, bottom + (size_t)u.second * stride);
        }
    }
}

/* The window of output (i, j) is rows 2i-1 .. 2i+1 and columns 2j-1 .. 2j+1 of the input, cut at the borders.  The divisor
 * stays 9, so values at the border are smaller: a map of ones gives 4/9 in the first corner and 6/9 along the first edges. */
#include "flows/layers/avgpool.h"
#include "flows/kernels/vecmath.h"
#include <stddef.h>
#include <string.h>

int avgpool_size(int size)
{
    /* floor((size + 2 pad - kernel) / stride) + 1 with pad 1, kernel 3, stride 2. */
    return (size - 1) / 2 + 1;
}

VECTOR_CLONES
static void add_row(int count, const real *restrict x, real *restrict y)
{
    for (int i = 0; i < count; i++) {
        y[i] += x[i];
    }
}

VECTOR_CLONES
static void scale_row(int count, real factor, real *restrict y)
{
    for (int i = 0; i < count; i++) {
        y[i] *= factor;
    }
}

/* One output pixel (i, j) of an image x (h, w, c). */
static void pool_pixel(int h, int w, int c, const real *x, int i, int j, real *y)
{
    /* Rows and columns of the window that are inside the image. */
    int top = i ? 2 * i - 1 : 0, bottom = 2 * i + 1 < h ? 2 * i + 1 : h - 1;
    int left = j ? 2 * j - 1 : 0, right = 2 * j + 1 < w ? 2 * j + 1 : w - 1;
    /* y (c) = the sum of the window, then / 9. */
    memset(y, 0, c * sizeof *y);
    for (int row = top; row <= bottom; row++) {
        for (int column = left; column <= right; column++) {
            add_row(c, x + ((size_t)row * w + column) * c, y);
        }
    }
    scale_row(c, (real)1 / 9, y);
}

void avgpool_forward(int n, int h, int w, int c, const real *x, real *y)
{
    /* y (n, out_h, out_w, c) is written in this order. */
    int out_h = avgpool_size(h), out_w = avgpool_size(w);
    for (int b = 0; b < n; b++) {
        for (int i = 0; i < out_h; i++) {
            for (int j = 0; j < out_w; j++, y += c) {
                pool_pixel(h, w, c, x + (size_t)b * h * w * c, i, j, y);
            }
        }
    }
}

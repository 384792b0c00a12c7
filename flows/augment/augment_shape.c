/* Augmentations that move pixels: turns, rotation, blur, on planes (3, size, size); see augment.h. */
#include "flows/augment/augment.h"
#include "flows/kernels/vecmath.h"
#include <math.h>

#define RADIUS 2 /* px, of the blur */
#define TAPS (2 * RADIUS + 1)

void augment_turn(const float *from, int size, gboolean hflip, gboolean vflip, int quarters, float *to)
{
    /* Pixel (x, y) of the result is the source's pixel at start + x step_x + y step_y. */
    int64_t start = 0, step_x = 1, step_y = size, last = size - 1;
    if (hflip) { /* begin at the other end, walk backwards */
        start += last * step_x;
        step_x = -step_x;
    }
    if (vflip) {
        start += last * step_y;
        step_y = -step_y;
    }
    for (int q = 0; q < quarters; q++) { /* counter-clockwise: the right column becomes the upper row */
        /* New axes: x along the old y, y against the old x. */
        int64_t x = step_x;
        start += last * x;
        step_x = step_y;
        step_y = -x;
    }
    for (int c = 0; c < 3; c++, from += (int64_t)size * size) {
        for (int y = 0; y < size; y++) {
            const float *at = from + start + y * step_y;
            for (int x = 0; x < size; x++) {
                *to++ = at[x * step_x];
            }
        }
    }
}

/* Mirrors at the border of the image, half a pixel beyond the outer centres, then clamps to the centres.  One mirror image is enough:
 * no corner of a turned square is further out. */
VECTOR_INLINE float mirrored(float v, float last)
{
    v = v < -0.5f ? -1 - v : v;
    v = v > last + 0.5f ? 2 * last + 1 - v : v;
    v = v < 0 ? 0 : v;
    return v > last ? last : v;
}

VECTOR_CLONES
void augment_rotate(const float *from, int size, double degrees, float *to)
{
    /* Positions count from the centre of the image, (size - 1) / 2. */
    const double angle = degrees * M_PI / 180, middle = (size - 1) / 2.0;
    const float cosine = (float)cos(angle), sine = (float)sin(angle);
    const float last = (float)(size - 1), centre = (float)middle;
    const int64_t pixels = (int64_t)size * size;
    for (int y = 0; y < size; y++) {
        float dy = (float)y - centre, *row = to + (int64_t)y * size;
        VECTOR_LOOP
        for (int x = 0; x < size; x++) {
            float dx = (float)x - centre; /* the source of (x, y) is turned back by the angle */
            float sx = mirrored(cosine * dx - sine * dy + centre, last);
            float sy = mirrored(sine * dx + cosine * dy + centre, last);
            int left = (int)sx, top = (int)sy;
            /* At the last pixel the neighbour is the pixel itself, and its weight is 0. */
            int right = left < size - 1 ? 1 : 0, below = top < size - 1 ? size : 0;
            float fx = sx - (float)left, fy = sy - (float)top;
            const float *at = from + top * size + left; /* bilinear, in each plane */
            for (int c = 0; c < 3; c++, at += pixels) {
                float upper = at[0] + fx * (at[right] - at[0]);
                float lower = at[below] + fx * (at[below + right] - at[below]);
                row[c * pixels + x] = upper + fy * (lower - upper);
            }
        }
    }
}

/* Reflection without repeating the edge. */
static int inside(int i, int size)
{
    /* -1 -> 1, size -> size - 2. */
    i = i < 0 ? -i : i;
    return i < size ? i : 2 * (size - 1) - i;
}

/* exp(-k^2 / (2 sigma^2)), with sum 1. */
static void taps_of(double sigma, float taps[TAPS])
{
    double weight[TAPS], sum = 0;
    for (int k = 0; k < TAPS; k++) {
        weight[k] = exp(-0.5 * (k - RADIUS) * (k - RADIUS) / (sigma * sigma));
        sum += weight[k];
    }
    for (int k = 0; k < TAPS; k++) {
        taps[k] = (float)(weight[k] / sum);
    }
}

/* Along columns, from x to room, by sums of whole rows; beyond the border, of reflected ones. */
VECTOR_CLONES
static void blur_columns(const float *x, int size, const float taps[TAPS], float *room)
{
    for (int y = 0; y < size; y++) {
        const float *row[TAPS];
        for (int k = 0; k < TAPS; k++) {
            /* The five rows under the filter. */
            row[k] = x + (int64_t)inside(y + k - RADIUS, size) * size;
        }
        for (int i = 0; i < size; i++) {
            room[(int64_t)y * size + i] = taps[0] * row[0][i] + taps[1] * row[1][i] + taps[2] * row[2][i] +
                                          taps[3] * row[3][i] + taps[4] * row[4][i];
        }
    }
}

/* One pixel near the border. */
static float blurred(const float *row, int size, const float taps[TAPS], int i)
{
    float sum = 0;
    for (int k = 0; k < TAPS; k++) {
        sum += taps[k] * row[inside(i + k - RADIUS, size)];
    }
    return sum;
}

VECTOR_CLONES
static void blur_rows(const float *room, int size, const float taps[TAPS], float *x)
{
    /* Along rows, from room to x: the inner pixels in a loop without branches, then the border. */
    for (int y = 0; y < size; y++, x += size, room += size) {
        for (int i = RADIUS; i < size - RADIUS; i++) {
            x[i] = taps[0] * room[i - 2] + taps[1] * room[i - 1] + taps[2] * room[i] + taps[3] * room[i + 1] +
                   taps[4] * room[i + 2];
        }
        for (int k = 0; k < RADIUS; k++) {
            x[k] = blurred(room, size, taps, k);
            x[size - 1 - k] = blurred(room, size, taps, size - 1 - k);
        }
    }
}

void augment_blur(float *x, int size, double sigma, float *room)
{
    float taps[TAPS];
    /* A Gaussian is separable: columns to `room`, then rows back to x. */
    taps_of(sigma, taps);
    for (int c = 0; c < 3; c++) {
        float *plane = x + (int64_t)c * size * size;
        blur_columns(plane, size, taps, room);
        blur_rows(room, size, taps, plane);
    }
}

/* Augmentations of colour: brightness, contrast, saturation, hue, stains, noise, on planes (3, size, size); see augment.h.
 *
 * Loops have no branches, and logarithm and normal quantile are polynomials, so that compilers vectorise them and every processor
 * gives the same bits. */
#include "flows/augment/augment.h"
#include "flows/kernels/vecmath.h"
#include <math.h>
#include <string.h>

/* Clips to [0, 1]. */
VECTOR_INLINE float unit(float v)
{
    v = v < 0 ? 0 : v;
    return v > 1 ? 1 : v;
}

/* Luma as in torchvision (ITU-R BT.601, rounded). */
VECTOR_INLINE float grey(float r, float g, float b)
{
    return 0.2989f * r + 0.587f * g + 0.114f * b;
}

VECTOR_CLONES
void augment_brightness(float *x, int size, double factor)
{
    const float f = (float)factor;
    for (int64_t i = 0; i < 3 * (int64_t)size * size; i++) {
        x[i] = unit(f * x[i]);
    }
}

VECTOR_CLONES
void augment_contrast(float *x, int size, double factor)
{
    int64_t pixels = (int64_t)size * size;
    const float *g = x + pixels, *b = g + pixels;
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++) {
        sum += (double)grey(x[i], g[i], b[i]);
    }
    /* One mean for the whole tile. */
    const float f = (float)factor, rest = (float)((1 - factor) * sum / (double)pixels);
    for (int64_t i = 0; i < 3 * pixels; i++) {
        x[i] = unit(f * x[i] + rest);
    }
}

VECTOR_CLONES
void augment_saturation(float *x, int size, double factor)
{
    int64_t pixels = (int64_t)size * size;
    float *r = x, *g = x + pixels, *b = g + pixels;
    const float f = (float)factor, rest = (float)(1 - factor);
    VECTOR_LOOP
    for (int64_t i = 0; i < pixels; i++) {
        float grey_part = rest * grey(r[i], g[i], b[i]);
        r[i] = unit(f * r[i] + grey_part);
        g[i] = unit(f * g[i] + grey_part);
        b[i] = unit(f * b[i] + grey_part);
    }
}

/* One channel of HSV, with the hue in sixths of a turn: n = 5, 3, 1 for R, G, B. */
VECTOR_INLINE float from_hsv(float n, float hue, float chroma, float value)
{
    float k = n + hue; /* value - chroma max(0, min(k, 4 - k, 1)), k modulo 6 */
    k = k >= 6 ? k - 6 : k;
    float other = 4 - k;
    k = k < other ? k : other;
    return value - chroma * unit(k);
}

VECTOR_CLONES
void augment_hue(float *x, int size, double turn)
{
    int64_t pixels = (int64_t)size * size;
    float *r = x, *g = x + pixels, *b = g + pixels;
    const float sixths = (float)(6 * (turn - floor(turn))); /* the hue is counted in sixths of a turn */
    VECTOR_LOOP
    for (int64_t i = 0; i < pixels; i++) {
        float red = r[i], green = g[i], blue = b[i];
        float high = red > green ? red : green, low = red < green ? red : green;
        high = high > blue ? high : blue;
        low = low < blue ? low : blue;
        float chroma = high - low, divisor = chroma > 0 ? chroma : 1; /* grey has hue 0 */
        /* Sextant of the largest channel: red 0, green 2, blue 4; red wins among equals. */
        float hue = high == green ? 2 + (blue - red) / divisor : 4 + (red - green) / divisor;
        hue = high == red ? (green - blue) / divisor : hue;
        hue += sixths;
        hue = hue < 0 ? hue + 6 : hue;
        hue = hue >= 6 ? hue - 6 : hue;
        r[i] = from_hsv(5, hue, chroma, high);
        g[i] = from_hsv(3, hue, chroma, high);
        b[i] = from_hsv(1, hue, chroma, high);
    }
}

/* ln x for positive x: 2^n m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)). */
VECTOR_INLINE float logarithm(float x)
{
    union {
        float f;
        uint32_t bits;
    } v = {.f = x};
    uint32_t above = v.bits - 0x3f3504f3u; /* the bits of sqrt(1/2): the exponent is then n */
    float n = (float)((int32_t)above >> 23);
    v.bits = (above & 0x007fffffu) + 0x3f3504f3u;
    /* artanh s = s + s^3/3 + s^5/5 + ..., |s| <= 0.172: the rest is below one ulp */
    float s = (v.f - 1) / (v.f + 1), q = s * s, p = 2.0f / 9;
    p = p * q + 2.0f / 7;
    p = p * q + 2.0f / 5;
    p = p * q + 2.0f / 3;
    p = p * q + 2;
    return n * 0.693147181f + s * p;
}

/* mix: unit densities of haematoxylin and eosin (Ruifrok & Johnston 2001) and their cross product, as rows; unmix: its inverse. */
static void stain_matrices(float mix[3][3], float unmix[3][3])
{
    double m[3][3] = {{0.650, 0.704, 0.286}, {0.072, 0.990, 0.105}}, determinant = 0;
    for (int k = 0; k < 3; k++) {
        m[2][k] = m[0][(k + 1) % 3] * m[1][(k + 2) % 3] - m[0][(k + 2) % 3] * m[1][(k + 1) % 3];
    }
    for (int i = 0; i < 3; i++) {
        double norm = sqrt(m[i][0] * m[i][0] + m[i][1] * m[i][1] + m[i][2] * m[i][2]);
        for (int k = 0; k < 3; k++) {
            m[i][k] /= norm;
            mix[i][k] = (float)m[i][k];
        }
    }
    for (int k = 0; k < 3; k++) { /* along the first row */
        determinant +=
            m[0][k] * (m[1][(k + 1) % 3] * m[2][(k + 2) % 3] - m[1][(k + 2) % 3] * m[2][(k + 1) % 3]);
    }
    for (int i = 0; i < 9; i++) {
        int r = i / 3, c = i % 3; /* the inverse is the transposed cofactors over the determinant */
        unmix[c][r] = (float)((m[(r + 1) % 3][(c + 1) % 3] * m[(r + 2) % 3][(c + 2) % 3] -
                               m[(r + 1) % 3][(c + 2) % 3] * m[(r + 2) % 3][(c + 1) % 3]) /
                              determinant);
    }
}

#define SCALE (255.0f / 256)
#define OFFSET (1.0f / 256) /* black has a density too */
#define LOG10 2.30258509f

/* density' = (density unmix diag(factor) + shift) mix = density m + t, so one matrix and one vector do everything.  m works on the
 * natural logarithm of the transmitted light, which is -ln 10 times the density: hence LOG10 in t. */
VECTOR_CLONES
void augment_stain(float *x, int size, const double factor[3], const double shift[3])
{
    int64_t pixels = (int64_t)size * size;
    float *r = x, *g = x + pixels, *b = g + pixels, mix[3][3], unmix[3][3], m[3][3] = {{0}}, t[3] = {0};
    stain_matrices(mix, unmix);
    for (int s = 0; s < 3; s++) {
        for (int c = 0; c < 3; c++) {
            for (int k = 0; k < 3; k++) {
                m[k][c] += unmix[k][s] * (float)factor[s] * mix[s][c];
            }
            t[c] -= LOG10 * (float)shift[s] * mix[s][c];
        }
    }
    VECTOR_LOOP
    for (int64_t i = 0; i < pixels; i++) {
        float u = logarithm(r[i] * SCALE + OFFSET), v = logarithm(g[i] * SCALE + OFFSET),
              w = logarithm(b[i] * SCALE + OFFSET);
        float red = u * m[0][0] + v * m[1][0] + w * m[2][0] + t[0];
        float green = u * m[0][1] + v * m[1][1] + w * m[2][1] + t[1];
        float blue = u * m[0][2] + v * m[1][2] + w * m[2][2] + t[2];
        r[i] = unit(((float)vec_exp(red) - OFFSET) / SCALE);
        g[i] = unit(((float)vec_exp(green) - OFFSET) / SCALE);
        b[i] = unit(((float)vec_exp(blue) - OFFSET) / SCALE);
    }
}

/* sqrt(2) erfinv(u), |u| < 1: M. Giles, "Approximating the erfinv function", GPU Computing Gems, 2011. */
VECTOR_INLINE float normal_quantile(float u)
{
    static const float near[] = {2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
                                 -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
                                 -0.00417768164f,  0.246640727f,    1.50140941f};
    static const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f,
                                -0.00367342844f,  0.00573950773f,  -0.0076224613f,
                                0.00943887047f,   1.00167406f,     2.83297682f};
    /* Two polynomials, in w = -ln(1 - u^2) and in its root; both are evaluated, one is selected. */
    float w = -logarithm((1 - u) * (1 + u)), a = w - 2.5f, b = sqrtf(w) - 3, p = near[0], q = far[0];
    for (int k = 1; k < 9; k++) {
        p = p * a + near[k];
        q = q * b + far[k];
    }
    return 1.41421356f * u * (w < 5 ? p : q);
}

#define BLOCK 256 /* random numbers are drawn in blocks, apart from the loop that vectorises */

VECTOR_CLONES
static void add_noise(float *x, int64_t count, float sd, const uint32_t *bits)
{
    for (int64_t i = 0; i < count; i++) {
        /* The middle of one of 2^23 steps of (-1, 1): symmetric, never an end. */
        float u = (float)((int32_t)(bits[i] >> 9) - 4194304) * (1.0f / 4194304) + 0.5f / 4194304;
        x[i] = unit(x[i] + sd * normal_quantile(u));
    }
}

void augment_noise(float *x, int size, double sd, Rng *rng)
{
    uint32_t bits[BLOCK];
    int64_t count = 3 * (int64_t)size * size; /* one number for each value, in the order of the planes */
    for (int64_t i = 0; i < count; i += BLOCK) {
        int64_t n = MIN(BLOCK, count - i);
        for (int64_t k = 0; k < n; k++) {
            bits[k] = rng_u32(rng);
        }
        add_noise(x + i, n, (float)sd, bits);
    }
}

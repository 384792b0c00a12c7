/* The code is the same for every image, and each of its channels depends on x alone or on y alone.  In a plain convolution it would
 * take up to two thirds of the work of a subnet's first layer.  Here it needs no pass over pixels and images:
 *
 *   Code channel i < channels/2 is f_i(x).  The sum of w[o][i][ky][kx] f_i(x+kx-1) over kx and over the ky whose row y+ky-1 is
 *   inside the map is the sum over these ky of X[ky][x][o],   X[ky][x][o] = sum_i sum_kx w[o][i][ky][kx] f_i(x+kx-1),
 *   and likewise Y[kx][y][o] for the other half.  map[y][x][o] = bias[o] + sum_ky X[ky][x][o] + sum_kx Y[kx][y][o].
 *
 * The gradient is the transpose.  With X'[ky][x][o] = the sum of dmap[y][x][o] over the y whose row y+ky-1 is inside the map,
 *   dw[o][i][ky][kx] = sum_x X'[ky][x][o] f_i(x+kx-1).
 * It is exact: the test compares it with the convolution of [features ; code]. */
#include "flows/layers/poscode.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

/* (length, half): sin and cos of x / 10000^(i / half) for even i. */
static real *code_axis(int length, int half, Arena *arena)
{
    real *axis = arena_real(arena, (int64_t)length * half, "positional code");
    for (int x = 0; x < length && axis; x++) {
        for (int i = 0; i < half; i += 2) {
            /* exp(-i ln(10000) / half) = 10000^(-i / half). */
            double angle = x * exp(-i * log(10000.0) / half);
            axis[x * half + i] = (real)sin(angle);
            axis[x * half + i + 1] = (real)cos(angle);
        }
    }
    return axis;
}

void poscode_init(Poscode *code, int channels, int h, int w, Arena *arena)
{
    *code = (Poscode){.channels = channels, .h = h, .w = w};
    /* The first half of the channels depends on x, the second on y. */
    code->column = code_axis(w, channels / 2, arena);
    code->row = code_axis(h, channels / 2, arena);
}

int64_t poscode_scratch(const Poscode *code, int out)
{
    int longest = MAX(code->h, code->w);
    /* packed (3, 3, half, out) and lines (3, longest, out). */
    return (int64_t)out * (9 * (code->channels / 2) + 3 * longest);
}

VECTOR_CLONES
static void add_scaled(int count, real scale, const real *restrict x, real *restrict y)
{
    for (int i = 0; i < count; i++) {
        y[i] += scale * x[i];
    }
}

/* weight (out, in, 3, 3) -> packed[along][across][i][o] for input channels first .. first + half - 1.  `along` is the tap in the
 * direction in which the code varies: kx for the half of x. */
static void pack_weights(int out, int in, int first, int half, gboolean of_x, const real *weight,
                         real *packed)
{
    for (int o = 0; o < out; o++) {
        for (int i = 0; i < half; i++) {
            const real *w = weight + ((size_t)o * in + first + i) * 9;
            for (int along = 0; along < 3; along++) {
                for (int across = 0; across < 3; across++) {
                    real v = of_x ? w[across * 3 + along] : w[along * 3 + across];
                    packed[((size_t)(along * 3 + across) * half + i) * out + o] = v;
                }
            }
        }
    }
}

/* lines[across][position][o]: X or Y. */
static void convolve_axis(int length, int half, int out, const real *axis, const real *packed, real *lines)
{
    memset(lines, 0, (size_t)3 * length * out * sizeof *lines);
    for (int across = 0; across < 3; across++) {
        for (int at = 0; at < length; at++) {
            real *line = lines + ((size_t)across * length + at) * out;
            for (int along = 0; along < 3; along++) {
                /* Taps outside of the map are 0. */
                int from = at + along - 1;
                for (int i = 0; from >= 0 && from < length && i < half; i++) {
                    const real *w = packed + ((size_t)(along * 3 + across) * half + i) * out;
                    add_scaled(out, axis[from * half + i], w, line);
                }
            }
        }
    }
}

/* Adds the lines to the map (h, w, out) or, with `gather`, the map to the lines. */
static void map_lines(const Poscode *code, int out, gboolean of_x, gboolean gather, real *map, real *lines)
{
    for (int y = 0; y < code->h; y++) {
        for (int x = 0; x < code->w; x++) {
            real *pixel = map + ((size_t)y * code->w + x) * out;
            int at = of_x ? x : y, length = of_x ? code->w : code->h;
            /* `cross` runs across the direction in which the code varies. */
            int cross = of_x ? y : x, crossing = of_x ? code->h : code->w;
            for (int across = 0; across < 3; across++) {
                real *line = lines + ((size_t)across * length + at) * out;
                if (cross + across - 1 >= 0 && cross + across - 1 < crossing) {
                    add_scaled(out, 1, gather ? pixel : line, gather ? line : pixel);
                }
            }
        }
    }
}

void poscode_conv_forward(const Poscode *code, int out, int in, const real *weight, const real *bias,
                          real *scratch, real *map)
{
    int half = code->channels / 2;
    real *packed = scratch, *lines = scratch + (size_t)9 * half * out;
    /* map (h, w, out) begins as the bias. */
    for (int64_t i = 0; i < (int64_t)code->h * code->w; i++) {
        memcpy(map + i * out, bias, out * sizeof *map);
    }
    for (int of_x = 1; of_x >= 0 && half; of_x--) {
        /* The code's channels are the last ones: first the half of x, then that of y. */
        int first = in - code->channels + (of_x ? 0 : half);
        pack_weights(out, in, first, half, of_x, weight, packed);
        convolve_axis(of_x ? code->w : code->h, half, out, of_x ? code->column : code->row, packed, lines);
        map_lines(code, out, of_x, FALSE, map, lines);
    }
}

/* dweight += the gradient of one half, from lines = X' or Y'. */
static void axis_backward(int length, int half, int out, int in, int first, gboolean of_x, const real *axis,
                          const real *lines, real *dweight)
{
    /* dw of one output channel and tap, for all `half` input channels. */
    real sum[POSCODE_MAX / 2];
    for (int o = 0; o < out; o++) {
        for (int tap = 0; tap < 9; tap++) {
            int along = of_x ? tap % 3 : tap / 3, across = of_x ? tap / 3 : tap % 3;
            memset(sum, 0, half * sizeof *sum);
            for (int at = 0; at < length; at++) {
                int from = at + along - 1;
                if (from >= 0 && from < length) {
                    add_scaled(half, lines[((size_t)across * length + at) * out + o], axis + from * half,
                               sum);
                }
            }
            for (int i = 0; i < half; i++) {
                dweight[((size_t)o * in + first + i) * 9 + tap] += sum[i];
            }
        }
    }
}

void poscode_conv_backward(const Poscode *code, int out, int in, const real *dmap, real *scratch,
                           real *dweight, real *dbias)
{
    int half = code->channels / 2;
    for (int64_t i = 0; i < (int64_t)code->h * code->w; i++) {
        add_scaled(out, 1, dmap + i * out, dbias);
    }
    for (int of_x = 1; of_x >= 0 && half; of_x--) {
        int length = of_x ? code->w : code->h;
        memset(scratch, 0, (size_t)3 * length * out * sizeof *scratch);
        /* X' and Y' are sums of dmap; with `gather` the map is only read. */
        map_lines(code, out, of_x, TRUE, (real *)dmap, scratch);
        axis_backward(length, half, out, in, in - code->channels + (of_x ? 0 : half), of_x,
                      of_x ? code->column : code->row, scratch, dweight);
    }
}

/* The parts of the flows that are not invertible: pooling, positional code, resampling, LayerNorm, SE, in double. */
#include "flows/layers/avgpool.h"
#include "flows/kernels/kernels.h"
#include "flows/layers/layernorm.h"
#include "flows/layers/poscode.h"
#include "flows/layers/map_resize.h"
#include "flows/layers/se.h"
#include "base/rng.h"
#include "tests/flow_numeric.h"
#include <string.h>

static real *random_array(const char *name, int64_t count)
{
    Rng rng = rng_at(1, rng_name(name), 0);
    real *x = g_new(real, count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = rng_normal(&rng);
    }
    return x;
}

static double dot(const real *a, const real *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Padded zeros count, and the divisor is always 9 (torch: avg_pool2d(ones(4, 4), 3, 2, 1)). */
static void test_average_pool_divides_by_nine(void)
{
    real ones[4 * 4 * 3], y[2 * 2 * 3];
    static const double expected[] = {4, 6, 6, 9};
    for (size_t i = 0; i < G_N_ELEMENTS(ones); i++) {
        ones[i] = 1;
    }
    g_assert_cmpint(avgpool_size(64), ==, 32);
    g_assert_cmpint(avgpool_size(7), ==, 4);
    g_assert_cmpint(avgpool_size(1), ==, 1);
    avgpool_forward(1, 4, 4, 3, ones, y);
    for (int i = 0; i < 12; i++) {
        g_assert_cmpfloat_with_epsilon(y[i], expected[i / 3] / 9, 1e-15);
    }
}

static void test_average_pool_of_odd_sizes(void)
{
    enum { N = 2, H = 5, W = 7, C = 3, OH = 3, OW = 4 };
    g_autofree real *x = random_array("pool", N * H * W * C), *y = g_new(real, N * OH * OW * C);
    avgpool_forward(N, H, W, C, x, y);
    for (int i = 0; i < N * OH * OW * C; i++) {
        int c = i % C, ow = i / C % OW, oh = i / C / OW % OH, n = i / C / OW / OH;
        double sum = 0;
        for (int k = 0; k < 9; k++) {
            int row = 2 * oh + k / 3 - 1, column = 2 * ow + k % 3 - 1;
            if (row >= 0 && row < H && column >= 0 && column < W) {
                sum += x[((n * H + row) * W + column) * C + c];
            }
        }
        g_assert_cmpfloat_with_epsilon(y[i], sum / 9, 1e-14);
    }
}

/* The values of MSFlow's positional code for 64 channels. */
static void test_code_values(void)
{
    g_autoptr(Arena) arena = arena_new();
    Poscode code;
    poscode_init(&code, 64, 4, 6, arena);
    g_assert_cmpfloat_with_epsilon(code.column[1 * 32 + 0], 0.8414709848, 1e-9);
    g_assert_cmpfloat_with_epsilon(code.column[1 * 32 + 1], 0.5403023059, 1e-9);
    g_assert_cmpfloat_with_epsilon(code.column[3 * 32 + 2], 0.9932532, 1e-6);
    g_assert_cmpfloat_with_epsilon(code.row[2 * 32 + 0], 0.9092974268, 1e-9);
    g_assert_cmpfloat_with_epsilon(code.column[1 * 32 + 30], sin(1.7782794e-4), 1e-10);
}

/* The fast convolution of the code agrees with the convolution of [features ; code], forward and backward. */
static void check_code_convolution(int channels, int h, int w)
{
    enum { FEATURES = 3, OUT = 5 };
    int in = FEATURES + channels, pixels = h * w;
    ConvSpec spec = {.n = 1,
                     .h = h,
                     .w = w,
                     .c_in = in,
                     .c_out = OUT,
                     .kernel = 3,
                     .stride = 1,
                     .pad = 1,
                     .training = TRUE};
    const Kernels *k = kernels_get("reference");
    Conv *conv = k->conv_new(&spec, NULL, NULL, NULL);
    g_autoptr(Arena) arena = arena_new();
    Poscode code;
    poscode_init(&code, channels, h, w, arena);
    g_autofree real *weight = random_array("weight", OUT * in * 9), *bias = random_array("bias", OUT);
    g_autofree real *x = g_new0(real, pixels * in), *whole = g_new(real, pixels * OUT),
                    *map = g_new(real, pixels * OUT);
    g_autofree real *scratch = g_new(real, poscode_scratch(&code, OUT)),
                    *dmap = random_array("dmap", pixels * OUT);
    g_autofree real *expected = g_new0(real, OUT * in * 9), *dweight = g_new0(real, OUT * in * 9);
    real dbias_expected[OUT] = {0}, dbias[OUT] = {0};
    for (int p = 0; p < pixels; p++) {
        memcpy(x + p * in + FEATURES, code.column + p % w * channels / 2, channels / 2 * sizeof *x);
        memcpy(x + p * in + FEATURES + channels / 2, code.row + p / w * channels / 2,
               channels / 2 * sizeof *x);
    }
    k->conv_forward(conv, x, weight, bias, NULL, whole);
    poscode_conv_forward(&code, OUT, in, weight, bias, scratch, map);
    for (int i = 0; i < pixels * OUT; i++) {
        g_assert_cmpfloat_with_epsilon(map[i], whole[i], 1e-12);
    }
    k->conv_backward_weights(conv, x, dmap, expected, dbias_expected);
    poscode_conv_backward(&code, OUT, in, dmap, scratch, dweight, dbias);
    for (int i = 0; i < OUT * in * 9; i++) {
        g_assert_cmpfloat_with_epsilon(dweight[i], expected[i], 1e-12);
    }
    for (int i = 0; i < OUT; i++) {
        g_assert_cmpfloat_with_epsilon(dbias[i], dbias_expected[i], 1e-12);
    }
    k->conv_free(conv);
}

static void test_code_convolution(void)
{
    check_code_convolution(8, 4, 5);
    check_code_convolution(12, 1, 7);
    check_code_convolution(4, 1, 1);
    check_code_convolution(64, 6, 2);
    check_code_convolution(0, 3, 3);
}

/* torch: adaptive_avg_pool1d(0 1 2 3 4 -> 2) = 1 3; interpolate(bilinear, align_corners=False) of (0 1; 2 3) to 4 x 4. */
static void test_resample_values(void)
{
    real five[5] = {0, 1, 2, 3, 4}, two[2], four[4] = {0, 1, 2, 3}, zero[16] = {0}, y[16];
    adaptive_average_forward(1, 1, 5, 1, five, 1, 2, two, 1);
    g_assert_cmpfloat_with_epsilon(two[0], 1, 1e-15);
    g_assert_cmpfloat_with_epsilon(two[1], 3, 1e-15);
    bilinear_add_forward(1, 2, 2, 1, four, 1, 4, 4, zero, y);
    const double at[] = {0, 0.25, 0.75, 1};
    for (int i = 0; i < 16; i++) {
        g_assert_cmpfloat_with_epsilon(y[i], at[i % 4] + 2 * at[i / 4], 1e-14);
    }
}

/* <A x, y> = <x, A' y>, also with slices of wider pixels and with sizes that are not multiples. */
static void check_transposes(int h, int w, int oh, int ow)
{
    enum { N = 2, C = 3, STRIDE = 5, OFFSET = 1 };
    int small = N * oh * ow, large = N * h * w;
    g_autofree real *x = random_array("x", large * C), *y = random_array("y", small * STRIDE);
    g_autofree real *ax = g_new0(real, small * STRIDE), *aty = g_new0(real, large * C),
                    *up = g_new(real, large * C);
    g_autofree real *nothing = g_new0(real, large * C), *down = g_new0(real, small * STRIDE);
    adaptive_average_forward(N, h, w, C, x, oh, ow, ax + OFFSET, STRIDE);
    adaptive_average_backward(N, h, w, C, aty, oh, ow, y + OFFSET, STRIDE);
    g_assert_cmpfloat_with_epsilon(dot(ax, y, small * STRIDE), dot(x, aty, large * C), 1e-11);
    bilinear_add_forward(N, oh, ow, C, y + OFFSET, STRIDE, h, w, nothing, up);
    bilinear_backward(N, oh, ow, C, down + OFFSET, STRIDE, h, w, x);
    g_assert_cmpfloat_with_epsilon(dot(up, x, large * C), dot(y, down, small * STRIDE), 1e-11);
    for (int i = 0; i < small; i++) {
        g_assert_cmpfloat(down[i * STRIDE], ==, 0);
        g_assert_cmpfloat(ax[i * STRIDE + OFFSET + C], ==, 0);
    }
}

static void test_resample_transposes(void)
{
    check_transposes(8, 8, 2, 2);
    check_transposes(7, 5, 3, 2);
    check_transposes(4, 4, 1, 1);
    check_transposes(3, 3, 3, 3);
}

/* ---- LayerNorm + ReLU ---- */

typedef struct {
    int rows, c, period;
    real *x, *weight, *bias, *map, *y, *normalised, *rstd, *probe;
} Norm;

static double norm_loss(void *data)
{
    Norm *n = data;
    layernorm_forward(n->rows, n->c, n->weight, n->bias, n->map, n->period, n->x, n->normalised, n->rstd,
                      n->y);
    return dot(n->y, n->probe, n->rows * n->c);
}

static void check_norm(int c, gboolean with_map)
{
    Norm n = {.rows = 6, .c = c, .period = 3};
    int count = n.rows * c;
    g_autofree real *x = n.x = random_array("x", count), *weight = n.weight = random_array("weight", c);
    g_autofree real *bias = n.bias = random_array("bias", c), *map = random_array("map", n.period * c);
    g_autofree real *y = n.y = g_new(real, count), *xh = n.normalised = g_new(real, count);
    g_autofree real *rstd = n.rstd = g_new(real, n.rows), *probe = n.probe = random_array("probe", count);
    g_autofree real *dx = g_new(real, count), *dmap = g_new0(real, n.period * c),
                    *in_place = g_memdup2(x, count * sizeof *x);
    g_autofree double *sums = g_new0(double, 2 * c);
    n.map = with_map ? map : NULL;
    norm_loss(&n);
    layernorm_backward(n.rows, c, weight, bias, xh, rstd, probe, dx, with_map ? dmap : NULL, n.period, sums,
                       sums + c);
    for (int i = 0; i < count; i++) {
        g_assert_cmpfloat(slope_error(norm_loss, &n, x + i, dx[i]), <, 1e-7);
    }
    for (int i = 0; i < c; i++) {
        g_assert_cmpfloat(slope_error(norm_loss, &n, weight + i, sums[i]), <, 1e-7);
        g_assert_cmpfloat(slope_error(norm_loss, &n, bias + i, sums[c + i]), <, 1e-7);
    }
    for (int i = 0; with_map && i < n.period * c; i++) {
        g_assert_cmpfloat(slope_error(norm_loss, &n, map + i, dmap[i]), <, 1e-7);
    }
    norm_loss(&n);
    layernorm_forward(n.rows, c, weight, bias, n.map, n.period, in_place, NULL, NULL, in_place);
    g_assert_cmpmem(in_place, count * sizeof *y, y, count * sizeof *y);
}

static void test_layernorm(void)
{
    check_norm(5, TRUE);
    check_norm(16, FALSE);
    check_norm(37, TRUE); /* full registers and a rest */
}

/* ---- squeeze-excitation ---- */

typedef struct {
    Se se;
    int n, hw;
    real *x, *y, *parameters, *saved, *probe;
} SeCase;

static double se_loss(void *data)
{
    SeCase *s = data;
    int count = s->n * s->hw * s->se.c;
    memcpy(s->y, s->x, count * sizeof *s->y);
    se_forward(&s->se, s->parameters, s->n, s->hw, s->y, s->saved);
    return dot(s->y, s->probe, count);
}

static void test_squeeze_excitation(void)
{
    SeCase s = {.n = 2, .hw = 6};
    ParameterLayout layout = {0};
    se_init(&s.se, 34);
    g_assert_cmpint(s.se.reduced, ==, 2);
    parameter_layout_begin(&layout);
    se_layout(&s.se, &layout, "se");
    int64_t count = s.n * s.hw * s.se.c, numbers = layout.trainable;
    g_assert_cmpint(numbers, ==, 2 * 34 * 2 + 2 + 34);
    g_autofree real *x = s.x = random_array("x", count), *y = s.y = g_new(real, count);
    g_autofree real *parameters = s.parameters = random_array("parameters", numbers);
    g_autofree real *saved = s.saved = g_new(real, s.n * se_saved(&s.se)),
                    *probe = s.probe = random_array("probe", count);
    g_autofree real *dx = g_memdup2(probe, count * sizeof *probe), *gradient = g_new0(real, numbers);
    se_loss(&s);
    se_backward(&s.se, parameters, s.n, s.hw, y, saved, dx, gradient);
    for (int i = 0; i < count; i++) {
        g_assert_cmpfloat(slope_error(se_loss, &s, x + i, dx[i]), <, 1e-7);
    }
    for (int i = 0; i < numbers; i++) {
        g_assert_cmpfloat(slope_error(se_loss, &s, parameters + i, gradient[i]), <, 1e-7);
    }
    parameter_layout_initialise(&layout, 3, parameters); /* initially the gates are nearly open */
    g_assert_cmpfloat(parameters[s.se.bias2], ==, 2);
    parameter_layout_clear(&layout);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow-parts/average-pool/divisor", test_average_pool_divides_by_nine);
    g_test_add_func("/flow-parts/average-pool/odd", test_average_pool_of_odd_sizes);
    g_test_add_func("/flow-parts/code/values", test_code_values);
    g_test_add_func("/flow-parts/code/convolution", test_code_convolution);
    g_test_add_func("/flow-parts/resample/values", test_resample_values);
    g_test_add_func("/flow-parts/resample/transposes", test_resample_transposes);
    g_test_add_func("/flow-parts/layernorm", test_layernorm);
    g_test_add_func("/flow-parts/squeeze-excitation", test_squeeze_excitation);
    return g_test_run();
}

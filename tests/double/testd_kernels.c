/* The reference convolution in double: its backward functions are the derivatives of its forward function, and
 * its matrix product agrees with the definition. */
#include "flows/kernels/kernels.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define STEP 1e-6

typedef struct {
    ConvSpec spec;
    Conv *conv;
    real *x, *weight, *bias, *dy, *y;
    size_t x_count, w_count, y_count;
} Case;

/* A ConvSpec from numbers: map, channels, kernel, stride, padding, and other members. */
#define SPEC(N, H, W, I, O, K, S, P, ...)                                                                \
    {                                                                                                    \
        .n = N, .h = H, .w = W, .c_in = I, .c_out = O, .kernel = K, .stride = S, .pad = P, ##__VA_ARGS__ \
    }

static real *values(Rng *rng, size_t count)
{
    real *v = g_new(real, count);
    for (size_t i = 0; i < count; i++) {
        v[i] = rng_normal(rng);
    }
    return v;
}

static void case_begin(Case *c, const ConvSpec *spec)
{
    g_autoptr(GError) error = NULL;
    Rng rng = rng_at(5, spec->kernel, spec->stride);
    c->spec = *spec;
    c->spec.training = TRUE;
    c->conv = kernels_get("reference")->conv_new(&c->spec, NULL, NULL, &error);
    g_assert_no_error(error);
    c->x_count = (size_t)spec->n * spec->h * spec->w * spec->c_in;
    c->w_count = (size_t)spec->c_out * spec->c_in * spec->kernel * spec->kernel;
    c->y_count = (size_t)spec->n * conv_out_h(spec) * conv_out_w(spec) * spec->c_out;
    c->x = values(&rng, c->x_count);
    c->weight = values(&rng, c->w_count);
    c->bias = values(&rng, spec->c_out);
    c->dy = values(&rng, c->y_count);
    c->y = g_new(real, c->y_count);
}

static void case_end(Case *c)
{
    kernels_get("reference")->conv_free(c->conv);
    g_free(c->x);
    g_free(c->weight);
    g_free(c->bias);
    g_free(c->dy);
    g_free(c->y);
}

/* L = sum dy * y. */
static double loss(Case *c)
{
    double sum = 0;
    kernels_get("reference")->conv_forward(c->conv, c->x, c->weight, c->bias, NULL, c->y);
    for (size_t i = 0; i < c->y_count; i++) {
        sum += c->dy[i] * c->y[i];
    }
    return sum;
}

/* Central differences of L with respect to each of `parameter`. */
static void check_gradient(Case *c, real *parameter, const real *gradient, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        real kept = parameter[i];
        parameter[i] = kept + STEP;
        double above = loss(c);
        parameter[i] = kept - STEP;
        double below = loss(c);
        parameter[i] = kept;
        double numeric = (above - below) / (2 * STEP);
        g_assert_cmpfloat(fabs(numeric - gradient[i]), <, 1e-7 * (1 + fabs(numeric)));
    }
}

static void test_gradients(void)
{
    const ConvSpec shapes[] = {
        SPEC(2, 4, 5, 2, 3, 3, 1, 1, .pad_mode = PAD_ZERO),
        SPEC(2, 4, 5, 2, 3, 3, 1, 1, .pad_mode = PAD_REFLECT),
        SPEC(1, 7, 6, 2, 2, 3, 2, 1, .pad_mode = PAD_ZERO),
        SPEC(1, 7, 6, 2, 2, 3, 2, 1, .pad_mode = PAD_REFLECT),
        SPEC(2, 3, 3, 3, 2, 1, 1, 0, .pad_mode = PAD_ZERO),
        SPEC(1, 9, 8, 1, 2, 7, 2, 3, .pad_mode = PAD_REFLECT),
        SPEC(1, 5, 5, 2, 1, 1, 2, 0, .pad_mode = PAD_ZERO),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Case c;
        case_begin(&c, &shapes[i]);
        g_autofree real *dx = g_new(real, c.x_count), *dweight = g_new0(real, c.w_count);
        g_autofree real *dbias = g_new0(real, c.spec.c_out);
        kernels_get("reference")->conv_backward_data(c.conv, c.dy, c.weight, dx);
        kernels_get("reference")->conv_backward_weights(c.conv, c.x, c.dy, dweight, dbias);
        check_gradient(&c, c.x, dx, c.x_count);
        check_gradient(&c, c.weight, dweight, c.w_count);
        check_gradient(&c, c.bias, dbias, c.spec.c_out);
        case_end(&c);
    }
}

/* Gradients of weights are added to earlier values; gradients of data replace them. */
static void test_accumulation(void)
{
    const ConvSpec spec = SPEC(1, 4, 4, 2, 2, 3, 1, 1, .pad_mode = PAD_ZERO);
    Case c;
    case_begin(&c, &spec);
    g_autofree real *once = g_new0(real, c.w_count), *twice = g_new0(real, c.w_count);
    const Kernels *k = kernels_get("reference");
    k->conv_backward_weights(c.conv, c.x, c.dy, once, NULL);
    k->conv_backward_weights(c.conv, c.x, c.dy, twice, NULL);
    k->conv_backward_weights(c.conv, c.x, c.dy, twice, NULL);
    for (size_t i = 0; i < c.w_count; i++) {
        g_assert_cmpfloat(fabs(twice[i] - 2 * once[i]), <, 1e-12);
    }
    case_end(&c);
}

/* By hand: a 3x3 box filter on a 2x2 map, with both borders. */
static void test_borders_by_hand(void)
{
    const real x[4] = {1, 2, 3, 4}, weight[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const real zero[4] = {10, 10, 10, 10}, reflect[4] = {27, 24, 21, 18};
    for (int mode = 0; mode < 2; mode++) {
        const ConvSpec spec = SPEC(1, 2, 2, 1, 1, 3, 1, 1, .pad_mode = mode ? PAD_REFLECT : PAD_ZERO);
        Conv *conv = kernels_get("reference")->conv_new(&spec, weight, NULL, NULL);
        real y[4];
        kernels_get("reference")->conv_forward(conv, x, NULL, NULL, NULL, y);
        g_assert_cmpmem(y, sizeof y, mode ? reflect : zero, sizeof y);
        kernels_get("reference")->conv_free(conv);
    }
}

static double element(const real *matrix, gboolean transposed, int rows, int columns, int i, int j)
{
    return transposed ? matrix[(size_t)j * rows + i] : matrix[(size_t)i * columns + j];
}

static void test_gemm(void)
{
    enum { M = 3, N = 5, K = 4 };
    for (int flags = 0; flags < 4; flags++) {
        Rng rng = rng_at(9, flags, 0);
        g_autofree real *a = values(&rng, M * K), *b = values(&rng, K * N), *before = values(&rng, M * N);
        g_autofree real *c = g_memdup2(before, sizeof(real) * M * N);
        kernels_get("reference")->gemm(flags & 1, flags >> 1, M, N, K, 0.7, a, b, -0.3, c);
        for (int i = 0; i < M * N; i++) {
            double sum = 0;
            for (int k = 0; k < K; k++) {
                sum += element(a, flags & 1, M, K, i / N, k) * element(b, flags >> 1, K, N, k, i % N);
            }
            g_assert_cmpfloat(fabs(c[i] - (0.7 * sum - 0.3 * before[i])), <, 1e-13);
        }
    }
}

/* In double there is one entry. */
static void test_only_reference(void)
{
    g_assert_cmpstr(kernels_names(), ==, "reference");
    g_assert_true(kernels_get(NULL) == kernels_get("reference"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernels-double/gradients", test_gradients);
    g_test_add_func("/kernels-double/accumulation", test_accumulation);
    g_test_add_func("/kernels-double/borders-by-hand", test_borders_by_hand);
    g_test_add_func("/kernels-double/gemm", test_gemm);
    g_test_add_func("/kernels-double/only-reference", test_only_reference);
    return g_test_run();
}

/* Parts of the flows, and the pyramid with the gradient of its laterals, against torch, in double, on maps of odd sizes.  Steps are in
 * testd_flow_steps.c, whole models in testd_msflow.c. */
#include "flows/layers/avgpool.h"
#include "flows/layers/fpn.h"
#include "flows/layers/layernorm.h"
#include "flows/layers/poscode.h"
#include "flows/layers/map_resize.h"
#include "flows/layers/se.h"
#include "tests/flow_golden.h"

enum { N = 2, C = 34, H = 5, W = 7, OH = 2, OW = 3, COUNT = N * H * W * C };

static void test_pooling(void)
{
    g_autoptr(Golden) golden = golden_open("ops");
    g_autofree real *x = golden_real(golden, "x"), *y = g_new(real, N * 3 * 4 * C);
    avgpool_forward(N, H, W, C, x, y);
    assert_golden(golden, "avgpool", y, 1e-12);
}

static void test_resampling(void)
{
    g_autoptr(Golden) golden = golden_open("ops");
    g_autofree real *x = golden_real(golden, "x"), *small = golden_real(golden, "small"),
                    *dy = golden_real(golden, "dy");
    g_autofree real *down = g_new0(real, N * OH * OW * C), *up = g_new(real, COUNT),
                    *dx = g_new0(real, COUNT);
    g_autofree real *dsmall = g_new0(real, N * OH * OW * C);
    adaptive_average_forward(N, H, W, C, x, OH, OW, down, C);
    assert_golden(golden, "adaptive", down, 1e-12);
    adaptive_average_backward(N, H, W, C, dx, OH, OW, small, C);
    assert_golden(golden, "adaptive_dx", dx, 1e-12);
    bilinear_add_forward(N, OH, OW, C, small, C, H, W, x, up);
    assert_golden(golden, "bilinear", up, 1e-12);
    bilinear_backward(N, OH, OW, C, dsmall, C, H, W, dy);
    assert_golden(golden, "bilinear_dx", dsmall, 1e-12);
}

/* The parameters of one layer, from the case. */
static real *layer_parameters(Golden *golden, ParameterLayout *layout)
{
    g_autoptr(GArray) table = parameter_layout_by_offset(layout);
    real *parameters = g_new0(real, layout->trainable);
    golden_parameters(golden, (const Parameter *)(const void *)table->data, (int)table->len, parameters);
    return parameters;
}

static void test_layernorm(void)
{
    g_autoptr(Golden) golden = golden_open("ops");
    ParameterLayout layout = {0};
    int64_t shape[4] = {C};
    parameter_layout_begin(&layout);
    int64_t weight = parameter_layout_add(&layout, TRUE, "norm", "weight", shape, 0, 0);
    int64_t bias = parameter_layout_add(&layout, TRUE, "norm", "bias", shape, 0, 0);
    g_autofree real *p = layer_parameters(golden, &layout), *x = golden_real(golden, "x");
    g_autofree real *y = g_new(real, COUNT), *xh = g_new(real, COUNT), *rstd = g_new(real, N * H * W);
    g_autofree real *dy = golden_real(golden, "dy"), *dx = g_new(real, COUNT);
    double sums[2 * C] = {0};
    real slopes[2 * C];
    layernorm_forward(N * H * W, C, p + weight, p + bias, NULL, 1, x, xh, rstd, y);
    assert_golden(golden, "norm_y", y, 1e-12);
    layernorm_backward(N * H * W, C, p + weight, p + bias, xh, rstd, dy, dx, NULL, 1, sums, sums + C);
    assert_golden(golden, "norm_dx", dx, 1e-9);
    for (int i = 0; i < 2 * C; i++) {
        slopes[i] = (real)sums[i];
    }
    assert_golden(golden, "norm_dweight", slopes, 1e-9);
    assert_golden(golden, "norm_dbias", slopes + C, 1e-9);
    parameter_layout_clear(&layout);
}

static void test_squeeze_excitation(void)
{
    g_autoptr(Golden) golden = golden_open("ops");
    ParameterLayout layout = {0};
    Se se;
    se_init(&se, C);
    parameter_layout_begin(&layout);
    se_layout(&se, &layout, "se");
    g_autofree real *p = layer_parameters(golden, &layout), *y = golden_real(golden, "x");
    g_autofree real *saved = g_new(real, N * se_saved(&se)), *dx = golden_real(golden, "dy");
    g_autofree real *gradient = g_new0(real, layout.trainable);
    se_forward(&se, p, N, H * W, y, saved);
    assert_golden(golden, "se_y", y, 1e-12);
    se_backward(&se, p, N, H * W, y, saved, dx, gradient);
    assert_golden(golden, "se_dx", dx, 1e-9);
    assert_golden(golden, "se_gradient", gradient, 1e-9);
    parameter_layout_clear(&layout);
}

static void test_positional_code(void)
{
    enum { P = 8 };
    g_autoptr(Golden) golden = golden_open("ops");
    g_autoptr(Arena) arena = arena_new();
    g_autofree real *map = g_new(real, H * W * P);
    Poscode code;
    poscode_init(&code, P, H, W, arena);
    for (int p = 0; p < H * W; p++) {
        memcpy(map + p * P, code.column + p % W * P / 2, P / 2 * sizeof *map);
        memcpy(map + p * P + P / 2, code.row + p / W * P / 2, P / 2 * sizeof *map);
    }
    assert_golden(golden, "code", map, 1e-12);
}

/* ---- the pyramid ---- */

static void test_pyramid(void)
{
    static const int channels[SCALES] = {8, 12, 16}, size[SCALES] = {7, 4, 2};
    enum { WIDTH = 6 };
    g_autoptr(Golden) golden = golden_open("fpn");
    g_autoptr(Arena) arena = arena_new();
    ParameterLayout layout = {0};
    Fpn fpn;
    FpnRun run;
    real *y[SCALES], *dout[SCALES], *dlateral[SCALES];
    fpn_init(&fpn, channels, size, WIDTH, FALSE, TRUE, arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&layout);
        fpn_layout(&fpn, &layout);
    }
    g_autoptr(GArray) table = parameter_layout_by_offset(&layout);
    const Parameter *tensors = (const Parameter *)(const void *)table->data;
    g_autofree real *p = g_new0(real, layout.trainable + layout.fixed);
    g_autofree real *gradient = g_new0(real, layout.trainable);
    golden_parameters(golden, tensors, (int)table->len, p);
    fpn_refresh(&fpn, p);
    fpn_run_init(&run, &fpn, kernels_get("reference"), 2, TRUE, arena);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *in = g_strdup_printf("y%d", l), *slope = g_strdup_printf("dout%d", l);
        y[l] = golden_real(golden, in);
        dout[l] = golden_real(golden, slope);
        dlateral[l] = gradient + fpn.lateral[l];
    }
    fpn_forward(&run, p, (const real *const *)y);
    fpn_backward(&run, p, (const real *const *)dout, dlateral);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *out = g_strdup_printf("out%d", l);
        assert_golden(golden, out, run.out[l], 1e-12);
        g_free(y[l]);
        g_free(dout[l]);
    }
    assert_golden_flat(golden, "gradient", golden, tensors, (int)table->len, gradient, 1e-9);
    parameter_layout_clear(&layout);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow-golden/pooling", test_pooling);
    g_test_add_func("/flow-golden/resampling", test_resampling);
    g_test_add_func("/flow-golden/layernorm", test_layernorm);
    g_test_add_func("/flow-golden/squeeze-excitation", test_squeeze_excitation);
    g_test_add_func("/flow-golden/positional-code", test_positional_code);
    g_test_add_func("/flow-golden/pyramid", test_pyramid);
    return g_test_run();
}

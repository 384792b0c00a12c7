/* Log-determinants by brute force, in double, on maps of odd sizes: layers, chains of steps and whole flows report ln |det| of their
 * finite-difference Jacobian. */
#include "flows/layers/chain.h"
#include "flows/layers/fusion.h"
#include "flows/layers/invconv.h"
#include "flows/models/msflow.h"
#include "base/rng.h"
#include "tests/flow_numeric.h"
#include <string.h>

/* A function from x to y, both in memory that it owns. */
typedef struct {
    int64_t in; /* numbers of x */
    real *x;
    void (*forward)(void *data, double *y, double *logdet); /* one image */
    void *data;
} Layer;

static void assert_logdet(const Layer *layer, const char *what)
{
    int d = (int)layer->in;
    double logdet = 0, ignored;
    g_autofree double *jacobian = g_new(double, (int64_t)d *d), *y = g_new(double, d),
                      *below = g_new(double, d);
    for (int i = 0; i < d; i++) {
        real keep = layer->x[i];
        layer->x[i] = keep + 1e-5;
        layer->forward(layer->data, y, &ignored);
        layer->x[i] = keep - 1e-5;
        layer->forward(layer->data, below, &ignored);
        layer->x[i] = keep;
        for (int k = 0; k < d; k++) {
            jacobian[k * d + i] = (y[k] - below[k]) / 2e-5;
        }
    }
    layer->forward(layer->data, y, &logdet);
    double numeric = log_determinant(jacobian, d);
    g_test_message("%s: %g, numeric %g", what, logdet, numeric);
    g_assert_cmpfloat(fabs(logdet), >, 1e-3);
    g_assert_cmpfloat_with_epsilon(logdet, numeric, 1e-6);
}

static real *normals(const char *name, int64_t count)
{
    Rng rng = rng_at(12, rng_name(name), 0);
    real *x = g_new(real, count);
    for (int64_t i = 0; i < count; i++) {
        x[i] = rng_normal(&rng);
    }
    return x;
}

/* The parameters of a layout, moved a little from their initial values. */
static real *shaken(const ParameterLayout *layout, real *p)
{
    Rng rng = rng_at(6, 7, 8);
    for (int64_t i = 0; i < layout->trainable; i++) {
        p[i] += 0.2 * rng_normal(&rng);
    }
    return p;
}

static void widen(const real *y, int64_t count, double *out)
{
    for (int64_t i = 0; i < count; i++) {
        out[i] = y[i];
    }
}

/* ---- ActNorm and the 1x1 convolution ---- */

enum { C = 5, H = 1, W = 3 };

typedef struct {
    Invconv layer;
    InvconvRun run;
    real *x, y[C * H * W];
} InvconvCase;

static void invconv_one(void *data, double *y, double *logdet)
{
    InvconvCase *c = data;
    *logdet = 0;
    invconv_forward(&c->run, c->x, c->y, logdet);
    widen(c->y, C * H * W, y);
}

/* ActNorm alone (the 1x1 convolution is orthogonal), the convolution alone (ActNorm is 1), both. */
static void test_actnorm_and_invconv(void)
{
    static const char *const names[] = {"ActNorm", "1x1 convolution", "both"};
    for (int part = 0; part < 3; part++) {
        g_autoptr(Arena) arena = arena_new();
        InvconvCase c = {0};
        ParameterLayout layout = {0};
        Rng rng = rng_at(1, 2, (uint32_t)part);
        invconv_init(&c.layer, C, H, W, arena);
        for (int pass = 0; pass < 2; pass++) {
            parameter_layout_begin(&layout);
            invconv_layout(&c.layer, &layout, "a");
        }
        g_autofree real *p = g_new0(real, layout.trainable + layout.fixed), *x = normals("x", C * H * W);
        parameter_layout_initialise(&layout, 5, p);
        invconv_initialise(&c.layer, 5, "a", p);
        for (int i = 0; i < C * C && part != 0; i++) {
            p[c.layer.lu + i] += 0.3 * rng_normal(&rng);
        }
        for (int i = 0; i < C && part != 1; i++) {
            p[c.layer.bias + i] = rng_normal(&rng);
            p[c.layer.log_scale + i] = 0.5 * rng_normal(&rng);
        }
        invconv_refresh(&c.layer, p);
        invconv_run_init(&c.run, &c.layer, kernels_get("reference"), 1, FALSE, NULL, arena);
        c.x = x;
        assert_logdet(&(Layer){C * H * W, x, invconv_one, &c}, names[part]);
        parameter_layout_clear(&layout);
    }
}

/* ---- coupling, steps, chains ---- */

typedef struct {
    Chain chain;
    ChainRun run;
    real *p, *x;
    int64_t count;
} ChainCase;

static void chain_one(void *data, double *y, double *logdet)
{
    ChainCase *c = data;
    *logdet = 0;
    widen(chain_forward(&c->run, c->p, c->x, logdet), c->count, y);
}

/* Steps of both kinds, old and new clamp, with and without SE, even and odd channels, alone and in chains. */
static void test_chains(void)
{
    for (int v = 0; v < 16; v++) {
        g_autoptr(Arena) arena = arena_new();
        StepSpec spec = {.kind = v & 1 ? STEP_GLOW : STEP_AIO,
                         .clamp_new = (v & 2) != 0,
                         .se = (v & 4) != 0,
                         .condition = 4,
                         .alpha = 1.9};
        int channels = v & 2 ? 5 : 4, steps = v & 8 ? 3 : 1;
        g_autofree char *name = g_strdup_printf("%d %s of %d channels%s%s", steps, v & 1 ? "glow" : "aio",
                                                channels, v & 2 ? ", new clamp" : "", v & 4 ? ", SE" : "");
        ChainCase c = {.count = 9 * channels};
        ParameterLayout layout = {0};
        chain_init(&c.chain, &spec, channels, 3, steps, arena);
        for (int pass = 0; pass < 2; pass++) {
            parameter_layout_begin(&layout);
            chain_layout(&c.chain, &layout, "flow0");
        }
        g_autofree real *p = g_new0(real, layout.trainable + layout.fixed), *x = normals("chain", c.count);
        parameter_layout_initialise(&layout, 11, p);
        chain_initialise(&c.chain, 11, "flow0", p);
        c.p = shaken(&layout, p);
        c.x = x;
        for (int i = 0; i < c.chain.count; i++) {
            chain_refresh_step(&c.chain, i, p);
        }
        chain_run_init(&c.run, &c.chain, p, kernels_get("reference"), 1, FALSE, arena);
        assert_logdet(&(Layer){c.count, x, chain_one, &c}, name);
        parameter_layout_clear(&layout);
    }
}

/* ---- fusion ---- */

typedef struct {
    FusionRun run;
    real *p, *x; /* the three scales one after the other */
    int64_t count[SCALES];
} FusionCase;

static void fusion_one(void *data, double *y, double *logdet)
{
    FusionCase *c = data;
    const real *x[SCALES];
    int64_t at = 0;
    *logdet = 0;
    for (int l = 0; l < SCALES; at += c->count[l++]) {
        x[l] = c->x + at;
    }
    fusion_forward(&c->run, c->p, x, logdet);
    for (int l = 0; l < SCALES; y += c->count[l++]) {
        widen(c->run.z[l], c->count[l], y);
    }
}

static void test_fusion(void)
{
    static const int channels[SCALES] = {4, 5, 6}, size[SCALES] = {3, 2, 1};
    g_autoptr(Arena) arena = arena_new();
    FusionCase c = {0};
    Fusion fusion;
    ParameterLayout layout = {0};
    fusion_init(&fusion, channels, size, 1.9, arena);
    for (int pass = 0; pass < 2; pass++) {
        parameter_layout_begin(&layout);
        fusion_layout(&fusion, &layout, "fusion");
    }
    int64_t all = 0;
    for (int l = 0; l < SCALES; l++) {
        all += c.count[l] = (int64_t)size[l] * size[l] * channels[l];
    }
    g_autofree real *p = g_new0(real, layout.trainable + layout.fixed), *x = normals("fusion", all);
    parameter_layout_initialise(&layout, 3, p);
    fusion_initialise(&fusion, 3, "fusion", p);
    c.p = shaken(&layout, p);
    c.x = x;
    fusion_refresh(&fusion, p);
    fusion_run_init(&c.run, &fusion, p, kernels_get("reference"), 1, FALSE, arena);
    assert_logdet(&(Layer){all, x, fusion_one, &c}, "fusion");
    parameter_layout_clear(&layout);
}

/* ---- whole flows, from their input ---- */

typedef struct {
    Msflow *flow;
    MsflowRun *run;
    real *x;
    int64_t count[SCALES];
} FlowCase;

static void flow_one(void *data, double *y, double *logdet)
{
    FlowCase *c = data;
    const real *x[SCALES], *z[SCALES];
    int64_t at = 0;
    for (int l = 0; l < SCALES; at += c->count[l++]) {
        x[l] = c->x + at;
    }
    msflow_forward_input(c->run, x, z, logdet);
    for (int l = 0; l < SCALES; y += c->count[l++]) {
        widen(z[l], c->count[l], y);
    }
}

static void test_whole_flows(void)
{
    for (int v = 0; v < 8; v++) {
        MsflowSpec spec = {.channels = {6, 6, 6},
                           .size = {6, 4, 2},
                           .blocks = {1, 2, 2},
                           .step = v & 1 ? STEP_GLOW : STEP_AIO,
                           .fpn = v & 2 ? FPN_ORTHOGONAL : FPN_NONE,
                           .fpn_width = v & 2 ? 4 : 0,
                           .se = (v & 4) != 0,
                           .clamp_new = (v & 4) != 0,
                           .condition = 4,
                           .alpha = 1.9,
                           .seed = 2};
        g_autoptr(Msflow) flow = msflow_new(&spec, NULL);
        FlowCase c = {.flow = flow};
        int64_t trainable, all = msflow_dimensions(flow);
        real *p = msflow_parameters(flow, &trainable, NULL);
        shaken(&(ParameterLayout){.trainable = trainable}, p);
        msflow_refresh(flow);
        c.run = msflow_run_new(flow, kernels_get("reference"), 1, FALSE, NULL);
        for (int l = 0; l < SCALES; l++) {
            int side = msflow_latent_size(flow, l);
            c.count[l] = (int64_t)side * side * msflow_latent_channels(flow, l);
        }
        g_autofree real *x = normals("flow", all);
        g_autofree char *name = g_strdup_printf("flow %d of %" G_GINT64_FORMAT " dimensions", v, all);
        c.x = x;
        assert_logdet(&(Layer){all, x, flow_one, &c}, name);
        msflow_run_free(c.run);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow-jacobian/invconv", test_actnorm_and_invconv);
    g_test_add_func("/flow-jacobian/chains", test_chains);
    g_test_add_func("/flow-jacobian/fusion", test_fusion);
    g_test_add_func("/flow-jacobian/whole", test_whole_flows);
    return g_test_run();
}

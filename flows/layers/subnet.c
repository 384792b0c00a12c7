/* The input of conv1 is [x1 ; code].  What the code contributes is a map that is the same for all images and is computed once per
 * change of the parameters (flows/layers/poscode.c).  Only the passive channels go through a convolution, and the pass that
 * normalises adds the map.  In the flat array conv1 keeps torch's shape (mid, mid, 3, 3). */
#include "flows/layers/subnet.h"
#include "flows/layers/layernorm.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

void subnet_init(Subnet *subnet, const Poscode *code, int in, int out, gboolean se, Arena *arena)
{
    int64_t mid = in + code->channels; /* MSFlow: hidden channels = input channels */
    /* SE is laid out only with has_se, but its sizes are always known. */
    *subnet = (Subnet){.code = code, .in = in, .mid = (int)mid, .out = out, .has_se = se};
    se_init(&subnet->se, subnet->mid);
    subnet->passive_weight = arena_real(arena, mid * in * 9, "weights of a subnet");
    subnet->code_map = arena_real(arena, (int64_t)code->h * code->w * mid, "positional map of a subnet");
    subnet->scratch = arena_real(arena, poscode_scratch(code, subnet->mid), "positional map of a subnet");
}

void subnet_layout(Subnet *subnet, ParameterLayout *layout, const char *prefix)
{
    int mid = subnet->mid;
    /* The order of these calls is the order in the file of a model. */
    parameter_layout_add_conv(layout, prefix, "conv1", mid, mid, 3, &subnet->conv1_weight,
                              &subnet->conv1_bias);
    subnet->norm_weight = parameter_layout_add(layout, TRUE, prefix, "norm.weight", (int64_t[4]){mid}, 1, 1);
    subnet->norm_bias = parameter_layout_add(layout, TRUE, prefix, "norm.bias", (int64_t[4]){mid}, 0, 0);
    if (subnet->has_se) {
        g_autofree char *name = g_strdup_printf("%s.se", prefix);
        se_layout(&subnet->se, layout, name);
    }
    parameter_layout_add_conv(layout, prefix, "conv2", subnet->out, mid, 3, &subnet->conv2_weight,
                              &subnet->conv2_bias);
}

void subnet_refresh(Subnet *subnet, const real *parameters)
{
    const real *weight = parameters + subnet->conv1_weight;
    /* The first `in` input channels of conv1 are the passive ones, the rest the code's. */
    size_t part = (size_t)subnet->in * 9, whole = (size_t)subnet->mid * 9;
    /* conv1.weight (mid, mid, 3, 3) -> passive_weight (mid, in, 3, 3). */
    for (int o = 0; o < subnet->mid; o++) {
        memcpy(subnet->passive_weight + o * part, weight + o * whole, part * sizeof *weight);
    }
    poscode_conv_forward(subnet->code, subnet->mid, subnet->mid, weight, parameters + subnet->conv1_bias,
                         subnet->scratch, subnet->code_map);
}

/* Without training, the activations overwrite the hidden map. */
static void take_buffers(SubnetRun *run, Arena *arena)
{
    const Subnet *s = run->subnet;
    int64_t rows = (int64_t)run->n * s->code->h * s->code->w;
    /* (n, h, w, channels) each. */
    run->x = arena_real(arena, rows * s->in, "passive channels");
    run->hidden = arena_real(arena, rows * s->mid, "hidden map of a subnet");
    run->act = run->hidden;
    run->out = arena_real(arena, rows * s->out, "output of a subnet");
    run->se_saved = arena_real(arena, run->n * se_saved(&s->se), "gates");
    if (run->training) {
        run->act = arena_real(arena, rows * s->mid, "activations of a subnet");
        run->rstd = arena_real(arena, rows, "deviations of a subnet");
    }
}

/* The gradients of one step are used up before those of the next one are computed, so all steps of a scale share them. */
static void take_gradients(SubnetRun *run, Arena *arena)
{
    const Subnet *s = run->subnet;
    int64_t hw = (int64_t)s->code->h * s->code->w, rows = run->n * hw;
    /* (n, h, w, channels) each; dmap (h, w, mid), dpassive (mid, in, 3, 3), dnorm (2, mid). */
    run->dout = arena_real(arena, rows * s->out, "gradient of a subnet");
    run->dx = arena_real(arena, rows * s->in, "gradient of a subnet");
    run->dact = arena_real(arena, rows * s->mid, "gradient of a subnet");
    run->dmap = arena_real(arena, hw * s->mid, "gradient of a subnet");
    run->dpassive = arena_real(arena, (int64_t)s->mid * s->in * 9, "gradient of a subnet");
    run->scratch = arena_real(arena, poscode_scratch(s->code, s->mid), "gradient of a subnet");
    run->dnorm = arena_double(arena, 2 * (int64_t)s->mid, "gradient of a subnet");
}

static void share_gradients(SubnetRun *run, const SubnetRun *share)
{
    run->dout = share->dout;
    run->dx = share->dx;
    run->dact = share->dact;
    run->dmap = share->dmap;
    run->dpassive = share->dpassive;
    run->scratch = share->scratch;
    run->dnorm = share->dnorm;
}

void subnet_run_init(SubnetRun *run, const Subnet *subnet, const real *parameters, const Kernels *kernels,
                     int n, gboolean training, const SubnetRun *share, Arena *arena)
{
    ConvSpec spec = {.n = n,
                     .h = subnet->code->h,
                     .w = subnet->code->w,
                     .c_in = subnet->in,
                     .c_out = subnet->mid,
                     .kernel = 3,
                     .stride = 1,
                     .pad = 1,
                     .pad_mode = PAD_ZERO,
                     .training = training};
    if (share && !training) { /* nothing is kept from one step to the next */
        *run = *share;
        run->subnet = subnet;
    } else {
        *run = (SubnetRun){.subnet = subnet, .kernels = kernels, .training = training, .n = n};
        take_buffers(run, arena);
    }
    if (training && share) {
        share_gradients(run, share);
    } else if (training) {
        take_gradients(run, arena);
    }
    /* conv1 has no bias: the code's map includes it. */
    run->conv1 = arena_conv(arena, kernels, &spec, subnet->passive_weight, NULL);
    /* conv2: mid -> out, the same size, kernel and padding. */
    spec.c_in = subnet->mid;
    spec.c_out = subnet->out;
    run->conv2 =
        arena_conv(arena, kernels, &spec, parameters + subnet->conv2_weight, parameters + subnet->conv2_bias);
}

void subnet_forward(SubnetRun *run, const real *parameters)
{
    const Subnet *s = run->subnet;
    int64_t hw = (int64_t)s->code->h * s->code->w;
    /* Without training the convolutions have packed their weights. */
    const real *w1 = run->training ? s->passive_weight : NULL;
    const real *w2 = run->training ? parameters + s->conv2_weight : NULL;
    const real *b2 = run->training ? parameters + s->conv2_bias : NULL;
    /* x (n, h, w, in) -> hidden (n, h, w, mid) -> + code map, LayerNorm, ReLU -> act (n, h, w, mid) -> out (n, h, w, out). */
    run->kernels->conv_forward(run->conv1, run->x, w1, NULL, NULL, run->hidden);
    layernorm_forward(run->n * hw, s->mid, parameters + s->norm_weight, parameters + s->norm_bias,
                      s->code_map, hw, run->hidden, run->training ? run->hidden : NULL, run->rstd, run->act);
    if (s->has_se) {
        se_forward(&s->se, parameters, run->n, hw, run->act, run->se_saved);
    }
    run->kernels->conv_forward(run->conv2, run->act, w2, b2, NULL, run->out);
}

/* run->dact, in place through ReLU and LayerNorm; run->dmap (h, w, mid): its sum over the images. */
static void norm_backward(SubnetRun *run, const real *parameters, real *gradient)
{
    const Subnet *s = run->subnet;
    int64_t hw = (int64_t)s->code->h * s->code->w;
    memset(run->dnorm, 0, 2 * s->mid * sizeof *run->dnorm);
    /* The map was added to every image, so its gradient is the sum over the images. */
    memset(run->dmap, 0, hw * s->mid * sizeof *run->dmap);
    layernorm_backward(run->n * hw, s->mid, parameters + s->norm_weight, parameters + s->norm_bias,
                       run->hidden, run->rstd, run->dact, run->dact, run->dmap, hw, run->dnorm,
                       run->dnorm + s->mid);
    /* Summed in double over all pixels, rounded once. */
    for (int i = 0; i < s->mid; i++) {
        gradient[s->norm_weight + i] += (real)run->dnorm[i];
        gradient[s->norm_bias + i] += (real)run->dnorm[s->mid + i];
    }
}

/* Gradients of conv1, in two parts: the passive channels' and the code's. */
static void conv1_backward(SubnetRun *run, real *gradient)
{
    const Subnet *s = run->subnet;
    size_t part = (size_t)s->in * 9, whole = (size_t)s->mid * 9;
    memset(run->dpassive, 0, s->mid * part * sizeof *run->dpassive);
    run->kernels->conv_backward_weights(run->conv1, run->x, run->dact, run->dpassive, NULL);
    /* dpassive (mid, in, 3, 3) into the first input channels of conv1.weight (mid, mid, 3, 3). */
    for (int o = 0; o < s->mid; o++) {
        real *to = gradient + s->conv1_weight + o * whole;
        for (size_t i = 0; i < part; i++) {
            to[i] += run->dpassive[o * part + i];
        }
    }
    /* The rest of conv1.weight: the code's channels, and the bias, which is in the map. */
    poscode_conv_backward(s->code, s->mid, s->mid, run->dmap, run->scratch, gradient + s->conv1_weight,
                          gradient + s->conv1_bias);
    run->kernels->conv_backward_data(run->conv1, run->dact, s->passive_weight, run->dx);
}

void subnet_backward(SubnetRun *run, const real *parameters, real *gradient)
{
    const Subnet *s = run->subnet;
    /* dout -> dact (n, h, w, mid), which then goes back through SE, ReLU and LayerNorm in place, and to dx (n, h, w, in). */
    run->kernels->conv_backward_weights(run->conv2, run->act, run->dout, gradient + s->conv2_weight,
                                        gradient + s->conv2_bias);
    run->kernels->conv_backward_data(run->conv2, run->dout, parameters + s->conv2_weight, run->dact);
    if (s->has_se) {
        se_backward(&s->se, parameters, run->n, (int64_t)s->code->h * s->code->w, run->act, run->se_saved,
                    run->dact, gradient);
    }
    norm_backward(run, parameters, gradient);
    conv1_backward(run, gradient);
}

/* The subnet of the fusion flow, forward and backward.  The heads S_l and T_l read the same map, and their weights follow each
 * other in the flat array.  So one convolution with twice the outputs computes both and leaves [S | T] in each pixel, as
 * flows/layers/softclamp.h expects it. */
#include "flows/layers/fusion_net.h"
#include "flows/layers/layernorm.h"
#include "flows/layers/map_resize.h"
#include "flows/kernels/vecmath.h"
#include <string.h>

#define BOTTLENECK 4 /* T over the channels of the hidden map */

void fusion_net_init(FusionNet *net, const int in[SCALES], const int out[SCALES])
{
    *net = (FusionNet){0};
    for (int l = 0; l < SCALES; l++) {
        net->in[l] = in[l];
        net->out[l] = out[l];
        net->total += in[l];
    }
    /* The subnet reads all scales at once: T input channels. */
    net->mid = MAX(1, net->total / BOTTLENECK);
}

void fusion_net_layout(FusionNet *net, ParameterLayout *layout, const char *prefix)
{
    parameter_layout_add_conv(layout, prefix, "conv1", net->mid, net->total, 3, &net->conv1_weight,
                              &net->conv1_bias);
    net->norm_weight =
        parameter_layout_add(layout, TRUE, prefix, "norm.weight", (int64_t[4]){net->mid}, 1, 1);
    net->norm_bias = parameter_layout_add(layout, TRUE, prefix, "norm.bias", (int64_t[4]){net->mid}, 0, 0);
    parameter_layout_add_conv(layout, prefix, "conv2", net->total, net->mid, 3, &net->conv2_weight,
                              &net->conv2_bias);
    for (int l = 0; l < SCALES; l++) {
        double bound = 1 / sqrt(9.0 * net->in[l]); /* as parameter_layout_add_conv, for two tensors each */
        g_autofree char *name = g_strdup_printf("%s.level%d", prefix, l);
        /* S and T are two tensors in the file of a model, next to each other in memory. */
        int64_t weight[4] = {net->out[l], net->in[l], 3, 3}, bias[4] = {net->out[l]};
        net->head_weight[l] = parameter_layout_add(layout, TRUE, name, "S.weight", weight, -bound, bound);
        parameter_layout_add(layout, TRUE, name, "T.weight", weight, -bound, bound);
        net->head_bias[l] = parameter_layout_add(layout, TRUE, name, "S.bias", bias, -bound, bound);
        parameter_layout_add(layout, TRUE, name, "T.bias", bias, -bound, bound);
    }
}

/* Pixels of scale l in all images. */
int64_t fusion_net_pixels(const FusionRun *run, int l)
{
    return (int64_t)run->n * run->fusion->h[l] * run->fusion->w[l];
}

/* Without training, the activations overwrite the hidden map. */
static void take_buffers(FusionRun *run, const FusionNet *net, FusionNetRun *nr, Arena *arena)
{
    int64_t small = fusion_net_pixels(run, SCALES - 1); /* of all images at the smallest size */
    nr->pooled = arena_real(arena, small * net->total, "fusion map");
    nr->hidden = arena_real(arena, small * net->mid, "fusion map");
    nr->rstd = run->training ? arena_real(arena, small, "fusion map") : NULL;
    nr->act = run->training ? arena_real(arena, small * net->mid, "fusion map") : nr->hidden;
    nr->merged = arena_real(arena, small * net->total, "fusion map");
    for (int l = 0; l < SCALES; l++) {
        nr->sum[l] = arena_real(arena, fusion_net_pixels(run, l) * net->in[l], "fusion map");
        nr->st[l] = arena_real(arena, fusion_net_pixels(run, l) * 2 * net->out[l], "fusion map");
    }
}

void fusion_net_run_init(FusionRun *run, int which, const real *parameters, Arena *arena)
{
    const Fusion *fusion = run->fusion;
    const FusionNet *net = &fusion->net[which];
    FusionNetRun *nr = &run->net[which];
    ConvSpec spec = {.n = run->n,
                     .h = fusion->h[SCALES - 1],
                     .w = fusion->w[SCALES - 1],
                     .c_in = net->total,
                     .c_out = net->mid,
                     .kernel = 3,
                     .stride = 1,
                     .pad = 1,
                     .pad_mode = PAD_ZERO,
                     .training = run->training};
    take_buffers(run, net, nr, arena);
    /* conv1 (total -> mid) and conv2 (mid -> total, ReLU) run at the smallest size, the heads at the size of their scale. */
    nr->conv1 =
        arena_conv(arena, run->kernels, &spec, parameters + net->conv1_weight, parameters + net->conv1_bias);
    spec.c_in = net->mid;
    spec.c_out = net->total;
    spec.relu = TRUE;
    nr->conv2 =
        arena_conv(arena, run->kernels, &spec, parameters + net->conv2_weight, parameters + net->conv2_bias);
    spec.relu = FALSE;
    for (int l = 0; l < SCALES; l++) {
        spec.h = fusion->h[l];
        spec.w = fusion->w[l];
        spec.c_in = net->in[l];
        spec.c_out = 2 * net->out[l];
        nr->head[l] = arena_conv(arena, run->kernels, &spec, parameters + net->head_weight[l],
                                 parameters + net->head_bias[l]);
    }
}

/* One convolution of the subnet; weight and bias are offsets. */
static void convolve(const FusionRun *run, Conv *conv, const real *parameters, const real *x, int64_t weight,
                     int64_t bias, real *y)
{
    run->kernels->conv_forward(conv, x, run->training ? parameters + weight : NULL,
                               run->training ? parameters + bias : NULL, NULL, y);
}

void fusion_net_forward(FusionRun *run, int which, const real *parameters, real *const x[SCALES])
{
    const Fusion *f = run->fusion;
    const FusionNet *net = &f->net[which];
    FusionNetRun *nr = &run->net[which];
    int h = f->h[SCALES - 1], w = f->w[SCALES - 1];
    /* at: where the slice of scale l begins in the concatenated channels. */
    for (int l = 0, at = 0; l < SCALES; at += net->in[l++]) {
        adaptive_average_forward(run->n, f->h[l], f->w[l], net->in[l], x[l], h, w, nr->pooled + at,
                                 net->total);
    }
    /* pooled (n, h, w, total) -> hidden -> act (n, h, w, mid) -> merged (n, h, w, total), at the smallest size. */
    convolve(run, nr->conv1, parameters, nr->pooled, net->conv1_weight, net->conv1_bias, nr->hidden);
    layernorm_forward(fusion_net_pixels(run, SCALES - 1), net->mid, parameters + net->norm_weight,
                      parameters + net->norm_bias, NULL, 1, nr->hidden, run->training ? nr->hidden : NULL,
                      nr->rstd, nr->act);
    convolve(run, nr->conv2, parameters, nr->act, net->conv2_weight, net->conv2_bias, nr->merged);
    /* Back to each scale, with the heads' convolutions at its own size. */
    for (int l = 0, at = 0; l < SCALES; at += net->in[l++]) {
        /* sum = x_l + the upsampled slice, st = [S | T]. */
        bilinear_add_forward(run->n, h, w, net->in[l], nr->merged + at, net->total, f->h[l], f->w[l], x[l],
                             nr->sum[l]);
        convolve(run, nr->head[l], parameters, nr->sum[l], net->head_weight[l], net->head_bias[l], nr->st[l]);
    }
}

VECTOR_CLONES
static void add(int64_t count, const real *restrict x, real *restrict y)
{
    for (int64_t i = 0; i < count; i++) {
        y[i] += x[i];
    }
}

VECTOR_CLONES
static void relu_backward(int64_t count, const real *restrict y, real *restrict dy)
{
    for (int64_t i = 0; i < count; i++) {
        dy[i] = y[i] > 0 ? dy[i] : 0;
    }
}

/* run->dst -> run->dsum (n, h, w, in), run->dmerged (n, h, w, total). */
static void heads_backward(FusionRun *run, int which, const real *parameters, real *gradient)
{
    const Fusion *f = run->fusion;
    const FusionNet *net = &f->net[which];
    FusionNetRun *nr = &run->net[which];
    int h = f->h[SCALES - 1], w = f->w[SCALES - 1];
    for (int l = 0, at = 0; l < SCALES; at += net->in[l++]) {
        /* dst (n, h, w, 2 out) -> dsum (n, h, w, in) -> the slice of dmerged. */
        run->kernels->conv_backward_weights(nr->head[l], nr->sum[l], run->dst[l],
                                            gradient + net->head_weight[l], gradient + net->head_bias[l]);
        run->kernels->conv_backward_data(nr->head[l], run->dst[l], parameters + net->head_weight[l],
                                         run->dsum[l]);
        bilinear_backward(run->n, h, w, net->in[l], run->dmerged + at, net->total, f->h[l], f->w[l],
                          run->dsum[l]);
    }
    /* merged is the output of conv2's ReLU. */
    relu_backward(fusion_net_pixels(run, SCALES - 1) * net->total, nr->merged, run->dmerged);
}

/* run->dact, in place through ReLU and LayerNorm. */
static void norm_backward(FusionRun *run, int which, const real *parameters, real *gradient)
{
    const FusionNet *net = &run->fusion->net[which];
    FusionNetRun *nr = &run->net[which];
    /* dnorm (2, mid): gradients of weight and bias, in double. */
    memset(run->dnorm, 0, 2 * net->mid * sizeof *run->dnorm);
    layernorm_backward(fusion_net_pixels(run, SCALES - 1), net->mid, parameters + net->norm_weight,
                       parameters + net->norm_bias, nr->hidden, nr->rstd, run->dact, run->dact, NULL, 1,
                       run->dnorm, run->dnorm + net->mid);
    for (int i = 0; i < net->mid; i++) {
        gradient[net->norm_weight + i] += (real)run->dnorm[i];
        gradient[net->norm_bias + i] += (real)run->dnorm[net->mid + i];
    }
}

void fusion_net_backward(FusionRun *run, int which, const real *parameters, real *const dx[SCALES],
                         real *gradient)
{
    const Fusion *f = run->fusion;
    const FusionNet *net = &f->net[which];
    FusionNetRun *nr = &run->net[which];
    /* dst -> dmerged -> dact -> dpooled, and dsum of each scale on the way. */
    heads_backward(run, which, parameters, gradient);
    run->kernels->conv_backward_weights(nr->conv2, nr->act, run->dmerged, gradient + net->conv2_weight,
                                        gradient + net->conv2_bias);
    run->kernels->conv_backward_data(nr->conv2, run->dmerged, parameters + net->conv2_weight, run->dact);
    norm_backward(run, which, parameters, gradient);
    run->kernels->conv_backward_weights(nr->conv1, nr->pooled, run->dact, gradient + net->conv1_weight,
                                        gradient + net->conv1_bias);
    run->kernels->conv_backward_data(nr->conv1, run->dact, parameters + net->conv1_weight, run->dpooled);
    for (int l = 0, at = 0; l < SCALES; at += net->in[l++]) {
        /* x_l has two ways to the heads: directly, and through the merged map. */
        add(fusion_net_pixels(run, l) * net->in[l], run->dsum[l], dx[l]);
        /* dpooled goes back to every pixel that was averaged. */
        adaptive_average_backward(run->n, f->h[l], f->w[l], net->in[l], dx[l], f->h[SCALES - 1],
                                  f->w[SCALES - 1], run->dpooled + at, net->total);
    }
}

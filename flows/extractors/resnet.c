/* ResNets up to their third stage, for inference (He et al. 2016; wide ones: Zagoruyko & Komodakis 2016).
 *
 *     stem: 7x7/2 conv, ReLU, 3x3/2 max-pool -> stage 1 (stride 4) -> stage 2 (stride 8) -> stage 3 (stride 16)
 *
 * A block is a chain of convolutions plus a shortcut, with a ReLU after the sum.  Basic blocks are 3x3, 3x3.  Bottlenecks are
 * 1x1, 3x3, 1x1 with the stride in the 3x3, as in torchvision.  The first block of a stage changes the size, so its shortcut
 * is a 1x1 convolution; only stage 1 of basic networks has none.
 *
 * Weights have the names of torchvision (and timm).  BatchNorm with running statistics is an affine map of each channel, so it
 * is folded into the convolution when the file is read:  w' = w g / sqrt(var + eps),  b' = (b - mean) g / sqrt(var + eps) + beta.
 * Files that are folded already have CONV.bias and no BatchNorm tensors.
 *
 * The sum is computed in place: the shortcut is in the block's output, and the last convolution adds to it.  So a stage needs
 * one buffer for its output and two for the convolutions inside its blocks. */
#include "flows/extractors/extractor_private.h"
#include "flows/files/safetensors.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define CHAIN_LIMIT 3
#define BN_EPS 1e-5

typedef ResnetShape Shape;

/* One convolution of the network with its weights. */
typedef struct {
    int c_in, c_out, kernel, stride;
    real *weight, *bias; /* (c_out, c_in, kernel, kernel), (c_out) */
} Layer;

typedef struct {
    Extractor extractor;
    PadMode pad;
    GArray *layers; /* of Layer: the stem, then of each block the chain and the shortcut if it has one */
} Resnet;

/* Output channels of a stage (0, 1, 2). */
static int stage_channels(const Shape *shape, int stage)
{
    return (shape->stem << stage) * shape->expansion;
}

/* ---- weights ---- */

static void layer_clear(gpointer data)
{
    Layer *layer = data;
    g_free(layer->weight);
    g_free(layer->bias);
}

/* The four vectors (channels) of a BatchNorm.  FALSE with error, or with *absent when the file has none of this name. */
static gboolean read_norm(const Safetensors *file, const char *name, int channels, const float *vector[4],
                          gboolean *absent, GError **error)
{
    /* g, beta, mean, var in the notation above. */
    static const char *const parts[4] = {"weight", "bias", "running_mean", "running_var"};
    for (int i = 0; i < 4; i++) {
        g_autofree char *full = g_strdup_printf("%s.%s", name, parts[i]);
        *absent = i == 0 && !safetensors_get(file, full);
        const Tensor *tensor = *absent ? NULL : safetensors_need(file, full, 1, (int64_t[]){channels}, error);
        if (!tensor) {
            return FALSE;
        }
        vector[i] = tensor->values;
    }
    return TRUE;
}

/* Folds a BatchNorm into the layer.  vector: g, beta, mean, var. */
static gboolean fold(Layer *layer, const float *const vector[4], const char *norm, GError **error)
{
    /* Weights of one output channel; folded in double. */
    size_t fan = (size_t)layer->c_in * layer->kernel * layer->kernel;
    for (int o = 0; o < layer->c_out; o++) {
        double scale = vector[0][o] / sqrt((double)vector[3][o] + BN_EPS);
        layer->bias[o] = (real)((layer->bias[o] - (double)vector[2][o]) * scale + vector[1][o]);
        gboolean finite = isfinite(layer->bias[o]);
        for (size_t i = 0; i < fan; i++) {
            layer->weight[o * fan + i] = (real)(layer->weight[o * fan + i] * scale);
            finite = finite && isfinite(layer->weight[o * fan + i]);
        }
        if (!finite) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: channel %d (variance %g) cannot be folded",
                        norm, o, vector[3][o]);
            return FALSE;
        }
    }
    return TRUE;
}

/* As `real`: float in the program, double in the numerical tests. */
static real *copy_values(const Tensor *tensor, GError **error)
{
    real *copy = wsi_try_alloc((size_t)tensor->count, sizeof(real), tensor->name, error);
    for (int64_t i = 0; copy && i < tensor->count; i++) {
        copy[i] = tensor->values[i];
    }
    return copy;
}

/* Weights and bias of a layer, with its BatchNorm folded in.  conv, norm: names of the tensors. */
static gboolean read_layer(Layer *layer, const Safetensors *file, const char *conv, const char *norm,
                           GError **error)
{
    g_autofree char *weight_name = g_strdup_printf("%s.weight", conv),
                    *bias_name = g_strdup_printf("%s.bias", conv);
    const int64_t shape[4] = {layer->c_out, layer->c_in, layer->kernel, layer->kernel};
    const Tensor *weight = safetensors_need(file, weight_name, 4, shape, error);
    gboolean biased = safetensors_get(file, bias_name) != NULL;
    const Tensor *bias = weight && biased ? safetensors_need(file, bias_name, 1, shape, error) : NULL;
    if (!weight || (biased && !bias)) {
        return FALSE;
    }
    /* A layer without bias begins with zeros, which the fold then changes. */
    layer->weight = copy_values(weight, error);
    layer->bias = !layer->weight ? NULL
                  : bias         ? copy_values(bias, error)
                                 : wsi_try_alloc((size_t)layer->c_out, sizeof(real), bias_name, error);
    if (!layer->bias) {
        return FALSE;
    }
    const float *vector[4];
    gboolean absent;
    if (read_norm(file, norm, layer->c_out, vector, &absent, error)) {
        return fold(layer, vector, norm, error);
    }
    if (absent && !biased) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "weights: neither %s.weight nor %s is in the file",
                    norm, bias_name);
    }
    return absent && biased;
}

static gboolean add_layer(Resnet *net, const Safetensors *file, Layer layer, const char *conv,
                          const char *norm, GError **error)
{
    gboolean ok = read_layer(&layer, file, conv, norm, error);
    g_array_append_val(net->layers, layer);
    return ok;
}

/* Whether a block's shortcut is a convolution. */
static gboolean has_downsample(const Shape *shape, int stage, int block)
{
    return block == 0 && (stage > 0 || stage_channels(shape, 0) != shape->stem);
}

/* Convolution `index` of a block's chain, without weights. */
static Layer chain_layer(const Shape *shape, int stage, int block, int index)
{
    /* The first block of a stage reads the stage before, or the stem. */
    int in = block > 0   ? stage_channels(shape, stage)
             : stage > 0 ? stage_channels(shape, stage - 1)
                         : shape->stem;
    int inner = shape->inner << stage;
    /* The stride is in the only 3x3 of a bottleneck, or in the first convolution of a basic block. */
    gboolean bottleneck = shape->chain == 3, last = index == shape->chain - 1;
    gboolean strides = index == (bottleneck ? 1 : 0) && block == 0 && stage > 0;
    return (Layer){.c_in = index == 0 ? in : inner,
                   .c_out = last ? stage_channels(shape, stage) : inner,
                   .kernel = bottleneck && index != 1 ? 1 : 3,
                   .stride = strides ? 2 : 1};
}

static gboolean read_block(Resnet *net, const Safetensors *file, const Shape *shape, int stage, int block,
                           GError **error)
{
    /* "layer1.0.conv1", "layer1.0.bn1", ...; "layer2.0.downsample.0" (convolution), ".1" (BatchNorm). */
    for (int i = 0; i < shape->chain; i++) {
        g_autofree char *conv = g_strdup_printf("layer%d.%d.conv%d", stage + 1, block, i + 1);
        g_autofree char *norm = g_strdup_printf("layer%d.%d.bn%d", stage + 1, block, i + 1);
        if (!add_layer(net, file, chain_layer(shape, stage, block, i), conv, norm, error)) {
            return FALSE;
        }
    }
    if (!has_downsample(shape, stage, block)) {
        return TRUE;
    }
    g_autofree char *conv = g_strdup_printf("layer%d.%d.downsample.0", stage + 1, block);
    g_autofree char *norm = g_strdup_printf("layer%d.%d.downsample.1", stage + 1, block);
    Layer layer = {.c_in = chain_layer(shape, stage, block, 0).c_in,
                   .c_out = stage_channels(shape, stage),
                   .kernel = 1,
                   .stride = stage > 0 ? 2 : 1};
    return add_layer(net, file, layer, conv, norm, error);
}

/* The order of the layers is the order in which prepare_run takes them. */
static gboolean read_network(Resnet *net, const Safetensors *file, const Shape *shape, GError **error)
{
    Layer stem = {.c_in = 3, .c_out = shape->stem, .kernel = 7, .stride = 2};
    if (!add_layer(net, file, stem, "conv1", "bn1", error)) {
        return FALSE;
    }
    for (int stage = 0; stage < SCALES; stage++) {
        for (int block = 0; block < shape->blocks[stage]; block++) {
            if (!read_block(net, file, shape, stage, block, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

static void resnet_destroy(Extractor *extractor)
{
    Resnet *net = (Resnet *)extractor;
    g_array_unref(net->layers);
    g_free(net);
}

static Extractor *resnet_create(const ExtractorKind *kind, const ExtractorSpec *spec, GError **error)
{
    g_autoptr(Safetensors) file = safetensors_read(spec->weights, error);
    if (!file) {
        return NULL;
    }
    Resnet *net = g_new0(Resnet, 1);
    net->pad = spec->pad;
    net->layers = g_array_new(FALSE, TRUE, sizeof(Layer));
    g_array_set_clear_func(net->layers, layer_clear);
    for (int stage = 0; stage < SCALES; stage++) {
        net->extractor.channels[stage] = stage_channels(kind->shape, stage);
    }
    if (!read_network(net, file, kind->shape, error)) {
        g_prefix_error(error, "extractor %s: ", kind->name);
        resnet_destroy(&net->extractor);
        return NULL;
    }
    return &net->extractor;
}

/* A byte normalised by ImageNet's mean and deviation of R, G, B in [0, 1]. */
static double resnet_byte(int channel, int byte)
{
    static const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};
    return (byte / 255.0 - mean[channel]) / deviation[channel];
}

/* ---- running ---- */

typedef struct {
    Conv *chain[CHAIN_LIMIT], *downsample;
} Block;

typedef struct {
    ExtractorRun run;
    const Kernels *kernels;
    Conv *stem;
    GArray *blocks; /* of Block, all stages */
    real *stem_out; /* (batch, size / 2, size / 2, stem) */
    real *pooled;   /* (batch, size / 4, size / 4, stem) */
    real *out
        [SCALES]; /* the stages' maps; out[0] is pooled where the first block has no shortcut convolution */
    real *inside[2]; /* between the convolutions of a block */
} ResnetRun;

/* Runs have packed the weights; biases are small. */
static void resnet_release(Extractor *extractor)
{
    Resnet *net = (Resnet *)extractor;
    for (guint i = 0; i < net->layers->len; i++) {
        g_clear_pointer(&g_array_index(net->layers, Layer, i).weight, g_free);
    }
}

static void resnet_run_destroy(ExtractorRun *base)
{
    ResnetRun *run = (ResnetRun *)base;
    run->kernels->conv_free(run->stem);
    for (guint i = 0; i < run->blocks->len; i++) {
        Block *block = &g_array_index(run->blocks, Block, i);
        for (int c = 0; c < CHAIN_LIMIT; c++) {
            run->kernels->conv_free(block->chain[c]);
        }
        run->kernels->conv_free(block->downsample);
    }
    g_array_unref(run->blocks);
    /* The first stage of a basic network has its map in `pooled`. */
    for (int stage = 0; stage < SCALES; stage++) {
        if (run->out[stage] != run->pooled) {
            g_free(run->out[stage]);
        }
    }
    g_free(run->stem_out);
    g_free(run->pooled);
    g_free(run->inside[0]);
    g_free(run->inside[1]);
    g_free(run);
}

/* Prepares a layer for maps of *side px; *side becomes the side of its output. */
static Conv *prepare(const ResnetRun *run, const Layer *layer, int batch, int *side, gboolean relu,
                     gboolean residual, GError **error)
{
    const Resnet *net = (const Resnet *)run->run.extractor;
    ConvSpec spec = {.n = batch,
                     .h = *side,
                     .w = *side,
                     .c_in = layer->c_in,
                     .c_out = layer->c_out,
                     .kernel = layer->kernel,
                     .stride = layer->stride,
                     .pad = layer->kernel / 2,
                     .pad_mode = net->pad,
                     .relu = relu,
                     .residual = residual};
    *side = conv_out_h(&spec);
    return run->kernels->conv_new(&spec, layer->weight, layer->bias, error);
}

/* *next: the block's first layer; moved behind its last one. */
static gboolean prepare_block(ResnetRun *run, const Shape *shape, int stage, int number, const Layer **next,
                              int batch, int *side, GError **error)
{
    Block block = {0};
    int side_in = *side;
    gboolean ok = TRUE;
    /* ReLU after every convolution; the last one adds the shortcut before it. */
    for (int i = 0; ok && i < shape->chain; i++) {
        block.chain[i] = prepare(run, (*next)++, batch, side, TRUE, i == shape->chain - 1, error);
        ok = block.chain[i] != NULL;
    }
    if (ok && has_downsample(shape, stage, number)) {
        block.downsample = prepare(run, (*next)++, batch, &side_in, FALSE, FALSE, error);
        ok = block.downsample != NULL;
    }
    g_array_append_val(run->blocks, block);
    return ok;
}

/* (batch, side, side, channels). */
static real *feature_buffer(int batch, int side, int channels, GError **error)
{
    return wsi_try_alloc((size_t)batch * side * side * channels, sizeof(real), "feature maps", error);
}

static gboolean prepare_buffers(ResnetRun *run, const Shape *shape, int batch, int size, GError **error)
{
    run->stem_out = feature_buffer(batch, size / 2, shape->stem, error);
    run->pooled = run->stem_out ? feature_buffer(batch, size / 4, shape->stem, error) : NULL;
    gboolean ok = run->pooled != NULL;
    for (int stage = 0; ok && stage < SCALES; stage++) {
        gboolean shared = stage == 0 && !has_downsample(shape, 0, 0);
        run->out[stage] =
            shared ? run->pooled
                   : feature_buffer(batch, size >> (stage + 2), stage_channels(shape, stage), error);
        ok = run->out[stage] != NULL;
    }
    for (int i = 0; ok && i < 2; i++) {
        /* Stage 1 has the largest maps: later stages halve the side and double the channels.  But the first 1x1 of a bottleneck
         * still runs at the side of the stage before; in stage 2 these are twice the channels at stage 1's side. */
        run->inside[i] = feature_buffer(batch, size / 4, 2 * shape->inner, error);
        ok = run->inside[i] != NULL;
    }
    return ok;
}

static gboolean prepare_run(ResnetRun *run, const Resnet *net, const Shape *shape, int batch, int size,
                            GError **error)
{
    const Layer *next = &g_array_index(net->layers, Layer, 0);
    int side = size;
    run->stem = prepare(run, next++, batch, &side, TRUE, FALSE, error);
    if (!run->stem) {
        return FALSE;
    }
    side /= 2; /* the max-pool */
    for (int stage = 0; stage < SCALES; stage++) {
        for (int block = 0; block < shape->blocks[stage]; block++) {
            if (!prepare_block(run, shape, stage, block, &next, batch, &side, error)) {
                return FALSE;
            }
        }
    }
    return prepare_buffers(run, shape, batch, size, error);
}

static ExtractorRun *resnet_run_create(const Extractor *extractor, const Kernels *kernels, int batch,
                                       int size, GError **error)
{
    ResnetRun *run = g_new0(ResnetRun, 1);
    run->run.extractor = extractor;
    run->kernels = kernels;
    run->blocks = g_array_new(FALSE, TRUE, sizeof(Block));
    if (!prepare_run(run, (const Resnet *)extractor, extractor->kind->shape, batch, size, error)) {
        resnet_run_destroy(&run->run);
        return NULL;
    }
    return &run->run;
}

/* 3x3, stride 2, padding 1 with -infinity.  x (n, side, side, channels), side even -> y (n, side / 2, side / 2, channels). */
static void max_pool(const real *x, int n, int side, int channels, real *y)
{
    int half = side / 2;
    for (int i = 0; i < n * half * half; i++, y += channels) {
        /* Output pixel i of all images; windows at the left and upper border have two rows or columns. */
        int row = i / half % half, column = i % half;
        const real *image = x + (size_t)(i / half / half) * side * side * channels;
        for (int c = 0; c < channels; c++) {
            y[c] = -INFINITY;
        }
        for (int dy = MAX(2 * row - 1, 0); dy <= 2 * row + 1; dy++) {
            for (int dx = MAX(2 * column - 1, 0); dx <= 2 * column + 1; dx++) {
                const real *pixel = image + ((size_t)dy * side + dx) * channels;
                for (int c = 0; c < channels; c++) {
                    y[c] = MAX(y[c], pixel[c]);
                }
            }
        }
    }
}

/* x -> out; out may be x if the shortcut is not a convolution. */
static void run_block(const ResnetRun *run, const Block *block, int chain, const real *x, real *out)
{
    const Kernels *k = run->kernels;
    if (block->downsample) {
        k->conv_forward(block->downsample, x, NULL, NULL, NULL, out);
    }
    k->conv_forward(block->chain[0], x, NULL, NULL, NULL, run->inside[0]);
    if (chain == 3) {
        k->conv_forward(block->chain[1], run->inside[0], NULL, NULL, NULL, run->inside[1]);
    }
    /* out holds the shortcut: it is the residual, and the sum replaces it. */
    k->conv_forward(block->chain[chain - 1], run->inside[chain - 2], NULL, NULL, out, out);
}

static void resnet_run(ExtractorRun *base, const real *x, const real *maps[SCALES])
{
    const ResnetRun *run = (const ResnetRun *)base;
    const Shape *shape = base->extractor->kind->shape;
    /* x (batch, size, size, 3) -> stem_out (size / 2) -> pooled (size / 4) -> out[0] (size / 4), out[1], out[2]. */
    run->kernels->conv_forward(run->stem, x, NULL, NULL, NULL, run->stem_out);
    max_pool(run->stem_out, base->batch, base->size / 2, shape->stem, run->pooled);
    const real *at = run->pooled;
    const Block *block = &g_array_index(run->blocks, Block, 0);
    for (int stage = 0; stage < SCALES; stage++) {
        for (int i = 0; i < shape->blocks[stage]; i++) {
            run_block(run, block++, shape->chain, at, run->out[stage]);
            at = run->out[stage];
        }
        maps[stage] = run->out[stage];
    }
}

#define RESNET(net_name, net_shape)                                                               \
    {                                                                                             \
        .name = net_name, .shape = net_shape, .create = resnet_create, .destroy = resnet_destroy, \
        .release = resnet_release, .byte_value = resnet_byte, .run_create = resnet_run_create,    \
        .run_destroy = resnet_run_destroy, .run = resnet_run                                      \
    }

ExtractorKind resnet_kind(const char *name, const ResnetShape *shape)
{
    return (ExtractorKind)RESNET(name, shape);
}

static const Shape basic_18 = {64, {2, 2, 2}, 2, 64, 1}, deep_50 = {64, {3, 4, 6}, 3, 64, 4};
static const Shape wide_50 = {64, {3, 4, 6}, 3, 128, 4};
const ExtractorKind extractor_resnet18 = RESNET("resnet18", &basic_18);
const ExtractorKind extractor_resnet50 = RESNET("resnet50", &deep_50);
const ExtractorKind extractor_wide_resnet50_2 = RESNET("wide_resnet50_2", &wide_50);

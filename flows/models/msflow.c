/* MSFlow assembled: its layers, the layout of their parameters, and what is rebuilt when these change.
 * flows/models/msflow_run.c runs it.
 *
 * With FPN_NONE the flows take the pooled features as they are (stock MSFlow); with a pyramid these are standardised and projected
 * by frozen statistics.  The likelihood trains nothing before the flows, except the laterals with FPN_ORTHOGONAL, which are the
 * last of the trainable parameters. */
#include "flows/models/msflow_private.h"
#include "flows/layers/avgpool.h"
#include "base/error.h"
#include <string.h>

/* Limits of a specification: far above any use, and low enough that no product overflows. */
#define CHANNELS_MAX 16384
#define SIZE_MAX_PX 4096
#define BLOCKS_MAX 64
#define DEFAULT_WIDTH 128
#define NUMBERS_MAX ((int64_t)1 << 31) /* parameters: twenty times those of a wide resnet's flow */

/* At most DEFAULT_WIDTH and the narrowest level.  From 32 on a multiple of 32: the width and half of it, which a coupling takes,
 * then fill vector registers. */
static int default_width(int narrowest)
{
    int width = MIN(DEFAULT_WIDTH, narrowest);
    return width >= 32 ? width / 32 * 32 : width;
}

static gboolean refuse(GError **error, const char *what, double value, const char *limit)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "flow: %s is %g, must be %s", what, value, limit);
    return FALSE;
}

/* Scale l: channels, side of the map and number of steps. */
static gboolean check_scale(const MsflowSpec *s, int l, GError **error)
{
    if (s->channels[l] < 2 || s->channels[l] > CHANNELS_MAX) {
        return refuse(error, "number of channels", s->channels[l], "2 .. 16384");
    }
    if (s->size[l] < 1 || s->size[l] > SIZE_MAX_PX || (l && s->size[l] > s->size[l - 1])) {
        return refuse(error, "size of a map", s->size[l], "1 .. 4096 and not above the scale before");
    }
    if (s->blocks[l] < 0 || s->blocks[l] > BLOCKS_MAX) {
        return refuse(error, "number of blocks", s->blocks[l], "0 .. 64");
    }
    return TRUE;
}

/* A specification may come from a damaged file: nothing is allocated before it is checked. */
static gboolean check_spec(const MsflowSpec *s, GError **error)
{
    /* A lateral cannot have more orthonormal rows than columns. */
    int smallest = MIN(s->channels[0], MIN(s->channels[1], s->channels[2]));
    for (int l = 0; l < SCALES; l++) {
        if (!check_scale(s, l, error)) {
            return FALSE;
        }
    }
    /* Half the code is of x and half of y, each in pairs of sine and cosine. */
    if (s->condition < 0 || s->condition > POSCODE_MAX || s->condition % 4) {
        return refuse(error, "condition", s->condition, "a multiple of 4 in 0 .. 512");
    }
    if (!(s->alpha > 0 && s->alpha <= 10)) {
        return refuse(error, "alpha", s->alpha, "above 0 and at most 10");
    }
    if (s->fpn_width < 0 || s->fpn_width == 1 || s->fpn_width > smallest) {
        return refuse(error, "fpn_width", s->fpn_width, "0, or 2 .. the smallest number of channels");
    }
    return TRUE;
}

/* Every layer asks the layout for its tensors. */
static void lay_out(Msflow *flow)
{
    parameter_layout_begin(&flow->layout);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *prefix = g_strdup_printf("flow%d", l);
        chain_layout(&flow->chain[l], &flow->layout, prefix);
    }
    fusion_layout(&flow->fusion, &flow->layout, "fusion");
    /* Without a pyramid no such tensors exist. */
    if (flow->spec.fpn != FPN_NONE) {
        fpn_layout(&flow->fpn, &flow->layout);
    }
}

/* Initial values.  Each tensor draws from a stream named by itself, so the values do not depend on the other layers. */
static void initialise(Msflow *flow)
{
    /* Uniform tensors first; permutations and matrices are drawn by their layers. */
    parameter_layout_initialise(&flow->layout, flow->spec.seed, flow->parameters);
    for (int l = 0; l < SCALES; l++) {
        g_autofree char *prefix = g_strdup_printf("flow%d", l);
        chain_initialise(&flow->chain[l], flow->spec.seed, prefix, flow->parameters);
    }
    fusion_initialise(&flow->fusion, flow->spec.seed, "fusion", flow->parameters);
    if (flow->spec.fpn != FPN_NONE) {
        fpn_initialise(&flow->fpn, flow->parameters);
    }
    msflow_refresh(flow);
}

static gboolean take_parameters(Msflow *flow, GError **error)
{
    int64_t numbers = flow->layout.trainable + flow->layout.fixed;
    /* The layers have taken their buffers: one check shows whether all of them succeeded. */
    if (!arena_check(flow->arena, error)) {
        return FALSE;
    }
    if (numbers > NUMBERS_MAX) {
        return refuse(error, "number of parameters", (double)numbers, "at most 2^31");
    }
    flow->parameters = wsi_try_alloc((size_t)numbers, sizeof(real), "parameters of the flow", error);
    return flow->parameters != NULL;
}

Msflow *msflow_new(const MsflowSpec *spec, GError **error)
{
    g_autoptr(Msflow) flow = NULL;
    if (!check_spec(spec, error)) {
        return NULL;
    }
    flow = g_new0(Msflow, 1);
    flow->spec = *spec;
    flow->arena = arena_new();
    if (!spec->fpn_width) {
        /* 0 means: choose the width. */
        flow->spec.fpn_width =
            default_width(MIN(spec->channels[0], MIN(spec->channels[1], spec->channels[2])));
    }
    const StepSpec step = {.kind = spec->step,
                           .se = spec->se,
                           .condition = spec->condition,
                           .clamp_new = spec->clamp_new,
                           .alpha = spec->alpha};
    for (int l = 0; l < SCALES; l++) { /* the flow of a scale works on (size, size, channels) */
        flow->size[l] = avgpool_size(spec->size[l]);
        flow->channels[l] = spec->fpn != FPN_NONE ? flow->spec.fpn_width : spec->channels[l];
        chain_init(&flow->chain[l], &step, flow->channels[l], flow->size[l], spec->blocks[l], flow->arena);
    }
    /* The fusion flow works on the maps of all scales together. */
    fusion_init(&flow->fusion, flow->channels, flow->size, spec->alpha, flow->arena);
    fpn_init(&flow->fpn, spec->channels, flow->size, flow->spec.fpn_width, spec->normalise == NORMALISE_TILE,
             spec->fpn == FPN_ORTHOGONAL, flow->arena);
    lay_out(flow);
    lay_out(flow); /* fixed tensors follow the trainable ones, whose number is known only now */
    /* By offset, which is also the order of the tensors in a bundle. */
    flow->table = parameter_layout_by_offset(&flow->layout);
    if (!take_parameters(flow, error)) {
        return NULL;
    }
    initialise(flow);
    return g_steal_pointer(&flow);
}

void msflow_free(Msflow *flow)
{
    if (!flow) {
        return;
    }
    arena_free(flow->arena);
    fpn_fit_free(flow->fit);
    parameter_layout_clear(&flow->layout);
    g_clear_pointer(&flow->table, g_array_unref);
    g_free(flow->parameters);
    g_free(flow);
}

const MsflowSpec *msflow_spec(const Msflow *flow)
{
    return &flow->spec;
}

const Parameter *msflow_layout(const Msflow *flow, int *count)
{
    *count = (int)flow->table->len;
    return (const Parameter *)(const void *)flow->table->data;
}

real *msflow_parameters(Msflow *flow, int64_t *trainable, int64_t *all)
{
    if (trainable) {
        *trainable = flow->layout.trainable;
    }
    if (all) {
        *all = flow->layout.trainable + flow->layout.fixed;
    }
    return flow->parameters;
}

void msflow_release(Msflow *flow)
{
    for (guint i = 0; i < flow->table->len; i++) {
        const Parameter *tensor = &g_array_index(flow->table, Parameter, i);
        /* Weights of convolutions, (out, in, kernel, kernel), are nearly all of the memory. */
        if (tensor->rank == 4) {
            arena_give_back(flow->parameters + tensor->offset, tensor->count);
        }
    }
    for (int l = 0; l < SCALES; l++) {
        for (int i = 0; i < flow->chain[l].count; i++) {
            /* The derived weights of the first convolution, (mid, in, 3, 3). */
            const Subnet *subnet = &flow->chain[l].steps[i]->coupling.subnet;
            arena_give_back(subnet->passive_weight, (int64_t)subnet->mid * subnet->in * 9);
        }
    }
    flow->released = TRUE;
}

gboolean msflow_released(const Msflow *flow)
{
    return flow->released;
}

/* A part is a step of a chain; the last part is the fusion flow with the pyramid. */
int msflow_refresh_parts(const Msflow *flow)
{
    int steps = 0;
    for (int l = 0; l < SCALES; l++) {
        steps += flow->chain[l].count;
    }
    return steps + 1;
}

void msflow_refresh_part(Msflow *flow, int part)
{
    /* Parts count through the steps of all chains. */
    for (int l = 0; l < SCALES; part -= flow->chain[l++].count) {
        if (part < flow->chain[l].count) {
            chain_refresh_step(&flow->chain[l], part, flow->parameters);
            return;
        }
    }
    fusion_refresh(&flow->fusion, flow->parameters);
    if (flow->spec.fpn != FPN_NONE) {
        fpn_refresh(&flow->fpn, flow->parameters);
    }
}

void msflow_refresh(Msflow *flow)
{
    for (int part = 0; part < msflow_refresh_parts(flow); part++) {
        msflow_refresh_part(flow, part);
    }
}

/* The numbers 0 .. count - 1, each once. */
static gboolean is_permutation(const real *values, int64_t count)
{
    g_autofree uint8_t *seen = g_new0(uint8_t, count);
    for (int64_t i = 0; i < count; i++) {
        /* NaN fails both comparisons. */
        gboolean index = values[i] >= 0 && values[i] < (real)count;
        if (!index || (real)(int64_t)values[i] != values[i] || seen[(int64_t)values[i]]++) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean are_signs(const real *values, int64_t count)
{
    /* The number of values in front that are 1 or -1. */
    int64_t right = 0;
    while (right < count && (values[right] == 1 || values[right] == -1)) {
        right++;
    }
    return right == count;
}

/* Deviations become divisors. */
static gboolean are_positive(const real *values, int64_t count)
{
    int64_t right = 0;
    while (right < count && values[right] > 0) {
        right++;
    }
    return right == count;
}

gboolean msflow_check(const Msflow *flow, GError **error)
{
    static const struct {
        const char *part, *what; /* part of the name */
        gboolean (*holds)(const real *values, int64_t count);
    } rules[] = {/* such values become indices, signs and divisors */ {".permutation", "a permutation",
                                                                       is_permutation},
                 {".sign", "made of 1 and -1", are_signs},
                 {"deviation", "above 0", are_positive}};
    for (guint i = 0; i < flow->table->len; i++) {
        const Parameter *p = &g_array_index(flow->table, Parameter, i);
        for (guint r = 0; r < G_N_ELEMENTS(rules); r++) {
            if (strstr(p->name, rules[r].part) && !rules[r].holds(flow->parameters + p->offset, p->count)) {
                g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "tensor \"%s\" is not %s", p->name,
                            rules[r].what);
                return FALSE;
            }
        }
    }
    return TRUE;
}

int64_t msflow_before_flows(const Msflow *flow)
{
    /* The laterals come last, so the parameters of the flows are those before the first lateral. */
    return flow->spec.fpn == FPN_ORTHOGONAL ? flow->fpn.lateral[0] : flow->layout.trainable;
}

void msflow_constrain(Msflow *flow)
{
    fpn_constrain(&flow->fpn, flow->parameters);
}

/* Trained by the training itself in the first phase of FPN_TWO_PHASE, so they are not const. */
real *msflow_laterals(Msflow *flow, int scale)
{
    return flow->spec.fpn == FPN_NONE ? NULL : flow->parameters + flow->fpn.lateral[scale];
}

const real *msflow_feature_deviation(const Msflow *flow, int scale)
{
    return flow->parameters + flow->fpn.deviation[scale];
}

const int *msflow_constant_channels(const Msflow *flow, int scale, int *count)
{
    *count = flow->spec.fpn != FPN_NONE ? flow->fpn.constants[scale] : 0;
    return flow->fpn.constant[scale];
}

int msflow_flat_channels(const Msflow *flow, int scale)
{
    return flow->spec.fpn != FPN_NONE ? fpn_flat(&flow->fpn, flow->parameters, scale) : 0;
}

int msflow_latent_size(const Msflow *flow, int scale)
{
    return flow->size[scale];
}

int msflow_latent_channels(const Msflow *flow, int scale)
{
    return flow->channels[scale];
}

/* D = sum over the scales of side^2 channels. */
int64_t msflow_dimensions(const Msflow *flow)
{
    int64_t total = 0;
    for (int l = 0; l < SCALES; l++) {
        total += (int64_t)flow->size[l] * flow->size[l] * flow->channels[l];
    }
    return total;
}

/* Begins a fit at this pass. */
static gboolean fit_from(Msflow *flow, int pass, GError **error)
{
    g_clear_pointer(&flow->fit, fpn_fit_free);
    if (flow->spec.fpn == FPN_NONE) { /* nothing to fit */
        return TRUE;
    }
    /* Pass 0 fits features and laterals, pass 1 the standardisation of the output. */
    flow->fit = fpn_fit_new(&flow->fpn, pass, error);
    return flow->fit != NULL;
}

gboolean msflow_fit_begin(Msflow *flow, GError **error)
{
    return fit_from(flow, 0, error);
}

gboolean msflow_restandardise_begin(Msflow *flow, GError **error)
{
    return fit_from(flow, 1, error);
}

/* Tile by tile, so that the sums do not depend on the batches. */
void msflow_fit_add_pooled(Msflow *flow, int batch, const real *const pooled[SCALES])
{
    for (int b = 0; flow->fit && b < batch; b++) {
        const real *image[SCALES];
        for (int l = 0; l < SCALES; l++) {
            /* pooled (batch, size, size, features): tile b of it. */
            image[l] = pooled[l] + (int64_t)b * flow->size[l] * flow->size[l] * flow->spec.channels[l];
        }
        fpn_fit_add(flow->fit, flow->parameters, image);
    }
}

void msflow_fit_add(Msflow *flow, int batch, const real *const maps[SCALES])
{
    for (int b = 0; flow->fit && b < batch; b++) {
        /* Each tile is pooled into the fit's own buffers, (size, size, features). */
        real *const *pooled = fpn_fit_pooled(flow->fit);
        for (int l = 0; l < SCALES; l++) {
            int side = flow->spec.size[l], c = flow->spec.channels[l];
            avgpool_forward(1, side, side, c, maps[l] + (int64_t)b * side * side * c, pooled[l]);
        }
        fpn_fit_add(flow->fit, flow->parameters, (const real *const *)pooled);
    }
}

gboolean msflow_fit_pass_end(Msflow *flow)
{
    if (!flow->fit) {
        return FALSE;
    }
    if (fpn_fit_pass_end(flow->fit, flow->parameters)) {
        return TRUE;
    }
    g_clear_pointer(&flow->fit, fpn_fit_free);
    return FALSE;
}

/* oneDNN's convolutions, with the ways of their tensors between the caller's layout and the primitive's.
 *
 * A primitive needs its tensors in the layout it was made for: NHWC and OIHW, or blocks of 16 channels (Winograd), or
 * bfloat16.  A tensor of the caller gets there in at most two steps, both through scratch memory:
 *
 *     caller's --staging (our own copy: reflected border, bfloat16 sums)--> outside --oneDNN's reorder--> inside
 *
 * Results go back the other way.  Gradients of weights always go through a reorder, because a reorder can add to what is
 * there.  Weights that never change are packed once, when the operation is made.
 *
 * This file relies on these properties of oneDNN.  A primitive with the caller's scratchpad may run in any thread.  Memory
 * objects are cheap views whose address is set before each run.  Post-ops run in order, and "sum" reads what y holds, so a
 * residual is copied to y first.  Primitives are tuned for the number of threads at the time they are made, so OpenMP is
 * held to one thread. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_describe.h"
#include "flows/kernels/packed_weights.h"
#include "flows/kernels/scratch.h"
#include "flows/kernels/onednn_bfloat16.h"
#include "flows/kernels/onednn_border.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    dnnl_memory_t outside; /* before the reorder of an input, after that of a result; NULL: no reorder */
    dnnl_memory_t inside;  /* what the primitive reads or writes; NULL: not part of the operation */
    OnednnStep reorder;    /* in the direction of the data */
    OnednnStep residual;   /* outside -> inside, of a result that is reordered and has a residual */
    size_t offset, bytes;  /* of inside in the scratch memory, when reordered */
    gboolean staged;       /* our own copy of the caller's tensor is made at: */
    size_t stage;          /* offset in the scratch memory */
} Operand;

typedef struct {
    OnednnOp op;
    ConvSpec outer; /* as the caller has it */
    ConvSpec inner; /* as oneDNN has it: reflected borders are part of the map, bfloat16 parts are channels */
    ConvDirection direction;
    int parts;
    dnnl_stream_t stream;
    OnednnStep main;
    Operand operand[TENSORS];
    PackedWeights *packed; /* forward, weights that never change */
    float *bias;           /* forward: the bias that never changes, or zeros where the caller has none */
    size_t row;            /* offset in the scratch memory of bfloat16_parts_of_activations' row */
} Primitive;

/* ---- operands ---- */

/* What oneDNN calls a tensor. */
typedef struct {
    int argument; /* of the primitive; 0: not part of it */
    dnnl_query_t query;
    int query_index;
    gboolean output;
} Binding;

/* [direction][role]. */
static const Binding bindings[CONV_DIRECTIONS][TENSORS] = {
    [CONV_FORWARD] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, FALSE},
                      {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0, FALSE},
                      {DNNL_ARG_BIAS, dnnl_query_weights_md, 1, FALSE},
                      {DNNL_ARG_DST, dnnl_query_dst_md, 0, TRUE}},
    [CONV_BACKWARD_DATA] = {{DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md, 0, TRUE},
                            {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0, FALSE},
                            {0, dnnl_query_undef, 0, FALSE},
                            {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0, FALSE}},
    [CONV_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, dnnl_query_src_md, 0, FALSE},
                               {DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md, 0, TRUE},
                               {DNNL_ARG_DIFF_BIAS, dnnl_query_diff_weights_md, 1, TRUE},
                               {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0, FALSE}},
};

static gboolean has_border(const Primitive *op)
{
    return op->outer.h != op->inner.h;
}

/* Whether our own copy is needed between the caller's tensor and oneDNN. */
static gboolean needs_stage(const Primitive *op, TensorRole role)
{
    return (role == TENSOR_X && (has_border(op) || op->parts)) || (role == TENSOR_W && op->parts);
}

/* Decides which steps a tensor needs, and reserves their scratch memory. */
static gboolean operand_new(Primitive *op, TensorRole role, const OnednnLayout *outside,
                            const OnednnLayout *inside, GError **error)
{
    Operand *operand = &op->operand[role];
    gboolean output = bindings[op->direction][role].output;
    gboolean bfloat_map =
        role != TENSOR_W && onednn_layout_type(inside) == dnnl_bf16; /* staging writes the final layout */
    operand->bytes = dnnl_memory_desc_get_size(inside);
    operand->staged = needs_stage(op, role);
    operand->stage =
        operand->staged
            ? onednn_step_reserve(&op->op.scratch, dnnl_memory_desc_get_size(bfloat_map ? inside : outside))
            : 0;
    if (!onednn_memory_new(&operand->inside, inside, error)) {
        return FALSE;
    }
    if (role == TENSOR_B) { /* one dimension has one layout; its gradient is added by bring_out */
        operand->offset = output ? onednn_step_reserve(&op->op.scratch, operand->bytes) : 0;
        return TRUE;
    }
    /* Gradients of weights are added to the caller's, which only a reorder can do. */
    gboolean add = output && role == TENSOR_W;
    if (bfloat_map || (!add && dnnl_memory_desc_equal(outside, inside))) {
        return TRUE;
    }
    operand->offset = onednn_step_reserve(&op->op.scratch, operand->bytes);
    return onednn_memory_new(&operand->outside, outside, error) &&
           onednn_step_reorder_new(&operand->reorder, &op->op.scratch, output ? inside : outside,
                                   output ? outside : inside, add, error) &&
           (!(output && op->outer.residual) ||
            onednn_step_reorder_new(&operand->residual, &op->op.scratch, outside, inside, FALSE, error));
}

static void operand_clear(Operand *operand)
{
    if (operand->outside) {
        dnnl_memory_destroy(operand->outside);
    }
    if (operand->inside) {
        dnnl_memory_destroy(operand->inside);
    }
    onednn_step_clear(&operand->reorder);
    onednn_step_clear(&operand->residual);
}

/* ---- running ---- */

/* The caller's side of the reorder: its tensor or the staged copy. */
static void *outside_data(const Primitive *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    return operand->staged ? (void *)(scratch + operand->stage) : tensors[role];
}

/* What the primitive reads or writes for a role. */
static void *inside_data(const Primitive *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    if (role == TENSOR_B && op->direction == CONV_FORWARD) {
        return op->outer.training && tensors[role] ? tensors[role] : op->bias;
    }
    if (role == TENSOR_W && op->packed) {
        return packed_weights_data(op->packed);
    }
    gboolean reordered = operand->outside || role == TENSOR_B;
    return reordered ? (void *)(scratch + operand->offset) : outside_data(op, role, tensors, scratch);
}

static void stage_in(const Primitive *op, TensorRole role, const float *tensor, char *scratch)
{
    const ConvSpec *s = &op->outer;
    char *to = scratch + op->operand[role].stage;
    if (role == TENSOR_W) {
        bfloat16_parts_of_weights(s, op->parts, tensor, (float *)to);
    } else if (op->parts) {
        int border = has_border(op) ? s->pad : 0;
        bfloat16_parts_of_activations(s, border, op->parts, tensor, (uint16_t *)(scratch + op->row),
                                      (uint16_t *)to);
    } else {
        border_copy(s, tensor, (float *)to);
    }
}

/* Copies the residual to where the result is written: "sum" adds to it. */
static gboolean bring_residual(const Primitive *op, float *const tensors[TENSORS], const float *residual,
                               char *scratch)
{
    const Operand *operand = &op->operand[TENSOR_Y];
    void *inside = inside_data(op, TENSOR_Y, tensors, scratch);
    if (operand->outside) {
        return onednn_step_reorder_run(&operand->residual, op->stream, operand->outside, (void *)residual,
                                       operand->inside, inside, scratch);
    }
    if (residual != inside) {
        memcpy(inside, residual, operand->bytes);
    }
    return TRUE;
}

/* Caller's tensor -> staging -> reorder: an input, to where the primitive reads it. */
static gboolean bring_in(const Primitive *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    if (role == TENSOR_W && op->packed) {
        return TRUE;
    }
    if (operand->staged) {
        stage_in(op, role, tensors[role], scratch);
    }
    return !operand->outside ||
           onednn_step_reorder_run(&operand->reorder, op->stream, operand->outside,
                                   outside_data(op, role, tensors, scratch), operand->inside,
                                   inside_data(op, role, tensors, scratch), scratch);
}

/* The way back: a result, from where the primitive wrote it. */
static gboolean bring_out(const Primitive *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    void *inside = inside_data(op, role, tensors, scratch),
         *outside = outside_data(op, role, tensors, scratch);
    if (role == TENSOR_B) {
        for (int o = 0; tensors[role] && o < op->outer.c_out; o++) {
            tensors[role][o] += ((const float *)inside)[o];
        }
        return TRUE;
    }
    if (operand->outside && !onednn_step_reorder_run(&operand->reorder, op->stream, operand->inside, inside,
                                                     operand->outside, outside, scratch)) {
        return FALSE;
    }
    if (operand->staged) { /* dx of a reflected border */
        border_fold(&op->outer, outside, tensors[role]);
    }
    return TRUE;
}

static gboolean primitive_run(OnednnOp *base, float *const tensors[TENSORS], const float *residual,
                              char *scratch)
{
    const Primitive *op = (Primitive *)base;
    onednn_one_thread();
    dnnl_exec_arg_t arguments[TENSORS + 1];
    int count = 0;
    /* Inputs in, run, results out. */
    gboolean ok = !residual || bring_residual(op, tensors, residual, scratch);
    for (int role = 0; ok && role < TENSORS; role++) {
        const Binding *binding = &bindings[op->direction][role];
        if (binding->argument) {
            ok = binding->output || bring_in(op, role, tensors, scratch);
            dnnl_memory_set_data_handle(op->operand[role].inside, inside_data(op, role, tensors, scratch));
            arguments[count++] = (dnnl_exec_arg_t){binding->argument, op->operand[role].inside};
        }
    }
    ok = ok && onednn_step_run(&op->main, op->stream, arguments, count, scratch);
    for (int role = 0; ok && role < TENSORS; role++) {
        ok = !bindings[op->direction][role].output || bring_out(op, role, tensors, scratch);
    }
    return ok;
}

/* ---- making ---- */

typedef struct {
    Primitive *op;
    const float *weight;
} Packing;

/* WeightPacker: the way that changing weights take at each run. */
static gboolean pack_weight(void *data, void *packed, GError **error)
{
    Packing *packing = data;
    Primitive *op = packing->op;
    char *scratch = aligned_alloc(64, scratch_round(MAX(op->op.scratch, 1)));
    if (!scratch) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for packing weights (%zu bytes)",
                    op->op.scratch);
        return FALSE;
    }
    float *tensors[TENSORS] = {[TENSOR_W] = (float *)packing->weight};
    gboolean ok = bring_in(op, TENSOR_W, tensors, scratch);
    if (ok) {
        memcpy(packed, inside_data(op, TENSOR_W, tensors, scratch), op->operand[TENSOR_W].bytes);
    }
    free(scratch);
    return onednn_ok(ok ? dnnl_success : dnnl_runtime_error, "packing weights", error);
}

/* What the forward direction keeps: a bias, and weights that never change. */
static gboolean pack(Primitive *op, const OnednnLayout *layout, const float *weight, const float *bias,
                     GError **error)
{
    op->bias = wsi_try_alloc(op->outer.c_out, sizeof(float), "a bias", error);
    if (!op->bias) {
        return FALSE;
    }
    if (op->outer.training) {
        return TRUE;
    }
    if (bias) {
        memcpy(op->bias, bias, sizeof(float) * op->outer.c_out);
    }
    Packing packing = {op, weight};
    op->packed =
        packed_weights_get(weight, conv_weight_count(&op->outer), layout, pack_weight, &packing, error);
    return op->packed != NULL;
}

/* The operands and the primitive.  Destroys `described`. */
static gboolean prepare(Primitive *op, dnnl_primitive_desc_t described, GError **error)
{
    ConvLayouts outside = onednn_conv_layouts(&op->inner, dnnl_nhwc, dnnl_oihw, dnnl_f32);
    op->row = op->parts
                  ? onednn_step_reserve(&op->op.scratch, sizeof(uint16_t) * 2 * op->outer.w * op->outer.c_in)
                  : 0;
    gboolean ok = TRUE;
    for (int role = 0; ok && role < TENSORS; role++) {
        const Binding *binding = &bindings[op->direction][role];
        if (binding->argument) {
            const OnednnLayout *inside =
                dnnl_primitive_desc_query_md(described, binding->query, binding->query_index);
            ok = operand_new(op, role, outside.of[role], inside, error);
        }
    }
    onednn_conv_layouts_clear(&outside);
    if (!ok) {
        dnnl_primitive_desc_destroy(described);
        return FALSE;
    }
    return onednn_step_new(&op->main, &op->op.scratch, described, error) &&
           onednn_ok(dnnl_stream_create(&op->stream, onednn_engine(), dnnl_stream_default_flags), "a stream",
                     error);
}

/* The convolution that oneDNN sees: staging has added the reflected border and the bfloat16 parts. */
static ConvSpec inner_spec(const ConvSpec *outer, int parts)
{
    ConvSpec inner = *outer;
    /* oneDNN pads with zeros only. */
    if (outer->pad && outer->pad_mode == PAD_REFLECT) {
        inner.h += 2 * outer->pad;
        inner.w += 2 * outer->pad;
        inner.pad = 0;
    }
    inner.c_in *= MAX(parts, 1);
    return inner;
}

static void primitive_free(OnednnOp *base)
{
    Primitive *op = (Primitive *)base;
    for (int role = 0; role < TENSORS; role++) {
        operand_clear(&op->operand[role]);
    }
    onednn_step_clear(&op->main);
    if (op->stream) {
        dnnl_stream_destroy(op->stream);
    }
    packed_weights_release(op->packed);
    g_free(op->bias);
    g_free(op);
}

OnednnOp *onednn_primitive_new(const ConvSpec *spec, ConvDirection direction,
                               const OnednnCandidate *candidate, const float *weight, const float *bias,
                               gboolean *unsupported, GError **error)
{
    onednn_one_thread();
    ConvSpec inner = inner_spec(spec, candidate->parts);
    gboolean possible = !candidate->parts || !spec->training;
    dnnl_primitive_desc_t described = possible ? onednn_describe(&inner, direction, candidate) : NULL;
    *unsupported = !described;
    if (!described) {
        return NULL;
    }
    OnednnLayout *packed =
        direction == CONV_FORWARD
            ? onednn_layout_copy(dnnl_primitive_desc_query_md(described, dnnl_query_weights_md, 0))
            : NULL;
    Primitive *op = g_new0(Primitive, 1);
    op->op.run = primitive_run;
    op->op.free = primitive_free;
    op->outer = *spec;
    op->inner = inner;
    op->direction = direction;
    op->parts = candidate->parts;
    gboolean ok =
        prepare(op, described, error) && (direction != CONV_FORWARD || pack(op, packed, weight, bias, error));
    onednn_layout_free(packed);
    if (!ok) {
        primitive_free(&op->op);
        return NULL;
    }
    return &op->op;
}

#endif

/* Operands between the caller's layout and the primitive's.
 *
 * A primitive wants its tensors in the layout it was built for: NHWC and OIHW, or blocks of 16 channels (Winograd), or
 * bfloat16.  A tensor of the caller goes there in at most two steps, both through scratch memory:
 *
 *     caller's --staging (a copy of ours: reflecting border, bfloat16 sums)--> outside --oneDNN's reorder--> inside
 *
 * and results go back the other way.  Weight gradients always go through a reorder, because it can add to what is there.
 * Weights that never change are packed once, when the op is made.
 *
 * oneDNN facts that this file rests on: a primitive with a user scratchpad may run in any thread; memory objects are
 * cheap views whose pointer is set before each run; post-ops run in order, and "sum" reads what y holds, so a
 * residual is copied to y first.  OpenMP is held to one thread, as primitives are tuned for the number of threads at
 * their creation. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/onednn_weights.h"
#include "flows/scratch.h"
#include "flows/kernels_private.h"
#include "flows/onednn_copy.h"
#include "base/error.h"
#include <dnnl_debug.h>
#include <stdlib.h>
#include <string.h>

/* A primitive and its own scratch memory (a view, and where it begins in the caller's). */
typedef struct {
    dnnl_primitive_t primitive;
    dnnl_memory_t scratch;
    size_t offset;
} Step;

typedef struct {
    dnnl_memory_t outside; /* NULL: the layouts agree */
    dnnl_memory_t inside;  /* what the primitive is given; NULL: not part of the operation */
    Step reorder;          /* in the direction of the data */
    Step residual;         /* outside -> inside, of a result that is reordered and has a residual */
    size_t offset, bytes;  /* of inside in the scratch memory, when reordered */
    gboolean staged; /* the caller's tensor is not what `outside` (or inside) describes, but copied at: */
    size_t stage;    /* in the scratch memory */
} Operand;

struct OnednnOp {
    ConvSpec outer; /* as the caller has it */
    ConvSpec
        inner; /* as oneDNN has it: reflecting borders are part of the map, bfloat16 parts are channels */
    ConvDirection direction;
    int parts;
    dnnl_stream_t stream;
    Step main;
    Operand operand[TENSORS];
    PackedWeights *packed; /* forward, weights that never change */
    float *bias;           /* forward: of weights that never change, or zeros for a caller without */
    size_t row;            /* of split_activations, in the scratch memory */
    size_t scratch;        /* bytes of scratch memory, all parts together */
};

/* OpenMP's standard entry; declared here because compilers hide <omp.h> behind options. */
void omp_set_num_threads(int threads);

gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error)
{
    if (status == dnnl_success) {
        return TRUE;
    }
    WsiErrorCode code = status == dnnl_out_of_memory ? WSI_ERROR_MEMORY : WSI_ERROR_INTERNAL;
    g_set_error(error, WSI_ERROR, code, "oneDNN, %s: %s", what, dnnl_status2str(status));
    return FALSE;
}

/* ---- operands ---- */

typedef struct {
    int argument;
    dnnl_query_t query;
    int query_index;
    gboolean output;
} Place;

/* [direction][role]; argument 0: not part of it. */
static const Place places[3][TENSORS] = {
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

/* Reserves `bytes` of the op's scratch memory. */
static size_t reserve(OnednnOp *op, size_t bytes)
{
    size_t offset = op->scratch;
    op->scratch += scratch_round(bytes);
    return offset;
}

/* Makes the primitive and its scratch view; destroys the descriptor. */
static gboolean step_new(OnednnOp *op, Step *step, dnnl_primitive_desc_t described, GError **error)
{
    const Layout *layout = dnnl_primitive_desc_query_md(described, dnnl_query_scratchpad_md, 0);
    step->offset = reserve(op, dnnl_memory_desc_get_size(layout));
    gboolean ok =
        onednn_ok(dnnl_primitive_create(&step->primitive, described), "making a primitive", error) &&
        onednn_ok(dnnl_memory_create(&step->scratch, layout, onednn_engine(), DNNL_MEMORY_NONE),
                  "scratch memory", error);
    dnnl_primitive_desc_destroy(described);
    return ok;
}

static void step_clear(Step *step)
{
    if (step->primitive) {
        dnnl_primitive_destroy(step->primitive);
    }
    if (step->scratch) {
        dnnl_memory_destroy(step->scratch);
    }
}

static gboolean reorder_new(OnednnOp *op, Step *step, const Layout *from, const Layout *to, gboolean add,
                            GError **error)
{
    dnnl_primitive_attr_t attribute;
    if (!onednn_ok(onednn_attributes(&attribute, FALSE, add), "attributes", error)) {
        return FALSE;
    }
    dnnl_primitive_desc_t described;
    dnnl_status_t status =
        dnnl_reorder_primitive_desc_create(&described, from, onednn_engine(), to, onednn_engine(), attribute);
    dnnl_primitive_attr_destroy(attribute);
    return onednn_ok(status, "a reorder", error) && step_new(op, step, described, error);
}

static gboolean memory_new(dnnl_memory_t *memory, const Layout *layout, GError **error)
{
    return onednn_ok(dnnl_memory_create(memory, layout, onednn_engine(), DNNL_MEMORY_NONE), "a memory view",
                     error);
}

static gboolean has_border(const OnednnOp *op)
{
    return op->outer.h != op->inner.h;
}

/* Whether a copy of ours stands between the caller's tensor and oneDNN. */
static gboolean needs_stage(const OnednnOp *op, TensorRole role)
{
    return (role == TENSOR_X && (has_border(op) || op->parts)) || (role == TENSOR_W && op->parts);
}

static gboolean operand_new(OnednnOp *op, TensorRole role, const Layout *outside, const Layout *inside,
                            GError **error)
{
    Operand *operand = &op->operand[role];
    gboolean output = places[op->direction][role].output;
    gboolean bfloat_map =
        role != TENSOR_W && inside->data_type == dnnl_bf16; /* staging writes it as it is wanted */
    operand->bytes = dnnl_memory_desc_get_size(inside);
    operand->staged = needs_stage(op, role);
    operand->stage =
        operand->staged ? reserve(op, dnnl_memory_desc_get_size(bfloat_map ? inside : outside)) : 0;
    if (!memory_new(&operand->inside, inside, error)) {
        return FALSE;
    }
    if (role == TENSOR_B) {
        operand->offset = output ? reserve(op, operand->bytes) : 0;
        return TRUE;
    }
    gboolean add = output && role == TENSOR_W;
    if (bfloat_map || (!add && dnnl_memory_desc_equal(outside, inside))) {
        return TRUE;
    }
    operand->offset = reserve(op, operand->bytes);
    return memory_new(&operand->outside, outside, error) &&
           reorder_new(op, &operand->reorder, output ? inside : outside, output ? outside : inside, add,
                       error) &&
           (!(output && op->outer.residual) ||
            reorder_new(op, &operand->residual, outside, inside, FALSE, error));
}

static void operand_clear(Operand *operand)
{
    if (operand->outside) {
        dnnl_memory_destroy(operand->outside);
    }
    if (operand->inside) {
        dnnl_memory_destroy(operand->inside);
    }
    step_clear(&operand->reorder);
    step_clear(&operand->residual);
}

/* ---- running ---- */

static gboolean step_run(const OnednnOp *op, const Step *step, dnnl_exec_arg_t *arguments, int count,
                         char *scratch)
{
    dnnl_memory_set_data_handle(step->scratch, scratch + step->offset);
    arguments[count] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, step->scratch};
    return dnnl_primitive_execute(step->primitive, op->stream, count + 1, arguments) == dnnl_success &&
           dnnl_stream_wait(op->stream) == dnnl_success;
}

static gboolean reorder_run(const OnednnOp *op, const Step *step, dnnl_memory_t from, void *from_data,
                            dnnl_memory_t to, void *to_data, char *scratch)
{
    dnnl_memory_set_data_handle(from, from_data);
    dnnl_memory_set_data_handle(to, to_data);
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return step_run(op, step, arguments, 2, scratch);
}

/* The caller's side of the reorder: its tensor or the staged copy. */
static void *outside_data(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    return operand->staged ? (void *)(scratch + operand->stage) : tensors[role];
}

/* What the primitive reads or writes for a role. */
static void *inside_data(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
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

static void stage_in(const OnednnOp *op, TensorRole role, const float *tensor, char *scratch)
{
    const ConvSpec *s = &op->outer;
    char *to = scratch + op->operand[role].stage;
    if (role == TENSOR_W) {
        split_weights(s, op->parts, tensor, (float *)to);
    } else if (op->parts) {
        int border = has_border(op) ? s->pad : 0;
        split_activations(s, border, op->parts, tensor, (uint16_t *)(scratch + op->row), (uint16_t *)to);
    } else {
        copy_with_border(s, tensor, (float *)to);
    }
}

/* A result that starts as the residual. */
static gboolean bring_residual(const OnednnOp *op, float *const tensors[TENSORS], const float *residual,
                               char *scratch)
{
    const Operand *operand = &op->operand[TENSOR_Y];
    void *inside = inside_data(op, TENSOR_Y, tensors, scratch);
    if (operand->outside) {
        return reorder_run(op, &operand->residual, operand->outside, (void *)residual, operand->inside,
                           inside, scratch);
    }
    if (residual != inside) {
        memcpy(inside, residual, operand->bytes);
    }
    return TRUE;
}

/* Brings an input to where the primitive reads it. */
static gboolean bring_in(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    if (role == TENSOR_W && op->packed) {
        return TRUE;
    }
    if (operand->staged) {
        stage_in(op, role, tensors[role], scratch);
    }
    return !operand->outside ||
           reorder_run(op, &operand->reorder, operand->outside, outside_data(op, role, tensors, scratch),
                       operand->inside, inside_data(op, role, tensors, scratch), scratch);
}

static gboolean bring_out(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
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
    if (operand->outside &&
        !reorder_run(op, &operand->reorder, operand->inside, inside, operand->outside, outside, scratch)) {
        return FALSE;
    }
    if (operand->staged) {
        fold_border(&op->outer, outside, tensors[role]);
    }
    return TRUE;
}

gboolean onednn_op_run(OnednnOp *op, float *const tensors[TENSORS], const float *residual, char *scratch)
{
    omp_set_num_threads(1);
    dnnl_exec_arg_t arguments[TENSORS + 1];
    int count = 0;
    gboolean ok = !residual || bring_residual(op, tensors, residual, scratch);
    for (int role = 0; ok && role < TENSORS; role++) {
        const Place *place = &places[op->direction][role];
        if (place->argument) {
            ok = place->output || bring_in(op, role, tensors, scratch);
            dnnl_memory_set_data_handle(op->operand[role].inside, inside_data(op, role, tensors, scratch));
            arguments[count++] = (dnnl_exec_arg_t){place->argument, op->operand[role].inside};
        }
    }
    ok = ok && step_run(op, &op->main, arguments, count, scratch);
    for (int role = 0; ok && role < TENSORS; role++) {
        ok = !places[op->direction][role].output || bring_out(op, role, tensors, scratch);
    }
    return ok;
}

/* ---- making ---- */

typedef struct {
    OnednnOp *op;
    const float *weight;
} Packing;

/* The way that changing weights go at each run, once. */
static gboolean pack_weight(void *data, void *packed, GError **error)
{
    Packing *packing = data;
    OnednnOp *op = packing->op;
    char *scratch = aligned_alloc(64, scratch_round(MAX(op->scratch, 1)));
    if (!scratch) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for packing weights (%zu bytes)",
                    op->scratch);
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

/* What belongs to the forward direction: a bias, and weights that never change. */
static gboolean pack(OnednnOp *op, const Layout *layout, const float *weight, const float *bias,
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

static gboolean prepare(OnednnOp *op, dnnl_primitive_desc_t described, GError **error)
{
    Layouts outside = onednn_layouts(&op->inner, dnnl_nhwc, dnnl_oihw);
    op->row = op->parts ? reserve(op, sizeof(uint16_t) * 2 * op->outer.w * op->outer.c_in) : 0;
    for (int role = 0; role < TENSORS; role++) {
        const Place *place = &places[op->direction][role];
        if (place->argument) {
            const Layout *inside = dnnl_primitive_desc_query_md(described, place->query, place->query_index);
            if (!operand_new(op, role, &outside.of[role], inside, error)) {
                dnnl_primitive_desc_destroy(described);
                return FALSE;
            }
        }
    }
    return step_new(op, &op->main, described, error) &&
           onednn_ok(dnnl_stream_create(&op->stream, onednn_engine(), dnnl_stream_default_flags), "a stream",
                     error);
}

static ConvSpec inner_spec(const ConvSpec *outer, int parts)
{
    ConvSpec inner = *outer;
    if (outer->pad && outer->pad_mode == PAD_REFLECT) {
        inner.h += 2 * outer->pad;
        inner.w += 2 * outer->pad;
        inner.pad = 0;
    }
    inner.c_in *= MAX(parts, 1);
    return inner;
}

OnednnOp *onednn_op_new(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                        const float *weight, const float *bias, gboolean *unsupported, GError **error)
{
    omp_set_num_threads(1); /* primitives are built for this many */
    ConvSpec inner = inner_spec(spec, candidate->parts);
    gboolean possible = !candidate->parts || !spec->training;
    dnnl_primitive_desc_t described = possible ? onednn_describe(&inner, direction, candidate) : NULL;
    *unsupported = !described;
    if (!described) {
        return NULL;
    }
    Layout packed = {0};
    if (direction == CONV_FORWARD) {
        packed = *dnnl_primitive_desc_query_md(described, dnnl_query_weights_md, 0);
    }
    OnednnOp *op = g_new0(OnednnOp, 1);
    op->outer = *spec;
    op->inner = inner;
    op->direction = direction;
    op->parts = candidate->parts;
    if (!prepare(op, described, error) ||
        (direction == CONV_FORWARD && !pack(op, &packed, weight, bias, error))) {
        onednn_op_free(op);
        return NULL;
    }
    return op;
}

void onednn_op_free(OnednnOp *op)
{
    if (!op) {
        return;
    }
    for (int role = 0; role < TENSORS; role++) {
        operand_clear(&op->operand[role]);
    }
    step_clear(&op->main);
    if (op->stream) {
        dnnl_stream_destroy(op->stream);
    }
    packed_weights_release(op->packed);
    g_free(op->bias);
    g_free(op);
}

size_t onednn_op_scratch(const OnednnOp *op)
{
    return op->scratch;
}
#endif

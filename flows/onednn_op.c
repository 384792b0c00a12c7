/* Operands between the caller's layout and the primitive's.
 *
 * A primitive wants its tensors in the layout it was built for: NHWC and caller's OIHW, or blocks of 16 channels
 * (Winograd), or bfloat16.  Each tensor is an Operand: the caller's view (outside), the primitive's (inside) and, where
 * they differ, a reorder between them through scratch memory.  Weight gradients always go through a reorder, because it
 * can add to what is there.  Weights that never change are packed once, when the op is made.
 *
 * oneDNN facts that this file rests on: a primitive with a user scratchpad may run in any thread; memory objects are
 * cheap views whose pointer is set before each run; post-ops run in order, and "sum" reads what y holds, so a
 * residual is copied to y first. OpenMP is held to one thread, as primitives are tuned for the number of threads at
 * their creation. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/onednn_op.h"
#include "flows/scratch.h"
#include "flows/kernels_private.h"
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
    dnnl_memory_t outside; /* NULL: the caller has none, or the layouts agree */
    dnnl_memory_t inside;  /* what the primitive is given; NULL: not part of the operation */
    Step reorder;          /* in the direction of the data */
    Step residual;         /* outside -> inside, of a result that is reordered and has a residual */
    size_t offset, bytes;  /* of inside in the scratch memory, when reordered */
} Operand;

struct OnednnOp {
    ConvSpec spec;
    ConvDirection direction;
    dnnl_stream_t stream;
    Step main;
    Operand operand[TENSORS];
    char *packed_weight; /* forward, weights that never change */
    float *bias;         /* forward: of weights that never change, or zeros for a caller without */
    size_t scratch;      /* bytes of scratch memory, all parts together */
};

/* OpenMP's standard entry; declared here because compilers hide <omp.h> behind options. */
void omp_set_num_threads(int threads);

static dnnl_engine_t engine(void)
{
    static dnnl_engine_t shared;
    if (g_once_init_enter(&shared)) {
        dnnl_engine_t fresh = NULL;
        if (dnnl_engine_create(&fresh, dnnl_cpu, 0) != dnnl_success) {
            g_error("oneDNN has no CPU engine");
        }
        g_once_init_leave(&shared, fresh);
    }
    return shared;
}

gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error)
{
    if (status == dnnl_success) {
        return TRUE;
    }
    WsiErrorCode code = status == dnnl_out_of_memory ? WSI_ERROR_MEMORY : WSI_ERROR_INTERNAL;
    g_set_error(error, WSI_ERROR, code, "oneDNN, %s: %s", what, dnnl_status2str(status));
    return FALSE;
}

/* ---- descriptors ---- */

typedef dnnl_memory_desc_t Layout;

static Layout layout_4d(int a, int b, int c, int d, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    Layout layout;
    dnnl_memory_desc_init_by_tag(&layout, 4, (dnnl_dims_t){a, b, c, d}, type, tag);
    return layout;
}

/* What the caller has (outside) or what the primitive may choose (inside) for each tensor. */
typedef struct {
    Layout of[TENSORS];
} Layouts;

static Layouts outside_layouts(const ConvSpec *s)
{
    Layouts l;
    l.of[TENSOR_X] = layout_4d(s->n, s->c_in, s->h, s->w, dnnl_f32, dnnl_nhwc);
    l.of[TENSOR_W] = layout_4d(s->c_out, s->c_in, s->kernel, s->kernel, dnnl_f32, dnnl_oihw);
    l.of[TENSOR_Y] = layout_4d(s->n, s->c_out, conv_out_h(s), conv_out_w(s), dnnl_f32, dnnl_nhwc);
    dnnl_memory_desc_init_by_tag(&l.of[TENSOR_B], 1, (dnnl_dims_t){s->c_out}, dnnl_f32, dnnl_x);
    return l;
}

static Layouts wanted_layouts(const ConvSpec *s, const OnednnCandidate *c)
{
    dnnl_format_tag_t tag = c->any_layout ? dnnl_format_tag_any : dnnl_nhwc;
    dnnl_data_type_t type = c->bf16 ? dnnl_bf16 : dnnl_f32;
    Layouts l = outside_layouts(s);
    l.of[TENSOR_X] = layout_4d(s->n, s->c_in, s->h, s->w, type, tag);
    l.of[TENSOR_W] = layout_4d(s->c_out, s->c_in, s->kernel, s->kernel, type, dnnl_format_tag_any);
    l.of[TENSOR_Y] = layout_4d(s->n, s->c_out, conv_out_h(s), conv_out_w(s), dnnl_f32, tag);
    return l;
}

static dnnl_status_t forward_descriptor(dnnl_convolution_desc_t *out, const ConvSpec *s,
                                        dnnl_alg_kind_t algorithm, const Layouts *l)
{
    dnnl_dims_t stride = {s->stride, s->stride}, pad = {s->pad, s->pad};
    return dnnl_convolution_forward_desc_init(
        out, s->training ? dnnl_forward_training : dnnl_forward_inference, algorithm, &l->of[TENSOR_X],
        &l->of[TENSOR_W], &l->of[TENSOR_B], &l->of[TENSOR_Y], stride, pad, pad);
}

static dnnl_status_t descriptor(dnnl_convolution_desc_t *out, const ConvSpec *s, ConvDirection direction,
                                dnnl_alg_kind_t algorithm, const Layouts *l)
{
    dnnl_dims_t stride = {s->stride, s->stride}, pad = {s->pad, s->pad};
    switch (direction) {
    case CONV_FORWARD:
        return forward_descriptor(out, s, algorithm, l);
    case CONV_BACKWARD_DATA:
        return dnnl_convolution_backward_data_desc_init(out, algorithm, &l->of[TENSOR_X], &l->of[TENSOR_W],
                                                        &l->of[TENSOR_Y], stride, pad, pad);
    default:
        return dnnl_convolution_backward_weights_desc_init(out, algorithm, &l->of[TENSOR_X], &l->of[TENSOR_W],
                                                           &l->of[TENSOR_B], &l->of[TENSOR_Y], stride, pad,
                                                           pad);
    }
}

static dnnl_status_t attributes(dnnl_primitive_attr_t *out, const ConvSpec *s, ConvDirection direction)
{
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status != dnnl_success) {
        return status;
    }
    dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (direction != CONV_FORWARD || (!s->relu && !s->residual)) {
        return dnnl_success;
    }
    dnnl_post_ops_t after;
    status = dnnl_post_ops_create(&after);
    if (status != dnnl_success) {
        return status;
    }
    if (s->residual) {
        dnnl_post_ops_append_sum(after, 1);
    }
    if (s->relu) {
        dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0);
    }
    status = dnnl_primitive_attr_set_post_ops(*out, after);
    dnnl_post_ops_destroy(after);
    return status;
}

/* NULL when oneDNN offers none. */
static dnnl_primitive_desc_t describe(const ConvSpec *s, ConvDirection direction,
                                      const OnednnCandidate *candidate)
{
    Layouts wanted = wanted_layouts(s, candidate);
    dnnl_convolution_desc_t backward, forward;
    dnnl_primitive_desc_t hint = NULL, out = NULL;
    dnnl_primitive_attr_t attribute = NULL;
    if (descriptor(&backward, s, direction, candidate->algorithm, &wanted) == dnnl_success &&
        attributes(&attribute, s, direction) == dnnl_success) {
        gboolean hinted = direction == CONV_FORWARD;
        if (!hinted && forward_descriptor(&forward, s, dnnl_convolution_direct, &wanted) == dnnl_success) {
            hinted = dnnl_primitive_desc_create(&hint, &forward, NULL, engine(), NULL) == dnnl_success;
        }
        if (!hinted ||
            dnnl_primitive_desc_create(&out, &backward, attribute, engine(), hint) != dnnl_success) {
            out = NULL;
        }
    }
    if (hint) {
        dnnl_primitive_desc_destroy(hint);
    }
    if (attribute) {
        dnnl_primitive_attr_destroy(attribute);
    }
    return out;
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
        onednn_ok(dnnl_memory_create(&step->scratch, layout, engine(), DNNL_MEMORY_NONE), "scratch memory",
                  error);
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
    ConvSpec plain = {.residual = add};
    dnnl_primitive_attr_t attribute;
    if (!onednn_ok(attributes(&attribute, &plain, CONV_FORWARD), "attributes", error)) {
        return FALSE;
    }
    dnnl_primitive_desc_t described;
    dnnl_status_t status =
        dnnl_reorder_primitive_desc_create(&described, from, engine(), to, engine(), attribute);
    dnnl_primitive_attr_destroy(attribute);
    return onednn_ok(status, "a reorder", error) && step_new(op, step, described, error);
}

static gboolean memory_new(dnnl_memory_t *memory, const Layout *layout, GError **error)
{
    return onednn_ok(dnnl_memory_create(memory, layout, engine(), DNNL_MEMORY_NONE), "a memory view", error);
}

static gboolean operand_new(OnednnOp *op, TensorRole role, const Layout *outside, const Layout *inside,
                            GError **error)
{
    Operand *operand = &op->operand[role];
    gboolean output = places[op->direction][role].output;
    operand->bytes = dnnl_memory_desc_get_size(inside);
    if (!memory_new(&operand->inside, inside, error)) {
        return FALSE;
    }
    if (role == TENSOR_B) {
        operand->offset = output ? reserve(op, operand->bytes) : 0;
        return TRUE;
    }
    gboolean add = output && role == TENSOR_W;
    if (!add && dnnl_memory_desc_equal(outside, inside)) {
        return TRUE;
    }
    operand->offset = reserve(op, operand->bytes);
    return memory_new(&operand->outside, outside, error) &&
           reorder_new(op, &operand->reorder, output ? inside : outside, output ? outside : inside, add,
                       error) &&
           (!(output && op->spec.residual) ||
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

/* What the primitive reads or writes for a role: the caller's memory, the packed one or scratch. */
static void *inside_data(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    if (role == TENSOR_B && op->direction == CONV_FORWARD) {
        return op->spec.training && tensors[role] ? tensors[role] : op->bias;
    }
    if (role == TENSOR_W && op->packed_weight) {
        return op->packed_weight;
    }
    return operand->outside || role == TENSOR_B ? (void *)(scratch + operand->offset) : tensors[role];
}

/* Brings a tensor to where the primitive reads it; a result only needs that when it starts as the residual. */
static gboolean bring_in(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS],
                         const float *residual, char *scratch)
{
    const Operand *operand = &op->operand[role];
    void *inside = inside_data(op, role, tensors, scratch);
    if (places[op->direction][role].output) {
        if (role != TENSOR_Y || !residual) {
            return TRUE;
        }
        if (operand->outside) {
            return reorder_run(op, &operand->residual, operand->outside, (void *)residual, operand->inside,
                               inside, scratch);
        }
        if (residual != inside) {
            memcpy(inside, residual, operand->bytes);
        }
        return TRUE;
    }
    return !operand->outside || (role == TENSOR_W && op->packed_weight) ||
           reorder_run(op, &operand->reorder, operand->outside, tensors[role], operand->inside, inside,
                       scratch);
}

static gboolean bring_out(const OnednnOp *op, TensorRole role, float *const tensors[TENSORS], char *scratch)
{
    const Operand *operand = &op->operand[role];
    if (!places[op->direction][role].output) {
        return TRUE;
    }
    void *inside = inside_data(op, role, tensors, scratch);
    if (role == TENSOR_B) {
        for (int o = 0; tensors[role] && o < op->spec.c_out; o++) {
            tensors[role][o] += ((const float *)inside)[o];
        }
        return TRUE;
    }
    return !operand->outside || reorder_run(op, &operand->reorder, operand->inside, inside, operand->outside,
                                            tensors[role], scratch);
}

gboolean onednn_op_run(OnednnOp *op, float *const tensors[TENSORS], const float *residual, char *scratch)
{
    omp_set_num_threads(1);
    dnnl_exec_arg_t arguments[TENSORS + 1];
    int count = 0;
    for (int role = 0; role < TENSORS; role++) {
        if (!op->operand[role].inside) {
            continue;
        }
        if (!bring_in(op, role, tensors, residual, scratch)) {
            return FALSE;
        }
        dnnl_memory_set_data_handle(op->operand[role].inside, inside_data(op, role, tensors, scratch));
        arguments[count++] =
            (dnnl_exec_arg_t){places[op->direction][role].argument, op->operand[role].inside};
    }
    gboolean ok = step_run(op, &op->main, arguments, count, scratch);
    for (int role = 0; ok && role < TENSORS; role++) {
        ok = !op->operand[role].inside || bring_out(op, role, tensors, scratch);
    }
    return ok;
}

/* ---- making ---- */

/* Packs weights and bias that never change. */
static gboolean pack(OnednnOp *op, const float *weight, const float *bias, GError **error)
{
    Operand *w = &op->operand[TENSOR_W];
    op->bias = wsi_try_alloc(op->spec.c_out, sizeof(float), "a bias", error);
    if (!op->bias) {
        return FALSE;
    }
    if (op->spec.training) {
        return TRUE;
    }
    if (bias) {
        memcpy(op->bias, bias, sizeof(float) * op->spec.c_out);
    }
    op->packed_weight = aligned_alloc(64, scratch_round(w->bytes));
    char *scratch = aligned_alloc(64, scratch_round(MAX(op->scratch, 1)));
    gboolean ok = op->packed_weight && scratch;
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for packed weights (%zu bytes)", w->bytes);
    } else if (w->outside) {
        ok = reorder_run(op, &w->reorder, w->outside, (void *)weight, w->inside, op->packed_weight, scratch);
        onednn_ok(ok ? dnnl_success : dnnl_runtime_error, "packing weights", error);
    } else {
        memcpy(op->packed_weight, weight, w->bytes);
    }
    free(scratch);
    return ok;
}

static gboolean prepare(OnednnOp *op, dnnl_primitive_desc_t described, GError **error)
{
    Layouts outside = outside_layouts(&op->spec);
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
           onednn_ok(dnnl_stream_create(&op->stream, engine(), dnnl_stream_default_flags), "a stream", error);
}

OnednnOp *onednn_op_new(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                        const float *weight, const float *bias, gboolean *unsupported, GError **error)
{
    omp_set_num_threads(1); /* primitives are built for this many */
    dnnl_primitive_desc_t described = describe(spec, direction, candidate);
    *unsupported = !described;
    if (!described) {
        return NULL;
    }
    OnednnOp *op = g_new0(OnednnOp, 1);
    op->spec = *spec;
    op->direction = direction;
    if (!prepare(op, described, error) || (direction == CONV_FORWARD && !pack(op, weight, bias, error))) {
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
    free(op->packed_weight);
    g_free(op->bias);
    g_free(op);
}

size_t onednn_op_scratch(const OnednnOp *op)
{
    return op->scratch;
}
#endif

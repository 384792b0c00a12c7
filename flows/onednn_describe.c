/* Asking oneDNN for primitives: which tensors, in which layouts and types, what happens to the result.
 *
 * A layout of "any" lets the primitive choose; the caller then asks what it chose.  Backward primitives are
 * described with a forward one as a hint.  All have a scratchpad that the caller provides. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/onednn_describe.h"

static Layout layout_4d(int a, int b, int c, int d, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    Layout layout;
    dnnl_memory_desc_init_by_tag(&layout, 4, (dnnl_dims_t){a, b, c, d}, type, tag);
    return layout;
}

Layouts onednn_layouts(const ConvSpec *s, dnnl_format_tag_t maps, dnnl_format_tag_t weights)
{
    Layouts l;
    l.of[TENSOR_X] = layout_4d(s->n, s->c_in, s->h, s->w, dnnl_f32, maps);
    l.of[TENSOR_W] = layout_4d(s->c_out, s->c_in, s->kernel, s->kernel, dnnl_f32, weights);
    l.of[TENSOR_Y] = layout_4d(s->n, s->c_out, conv_out_h(s), conv_out_w(s), dnnl_f32, maps);
    dnnl_memory_desc_init_by_tag(&l.of[TENSOR_B], 1, (dnnl_dims_t){s->c_out}, dnnl_f32, dnnl_x);
    return l;
}

/* What the primitive may choose or must take. */
static Layouts wanted_layouts(const ConvSpec *s, const OnednnCandidate *c)
{
    Layouts l = onednn_layouts(s, c->any_layout ? dnnl_format_tag_any : dnnl_nhwc, dnnl_format_tag_any);
    if (c->parts) {
        l.of[TENSOR_X].data_type = l.of[TENSOR_W].data_type = dnnl_bf16;
    }
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

/* Backward primitives want a forward one as a hint. */
static dnnl_status_t hint_new(dnnl_primitive_desc_t *hint, const ConvSpec *s, const Layouts *wanted)
{
    dnnl_convolution_desc_t forward;
    dnnl_status_t status = forward_descriptor(&forward, s, dnnl_convolution_direct, wanted);
    return status == dnnl_success ? dnnl_primitive_desc_create(hint, &forward, NULL, onednn_engine(), NULL)
                                  : status;
}

dnnl_primitive_desc_t onednn_describe(const ConvSpec *s, ConvDirection direction,
                                      const OnednnCandidate *candidate)
{
    Layouts wanted = wanted_layouts(s, candidate);
    dnnl_convolution_desc_t convolution;
    dnnl_primitive_desc_t hint = NULL, out = NULL;
    dnnl_primitive_attr_t attribute = NULL;
    gboolean forward = direction == CONV_FORWARD;
    if ((forward || hint_new(&hint, s, &wanted) == dnnl_success) &&
        descriptor(&convolution, s, direction, candidate->algorithm, &wanted) == dnnl_success &&
        onednn_attributes(&attribute, forward && s->relu, forward && s->residual) == dnnl_success &&
        dnnl_primitive_desc_create(&out, &convolution, attribute, onednn_engine(), hint) != dnnl_success) {
        out = NULL;
    }
    if (hint) {
        dnnl_primitive_desc_destroy(hint);
    }
    if (attribute) {
        dnnl_primitive_attr_destroy(attribute);
    }
    return out;
}

#endif

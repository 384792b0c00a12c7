/* Asking oneDNN for primitives: which tensors, in which layouts and types, what happens to the result.
 *
 * A layout of "any" lets the primitive choose; the caller then asks what it chose.  Backward primitives are
 * described with a forward one as a hint.  All have a scratchpad that the caller provides. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_describe.h"

Layouts onednn_layouts(const ConvSpec *s, dnnl_format_tag_t maps, dnnl_format_tag_t weights,
                       dnnl_data_type_t type)
{
    return (Layouts){{
        [TENSOR_X] = layout_new(4, (dnnl_dims_t){s->n, s->c_in, s->h, s->w}, type, maps),
        [TENSOR_W] = layout_new(4, (dnnl_dims_t){s->c_out, s->c_in, s->kernel, s->kernel}, type, weights),
        [TENSOR_B] = layout_new(1, (dnnl_dims_t){s->c_out}, dnnl_f32, dnnl_x),
        [TENSOR_Y] =
            layout_new(4, (dnnl_dims_t){s->n, s->c_out, conv_out_h(s), conv_out_w(s)}, dnnl_f32, maps),
    }};
}

void onednn_layouts_clear(Layouts *layouts)
{
    for (int role = 0; role < TENSORS; role++) {
        g_clear_pointer(&layouts->of[role], layout_free);
    }
}

/* What the primitive may choose or must take. */
static Layouts wanted_layouts(const ConvSpec *s, const OnednnCandidate *c)
{
    return onednn_layouts(s, c->any_layout ? dnnl_format_tag_any : dnnl_nhwc, dnnl_format_tag_any,
                          c->parts ? dnnl_bf16 : dnnl_f32);
}

dnnl_primitive_desc_t onednn_describe(const ConvSpec *s, ConvDirection direction,
                                      const OnednnCandidate *candidate)
{
    static const OnednnDirection directions[] = {[CONV_FORWARD] = ONEDNN_FORWARD,
                                                 [CONV_BACKWARD_DATA] = ONEDNN_BACKWARD_DATA,
                                                 [CONV_BACKWARD_WEIGHTS] = ONEDNN_BACKWARD_WEIGHTS};
    Layouts wanted = wanted_layouts(s, candidate);
    OnednnConvolution convolution = {.training = s->training,
                                     .algorithm = dnnl_convolution_direct,
                                     .x = wanted.of[TENSOR_X],
                                     .w = wanted.of[TENSOR_W],
                                     .b = wanted.of[TENSOR_B],
                                     .y = wanted.of[TENSOR_Y],
                                     .stride = s->stride,
                                     .pad = s->pad};
    dnnl_primitive_desc_t hint = NULL, out = NULL;
    dnnl_primitive_attr_t attribute = NULL;
    gboolean forward = direction == CONV_FORWARD;
    /* Backward primitives want a forward one as a hint. */
    gboolean ok = (forward || onednn_convolution(&hint, &convolution) == dnnl_success) &&
                  onednn_attributes(&attribute, forward && s->relu, forward && s->residual) == dnnl_success;
    convolution.direction = directions[direction];
    convolution.algorithm = candidate->algorithm;
    convolution.attribute = attribute;
    convolution.hint = hint;
    if (!ok || onednn_convolution(&out, &convolution) != dnnl_success) {
        out = NULL;
    }
    if (hint) {
        dnnl_primitive_desc_destroy(hint);
    }
    if (attribute) {
        dnnl_primitive_attr_destroy(attribute);
    }
    onednn_layouts_clear(&wanted);
    return out;
}

#endif

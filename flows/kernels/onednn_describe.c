/* Descriptions of convolutions: their tensors, layouts, types and post-ops.
 *
 * With the layout "any" the primitive chooses, and the caller asks what it chose.  A backward primitive is described with
 * a forward one as a hint.  All of them take their scratchpad from the caller. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_describe.h"

ConvLayouts onednn_conv_layouts(const ConvSpec *s, dnnl_format_tag_t maps, dnnl_format_tag_t weights,
                                dnnl_data_type_t type)
{
    return (ConvLayouts){{
        [TENSOR_X] = onednn_layout_new(4, (dnnl_dims_t){s->n, s->c_in, s->h, s->w}, type, maps),
        [TENSOR_W] =
            onednn_layout_new(4, (dnnl_dims_t){s->c_out, s->c_in, s->kernel, s->kernel}, type, weights),
        [TENSOR_B] = onednn_layout_new(1, (dnnl_dims_t){s->c_out}, dnnl_f32, dnnl_x),
        [TENSOR_Y] =
            onednn_layout_new(4, (dnnl_dims_t){s->n, s->c_out, conv_out_h(s), conv_out_w(s)}, dnnl_f32, maps),
    }};
}

void onednn_conv_layouts_clear(ConvLayouts *layouts)
{
    for (int role = 0; role < TENSORS; role++) {
        g_clear_pointer(&layouts->of[role], onednn_layout_free);
    }
}

/* ConvLayouts that the primitive may choose, or must take. */
static ConvLayouts wanted_layouts(const ConvSpec *s, const OnednnCandidate *c)
{
    return onednn_conv_layouts(s, c->any_layout ? dnnl_format_tag_any : dnnl_nhwc, dnnl_format_tag_any,
                               c->parts ? dnnl_bf16 : dnnl_f32);
}

dnnl_primitive_desc_t onednn_describe(const ConvSpec *s, ConvDirection direction,
                                      const OnednnCandidate *candidate)
{
    ConvLayouts wanted = wanted_layouts(s, candidate);
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
    /* The hint is a forward convolution without post-ops. */
    gboolean ok = (forward || onednn_convolution(&hint, &convolution) == dnnl_success) &&
                  onednn_attributes(&attribute, forward && s->relu, forward && s->residual) == dnnl_success;
    convolution.direction = direction;
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
    onednn_conv_layouts_clear(&wanted);
    return out;
}

#endif

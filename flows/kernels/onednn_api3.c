/* onednn_api.h for oneDNN 3: layouts are opaque objects, primitives are described by one call each. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_api.h"
#if DNNL_VERSION_MAJOR >= 3
#include "flows/kernels/onednn_engine.h"

/* A layout that cannot be described is NULL, and every later call refuses NULL. */
OnednnLayout *onednn_layout_new(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                dnnl_format_tag_t tag)
{
    OnednnLayout *layout = NULL;
    dnnl_memory_desc_create_with_tag(&layout, dimensions, sizes, type, tag);
    return layout;
}

OnednnLayout *onednn_layout_new_strided(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                        const dnnl_dims_t strides)
{
    OnednnLayout *layout = NULL;
    dnnl_memory_desc_create_with_strides(&layout, dimensions, sizes, type, strides);
    return layout;
}

OnednnLayout *onednn_layout_copy(const OnednnLayout *layout)
{
    OnednnLayout *copy = NULL;
    dnnl_memory_desc_clone(&copy, layout);
    return copy;
}

void onednn_layout_free(OnednnLayout *layout)
{
    if (layout) {
        dnnl_memory_desc_destroy(layout);
    }
}

dnnl_data_type_t onednn_layout_type(const OnednnLayout *layout)
{
    dnnl_data_type_t type = dnnl_data_type_undef;
    dnnl_memory_desc_query(layout, dnnl_query_data_type, &type);
    return type;
}

dnnl_status_t onednn_convolution(dnnl_primitive_desc_t *out, const OnednnConvolution *c)
{
    /* oneDNN counts dilation from 0: adjacent taps. */
    dnnl_dims_t stride = {c->stride, c->stride}, pad = {c->pad, c->pad}, dilation = {0, 0};
    switch (c->direction) {
    case CONV_FORWARD:
        return dnnl_convolution_forward_primitive_desc_create(
            out, onednn_engine(), c->training ? dnnl_forward_training : dnnl_forward_inference, c->algorithm,
            c->x, c->w, c->b, c->y, stride, dilation, pad, pad, c->attribute);
    case CONV_BACKWARD_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(out, onednn_engine(), c->algorithm, c->x,
                                                                    c->w, c->y, stride, dilation, pad, pad,
                                                                    c->hint, c->attribute);
    default:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            out, onednn_engine(), c->algorithm, c->x, c->w, c->b, c->y, stride, dilation, pad, pad, c->hint,
            c->attribute);
    }
}

dnnl_status_t onednn_product(dnnl_primitive_desc_t *out, const OnednnLayout *x, const OnednnLayout *w,
                             const OnednnLayout *y, dnnl_primitive_attr_t attribute)
{
    return dnnl_matmul_primitive_desc_create(out, onednn_engine(), x, w, NULL, y, attribute);
}

dnnl_status_t onednn_after_add(dnnl_post_ops_t after)
{
    /* y = result + 1 y, with no zero point and the type of y. */
    return dnnl_post_ops_append_sum(after, 1, 0, dnnl_data_type_undef);
}

dnnl_status_t onednn_after_relu(dnnl_post_ops_t after)
{
    /* 0: no slope for negative values. */
    return dnnl_post_ops_append_eltwise(after, dnnl_eltwise_relu, 0, 0);
}
#endif
#endif

/* onednn_api.h for oneDNN 2: descriptors of operations are structs that the caller fills, layouts are structs too. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_api.h"
#if DNNL_VERSION_MAJOR < 3
#include "flows/kernels/onednn_engine.h"

OnednnLayout *onednn_layout_new(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                dnnl_format_tag_t tag)
{
    OnednnLayout *layout = g_new0(OnednnLayout, 1);
    /* A failure leaves a layout of zeros. */
    dnnl_memory_desc_init_by_tag(layout, dimensions, sizes, type, tag);
    return layout;
}

OnednnLayout *onednn_layout_new_strided(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                        const dnnl_dims_t strides)
{
    OnednnLayout *layout = g_new0(OnednnLayout, 1);
    dnnl_memory_desc_init_by_strides(layout, dimensions, sizes, type, strides);
    return layout;
}

OnednnLayout *onednn_layout_copy(const OnednnLayout *layout)
{
    return g_memdup2(layout, sizeof *layout);
}

void onednn_layout_free(OnednnLayout *layout)
{
    g_free(layout);
}

dnnl_data_type_t onednn_layout_type(const OnednnLayout *layout)
{
    return layout->data_type;
}

/* The descriptor of the operation, from which version 2 makes the description of the primitive. */
static dnnl_status_t describe(dnnl_convolution_desc_t *out, const OnednnConvolution *c)
{
    /* Padding before and after is the same in both directions. */
    dnnl_dims_t stride = {c->stride, c->stride}, pad = {c->pad, c->pad};
    switch (c->direction) {
    case CONV_FORWARD:
        return dnnl_convolution_forward_desc_init(
            out, c->training ? dnnl_forward_training : dnnl_forward_inference, c->algorithm, c->x, c->w, c->b,
            c->y, stride, pad, pad);
    case CONV_BACKWARD_DATA:
        return dnnl_convolution_backward_data_desc_init(out, c->algorithm, c->x, c->w, c->y, stride, pad,
                                                        pad);
    default:
        return dnnl_convolution_backward_weights_desc_init(out, c->algorithm, c->x, c->w, c->b, c->y, stride,
                                                           pad, pad);
    }
}

dnnl_status_t onednn_convolution(dnnl_primitive_desc_t *out, const OnednnConvolution *convolution)
{
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = describe(&operation, convolution);
    return status == dnnl_success ? dnnl_primitive_desc_create(out, &operation, convolution->attribute,
                                                               onednn_engine(), convolution->hint)
                                  : status;
}

dnnl_status_t onednn_product(dnnl_primitive_desc_t *out, const OnednnLayout *x, const OnednnLayout *w,
                             const OnednnLayout *y, dnnl_primitive_attr_t attribute)
{
    dnnl_matmul_desc_t operation;
    dnnl_status_t status = dnnl_matmul_desc_init(&operation, x, w, NULL, y);
    return status == dnnl_success
               ? dnnl_primitive_desc_create(out, &operation, attribute, onednn_engine(), NULL)
               : status;
}

dnnl_status_t onednn_after_add(dnnl_post_ops_t after)
{
    /* y = result + 1 y. */
    return dnnl_post_ops_append_sum(after, 1);
}

dnnl_status_t onednn_after_relu(dnnl_post_ops_t after)
{
    /* 1: no scaling of the result; 0: no slope for negative values. */
    return dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0);
}
#endif
#endif

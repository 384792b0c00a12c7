/* oneDNN's interface where its versions 2 and 3 differ: layouts, descriptions of primitives, post-ops.
 *
 * onednn_api2.c implements this header for version 2 and onednn_api3.c for version 3; no other file depends on the version.
 * Sources: the C API of oneDNN 2.6 and 3.x, and its guide "Transition from v2.x to v3.x". */
#pragma once
#include "flows/kernels/conv_spec.h"
#include <dnnl.h>

/* How a tensor is stored: oneDNN's memory descriptor.  Only the two implementations look inside. */
#if DNNL_VERSION_MAJOR >= 3
typedef struct dnnl_memory_desc OnednnLayout;
#else
typedef dnnl_memory_desc_t OnednnLayout;
#endif

/* Free with onednn_layout_free.  tag: dnnl_format_tag_any lets the primitive choose. */
OnednnLayout *onednn_layout_new(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                dnnl_format_tag_t tag);
/* strides: in elements. */
OnednnLayout *onednn_layout_new_strided(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                                        const dnnl_dims_t strides);
OnednnLayout *onednn_layout_copy(const OnednnLayout *layout);
/* NULL is fine. */
void onednn_layout_free(OnednnLayout *layout);
dnnl_data_type_t onednn_layout_type(const OnednnLayout *layout);

/* A convolution to ask for: the layouts of the tensors that the direction reads and writes. */
typedef struct {
    ConvDirection direction;
    gboolean training; /* of the forward direction */
    dnnl_alg_kind_t algorithm;
    const OnednnLayout *x, *w, *b, *y;
    int stride, pad;
    dnnl_primitive_attr_t attribute; /* or NULL */
    dnnl_primitive_desc_t hint;      /* backward directions: a description of the forward one */
} OnednnConvolution;

/* On success the caller destroys *out. */
dnnl_status_t onednn_convolution(dnnl_primitive_desc_t *out, const OnednnConvolution *convolution);
/* y = x w, a batch of matrix products. */
dnnl_status_t onednn_product(dnnl_primitive_desc_t *out, const OnednnLayout *x, const OnednnLayout *w,
                             const OnednnLayout *y, dnnl_primitive_attr_t attribute);
/* Post-ops: add the result to what is there; apply max(., 0). */
dnnl_status_t onednn_after_add(dnnl_post_ops_t after);
dnnl_status_t onednn_after_relu(dnnl_post_ops_t after);

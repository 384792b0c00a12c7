/* oneDNN's interface where its versions 2 and 3 differ: layouts, descriptions of primitives, operations after them.
 *
 * onednn_api2.c and onednn_api3.c each implement this header for one version of the library; the rest of the onednn files knows neither.
 * Sources: the C API of oneDNN 2.6 and 3.x, and its guide "Transition from v2.x to v3.x". */
#pragma once
#include <dnnl.h>
#include <glib.h>

/* How a tensor is stored: the library's own object.  Version 2 shows its members; only the implementations look at them. */
#if DNNL_VERSION_MAJOR >= 3
typedef struct dnnl_memory_desc Layout;
#else
typedef dnnl_memory_desc_t Layout;
#endif

/* Free with layout_free.  `tag` may be dnnl_format_tag_any: the primitive chooses. */
Layout *layout_new(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type, dnnl_format_tag_t tag);
/* strides: in elements. */
Layout *layout_new_strided(int dimensions, const dnnl_dims_t sizes, dnnl_data_type_t type,
                           const dnnl_dims_t strides);
Layout *layout_copy(const Layout *layout);
/* NULL is fine. */
void layout_free(Layout *layout);
dnnl_data_type_t layout_type(const Layout *layout);

/* A convolution to ask for; layouts of what the direction reads and writes. */
typedef enum { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS } OnednnDirection;
typedef struct {
    OnednnDirection direction;
    gboolean training; /* of the forward direction */
    dnnl_alg_kind_t algorithm;
    const Layout *x, *w, *b, *y;
    int stride, pad;
    dnnl_primitive_attr_t attribute; /* or NULL */
    dnnl_primitive_desc_t hint;      /* of the backward directions: a forward description */
} OnednnConvolution;

/* Destroy *out on success. */
dnnl_status_t onednn_convolution(dnnl_primitive_desc_t *out, const OnednnConvolution *convolution);
/* y = x w, batches of matrices. */
dnnl_status_t onednn_product(dnnl_primitive_desc_t *out, const Layout *x, const Layout *w, const Layout *y,
                             dnnl_primitive_attr_t attribute);
/* Add the result to what is there; max(., 0). */
dnnl_status_t onednn_after_add(dnnl_post_ops_t after);
dnnl_status_t onednn_after_relu(dnnl_post_ops_t after);

/* Descriptions of oneDNN's primitives.  Only the onednn files use this. */
#pragma once
#include "flows/onednn_op.h"

typedef dnnl_memory_desc_t Layout;

/* One for each tensor. */
typedef struct {
    Layout of[TENSORS];
} Layouts;

/* The CPU; made once, shared by all threads. */
dnnl_engine_t onednn_engine(void);
/* Of a convolution's tensors in float: maps as `maps`, weights as `weights` (dnnl_nhwc, dnnl_oihw, dnnl_format_tag_any). */
Layouts onednn_layouts(const ConvSpec *spec, dnnl_format_tag_t maps, dnnl_format_tag_t weights);
/* With the caller's scratchpad; then, in this order: add to what the result holds, max(., 0). Destroy *out if it is not NULL. */
dnnl_status_t onednn_attributes(dnnl_primitive_attr_t *out, gboolean relu, gboolean add);
/* The convolution of a candidate, zero padding; NULL when oneDNN offers none. */
dnnl_primitive_desc_t onednn_describe(const ConvSpec *spec, ConvDirection direction,
                                      const OnednnCandidate *candidate);

/* Descriptions of oneDNN's primitives.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/onednn_op.h"
#include "flows/kernels/onednn_step.h"

/* One for each tensor; owned. */
typedef struct {
    Layout *of[TENSORS];
} Layouts;

/* Of a convolution's tensors: maps as `maps`, weights as `weights` (dnnl_nhwc, dnnl_oihw, dnnl_format_tag_any); input and weights of `type`,
 * the rest in float.  Free with onednn_layouts_clear. */
Layouts onednn_layouts(const ConvSpec *spec, dnnl_format_tag_t maps, dnnl_format_tag_t weights,
                       dnnl_data_type_t type);
void onednn_layouts_clear(Layouts *layouts);
/* The convolution of a candidate, zero padding; NULL when oneDNN offers none. */
dnnl_primitive_desc_t onednn_describe(const ConvSpec *spec, ConvDirection direction,
                                      const OnednnCandidate *candidate);

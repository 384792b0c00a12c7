/* Descriptions of oneDNN's convolutions.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/onednn_op.h"
#include "flows/kernels/onednn_step.h"

/* One layout for each tensor; owned. */
typedef struct {
    OnednnLayout *of[TENSORS];
} ConvLayouts;

/* Layouts of a convolution's tensors.  maps, weights: dnnl_nhwc, dnnl_oihw or dnnl_format_tag_any.  type: of the input and the weights;
 * bias and output are float.  Free with onednn_conv_layouts_clear. */
ConvLayouts onednn_conv_layouts(const ConvSpec *spec, dnnl_format_tag_t maps, dnnl_format_tag_t weights,
                                dnnl_data_type_t type);
void onednn_conv_layouts_clear(ConvLayouts *layouts);
/* The candidate's convolution with zero padding; NULL when oneDNN offers none. */
dnnl_primitive_desc_t onednn_describe(const ConvSpec *spec, ConvDirection direction,
                                      const OnednnCandidate *candidate);

/* Descriptions of oneDNN's primitives.  Only the onednn files use this. */
#pragma once
#include "flows/onednn_op.h"
#include "flows/onednn_step.h"

/* One for each tensor. */
typedef struct {
    Layout of[TENSORS];
} Layouts;

/* Of a convolution's tensors in float: maps as `maps`, weights as `weights` (dnnl_nhwc, dnnl_oihw, dnnl_format_tag_any). */
Layouts onednn_layouts(const ConvSpec *spec, dnnl_format_tag_t maps, dnnl_format_tag_t weights);
/* The convolution of a candidate, zero padding; NULL when oneDNN offers none. */
dnnl_primitive_desc_t onednn_describe(const ConvSpec *spec, ConvDirection direction,
                                      const OnednnCandidate *candidate);

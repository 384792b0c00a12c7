/* What the entries of the kernel table share.  Only the kernels_*.c files include this. */
#pragma once
#include "flows/kernels/kernels.h"

/* Each entry has its own struct that begins with this one. */
struct Conv {
    ConvSpec spec;
    int out_h, out_w;
};

/* Sizes that make sense, no overflow of int, a reflection that fits; else WSI_ERROR_INPUT. */
gboolean conv_spec_check(const ConvSpec *spec, GError **error);

/* Elements of the weights O*I*K*K, of the input and of the output. */
size_t conv_weight_count(const ConvSpec *spec);
size_t conv_input_count(const ConvSpec *spec);
size_t conv_output_count(const ConvSpec *spec);

/* Where position i of the padded axis (0 <= i < size + 2 pad) comes from: an index of the axis, or -1 for zero.
 * Reflection excludes the edge itself, as torch's ReflectionPad2d: -1 -> 1, size -> size - 2. */
int conv_pad_source(int i, int size, int pad, PadMode mode);

extern const Kernels kernels_reference;
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
extern const Kernels kernels_onednn, kernels_onednn_timed, kernels_onednn_bf16;
#endif

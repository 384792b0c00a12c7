/* What the entries of the kernel table share.  Only the kernels*.c files include this. */
#pragma once
#include "flows/kernels/kernels.h"

/* Each entry has its own struct that begins with this one. */
struct Conv {
    ConvSpec spec;
    int out_h, out_w;
};

extern const Kernels kernels_reference;
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
extern const Kernels kernels_onednn, kernels_onednn_timed, kernels_onednn_bf16;
#endif

/* Reflected borders, which oneDNN's convolutions do not have.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/conv_spec.h"

/* x (N,H,W,I) -> padded (N, H + 2 pad, W + 2 pad, I), the border reflected. */
void border_copy(const ConvSpec *spec, const float *x, float *padded);
/* The adjoint: adds each pixel of the border of padded to the pixel it came from; x is overwritten. */
void border_fold(const ConvSpec *spec, const float *padded, float *x);

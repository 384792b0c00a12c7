/* Copies that oneDNN has no primitive for: reflecting borders, and numbers as sums of bfloat16.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/kernels.h"
#include <stdint.h>

/* Adds spec's border (spec->pad, its mode) around x (N,H,W,I). */
void copy_with_border(const ConvSpec *spec, const float *x, float *padded);
/* The adjoint: folds the border of padded back onto the pixels it came from; x is overwritten. */
void fold_border(const ConvSpec *spec, const float *padded, float *x);

/* Parts of bfloat16 that stand for one float: 1: rounded; 3: (high, high, low), to be multiplied with (high, low, high).
 * x (N,H,W,I) -> (N, H + 2 border, W + 2 border, parts * I), the border reflected. row: 2 W I numbers of scratch. */
void split_activations(const ConvSpec *spec, int border, int parts, const float *x, uint16_t *row,
                       uint16_t *out);
/* Weights (O,I,K,K) -> (O, parts * I, K, K) in float, each with the value of a bfloat16: high, low, high. */
void split_weights(const ConvSpec *spec, int parts, const float *weight, float *out);

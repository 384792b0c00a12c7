/* Floats as bfloat16 or as sums of bfloat16.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/conv_spec.h"
#include <stdint.h>

/* parts: how many bfloat16 numbers stand for one float.  1: the rounded float; 3: (high, high, low), to be multiplied by
 * (high, low, high). */

/* x (N,H,W,I) -> out (N, H + 2 border, W + 2 border, parts * I), the border reflected.  row: scratch of 2 W I numbers. */
void bfloat16_parts_of_activations(const ConvSpec *spec, int border, int parts, const float *x, uint16_t *row,
                                   uint16_t *out);
/* weight (O,I,K,K) -> out (O, parts * I, K, K): high, low, high, as floats whose values are those of bfloat16. */
void bfloat16_parts_of_weights(const ConvSpec *spec, int parts, const float *weight, float *out);

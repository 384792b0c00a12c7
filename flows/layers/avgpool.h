/* Average pooling as in MSFlow: 3x3, stride 2, padding 1, padded zeros counted, divisor always 9.
 * It acts on the frozen features, so it has no backward. */
#pragma once
#include "flows/kernels/real.h"

/* Side after pooling: (size - 1) / 2 + 1. */
int avgpool_size(int size);
/* x (n, h, w, c) NHWC -> y (n, avgpool_size(h), avgpool_size(w), c). */
void avgpool_forward(int n, int h, int w, int c, const real *x, real *y);

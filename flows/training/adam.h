/* Adam (Kingma and Ba, 2015) over flat arrays, with the arithmetic of torch.optim.Adam, and the clipping of
 * torch.nn.utils.clip_grad_norm_.  No weight decay.
 *
 * Elements do not touch one another: an array may be updated in parts by several threads with the same result. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

typedef struct {
    double learning_rate, beta1, beta2, epsilon;
} Adam;

/* 1e-3, 0.9, 0.999, 1e-8. */
Adam adam_default(void);
/* One update of `count` elements; the gradient is multiplied by `scale` first (the clip coefficient).  step: number of this
 * update, from 1; moment1, moment2: zero before the first. */
void adam_step(const Adam *adam, int64_t step, int64_t count, const real *gradient, double scale,
               real *parameter, real *moment1, real *moment2);
/* What a gradient of this norm is multiplied with: clip / (norm + 1e-6) when that is below 1, else 1.  clip <= 0: always 1. */
double adam_clip(double norm, double clip);

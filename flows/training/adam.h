/* Adam (Kingma and Ba, 2015) over flat arrays, with the arithmetic of torch.optim.Adam, and the clipping of
 * torch.nn.utils.clip_grad_norm_.  No weight decay.
 *
 * Each element is updated by itself: several threads may update parts of an array, with the same result. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

typedef struct {
    double learning_rate, beta1, beta2, epsilon;
} Adam;

/* 1e-3, 0.9, 0.999, 1e-8. */
Adam adam_default(void);
/* One update of `count` elements.  scale: the clip coefficient, which multiplies the gradient.  step: number of this update,
 * from 1.  moment1, moment2: zero before the first update. */
void adam_step(const Adam *adam, int64_t step, int64_t count, const real *gradient, double scale,
               real *parameter, real *moment1, real *moment2);
/* The clip coefficient for a gradient of this norm: clip / (norm + 1e-6), at most 1.  clip <= 0: always 1. */
double adam_clip(double norm, double clip);

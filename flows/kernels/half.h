/* IEEE 754 binary16: features on disk at half the size. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

/* Round to nearest, ties to even; what is beyond +-65504 becomes +-65504, NaN stays NaN. */
void half_from_real(const real *from, int64_t count, uint16_t *to);
void half_to_real(const uint16_t *from, int64_t count, real *to);
/* In place: what half_from_real and half_to_real would give. */
void half_round(real *x, int64_t count);

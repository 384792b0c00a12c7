/* IEEE 754 binary16, which halves the size of features on disk. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

/* Rounds to nearest, ties to even.  Values beyond +-65504 become +-65504; NaN stays NaN. */
void half_from_real(const real *from, int64_t count, uint16_t *to);
void half_to_real(const uint16_t *from, int64_t count, real *to);
/* half_from_real followed by half_to_real, in place. */
void half_round(real *x, int64_t count);

/* Sums of squares. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

/* In double, in an order that depends on the count only. */
double squares_sum(const real *values, int64_t count);

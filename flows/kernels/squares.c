/* Sums of squares, for norms of gradients and energies of latents. */
#include "flows/kernels/squares.h"
#include "flows/kernels/vecmath.h"

VECTOR_CLONES
double squares_sum(const real *values, int64_t count)
{
    /* Independent sums: the order is fixed and the loop still runs in vectors. */
    double lane[LANES] = {0}, sum = 0;
    int64_t whole = count - count % LANES;
    for (int64_t i = 0; i < whole; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            double g = values[i + l];
            lane[l] += g * g;
        }
    }
    for (int64_t i = whole; i < count; i++) {
        lane[i - whole] += (double)values[i] * values[i];
    }
    for (int l = 0; l < LANES; l++) {
        sum += lane[l];
    }
    return sum;
}

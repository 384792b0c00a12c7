/* Adam, in torch's order of operations: the bias corrections are part of the step size and of the square root, and epsilon is
 * added after the correction.
 *   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + epsilon) */
#include "flows/training/adam.h"
#include "flows/kernels/vecmath.h"
#include <tgmath.h> /* sqrt of a real is that of its own width */

Adam adam_default(void)
{
    return (Adam){.learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

VECTOR_CLONES
void adam_step(const Adam *adam, int64_t step, int64_t count, const real *restrict gradient, double scale,
               real *restrict parameter, real *restrict moment1, real *restrict moment2)
{
    const real b1 = (real)adam->beta1, b2 = (real)adam->beta2;
    const real c1 = (real)(1 - adam->beta1), c2 = (real)(1 - adam->beta2);
    /* Coefficients in double, rounded once. */
    const real size = (real)(adam->learning_rate / (1 - pow(adam->beta1, (double)step)));
    const real root = (real)sqrt(1 - pow(adam->beta2, (double)step));
    const real epsilon = (real)adam->epsilon, factor = (real)scale;
    for (int64_t i = 0; i < count; i++) {
        real g = factor * gradient[i];
        moment1[i] = b1 * moment1[i] + c1 * g;
        moment2[i] = b2 * moment2[i] + c2 * g * g;
        parameter[i] -= size * (moment1[i] / (sqrt(moment2[i]) / root + epsilon));
    }
}

double adam_clip(double norm, double clip)
{
    double coefficient = clip > 0 ? clip / (norm + 1e-6) : 1;
    return coefficient < 1 ? coefficient : 1;
}

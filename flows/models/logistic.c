/* Both functions take the exponential of -|x| only, which cannot overflow. */
#include "flows/models/logistic.h"
#include <math.h>

double logistic_softplus(double x)
{
    /* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). */
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double logistic_sigmoid(double x)
{
    double e = exp(-fabs(x));
    /* 1 / (1 + e^-x), or e^x / (1 + e^x) for negative x. */
    return (x < 0 ? e : 1) / (1 + e);
}

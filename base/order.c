/* NaN would compare as equal to every number, which is not an order: callers keep it out. */
#include "base/order.h"

int order_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

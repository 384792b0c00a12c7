/* Comparison functions for qsort().  Any thread. */
#pragma once

/* Two doubles in ascending order; neither may be NaN. */
int order_doubles(const void *a, const void *b);

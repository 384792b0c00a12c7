/* Weighted sums of rows of bytes in whole numbers: exact, so they are the same on every processor and in any order.
 *
 * Processors multiply two 16-bit numbers and add the two products in one instruction; so rows go in pairs.  Not for other rooms. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    ROWSUM_ONE = 1 << 14, /* a weight of 1 */
    ROWSUM_MULTIPLE = 64  /* sums are made for multiples of so many samples */
};

/* pairs[i] = a[i] in the lower, b[i] in the upper 16 bits, for i < n. */
void rowsum_pair(uint32_t *pairs, const uint8_t *a, const uint8_t *b, int n);

/* Whole weights of pairs of rows, from weights of rows that add up to 1; with `odd` the first of them is the second row of its pair.  What
 * rounding leaves goes to the next row: the first n weights together are rounded once, and all add up to ROWSUM_ONE (unless one is
 * beyond 2, as it may be outside of an image).  Returns how many pairs. */
int rowsum_weights(uint32_t *pairs, const float *weights, int count, int odd);

/* sums[i] = ROWSUM_ONE times the weighted sum of sample i, for i < n rounded up to ROWSUM_MULTIPLE, where both must have room: pair k is
 * at pairs + k * stride. */
void rowsum_add(float *sums, const uint32_t *pairs, size_t stride, const uint32_t *weights, int count, int n);

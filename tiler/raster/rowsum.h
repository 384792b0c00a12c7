/* Weighted sums of rows of bytes in whole numbers: exact, so they are the same on every processor and in any order.
 *
 * Processors multiply two pairs of 16-bit numbers and add the two products in one instruction, so rows are summed in pairs.  For this
 * room only. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    ROWSUM_ONE = 1 << 14, /* a weight of 1 */
    ROWSUM_MULTIPLE = 64  /* sums are made for a multiple of this many samples */
};

/* pairs[i] = a[i] in the lower and b[i] in the upper 16 bits, for i < n. */
void rowsum_pair(uint32_t *pairs, const uint8_t *a, const uint8_t *b, int n);

/* Whole weights of pairs of rows, from weights of rows that sum to 1.  odd: the first weight belongs to the second row of its pair.  The
 * rounding error of a weight is carried to the next one: the sum of the first n weights is rounded once, and all weights sum to ROWSUM_ONE
 * (unless a weight is above 2, as it may be outside of an image).  Returns the number of pairs. */
int rowsum_weights(uint32_t *pairs, const float *weights, int count, int odd);

/* sums[i] = ROWSUM_ONE times the weighted sum of sample i, for i < n rounded up to ROWSUM_MULTIPLE; sums and pairs must have room for
 * these.  Pair k starts at pairs + k * stride. */
void rowsum_add(float *sums, const uint32_t *pairs, size_t stride, const uint32_t *weights, int count, int n);

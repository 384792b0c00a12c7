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

/* Whole weights of a pair of rows each from weights that add up to 1, the first of which is that of the lower row, or with `odd` of the
 * upper row, of the first pair.  What rounding leaves goes to the next row, so that
 * any number of them adds up to its share, all to ROWSUM_ONE (unless one is beyond 2, as outside of a picture).  Returns how many pairs. */
int rowsum_weights(uint32_t *pairs, const float *weights, int count, int odd);

/* sums[i] = ROWSUM_ONE times the weighted sum of sample i, for i < n rounded up to ROWSUM_MULTIPLE, where both must have room: pair k is
 * at pairs + k * stride. */
void rowsum_add(float *sums, const uint32_t *pairs, size_t stride, const uint32_t *weights, int count, int n);

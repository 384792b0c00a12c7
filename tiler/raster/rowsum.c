/* One loop for three vector widths, and plain C for other processors. */
#include "tiler/raster/rowsum.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>
#include <glib.h>

VECTORISED void rowsum_pair(uint32_t *restrict pairs, const uint8_t *restrict a, const uint8_t *restrict b,
                            int n)
{
    for (int i = 0; i < n; i++) {
        /* Two rows side by side, as pmaddwd takes them. */
        pairs[i] = (uint32_t)a[i] | (uint32_t)b[i] << 16;
    }
}

/* Sets weight number `at`: the lower half of its pair when even, the upper half when odd. */
static void put(uint32_t *pairs, int at, int weight)
{
    /* Keep the other half of the pair. */
    uint32_t shift = at % 2 ? 16 : 0;
    pairs[at / 2] = (pairs[at / 2] & ~(0xffffU << shift)) | (uint32_t)(uint16_t)weight << shift;
}

int rowsum_weights(uint32_t *pairs, const float *weights, int count, int odd)
{
    /* With `odd` the first weight is the upper half of its pair. */
    int pair_count = (odd + count + 1) / 2, done = 0;
    double sum = 0;
    memset(pairs, 0, (size_t)pair_count * sizeof *pairs);
    /* Round the running sum, not the weight: the error never exceeds half a unit, and the last weight completes ROWSUM_ONE. */
    for (int i = 0; i < count; i++) {
        sum += weights[i];
        int upto = i + 1 < count ? (int)lrint(CLAMP(sum, -1e4, 1e4) * ROWSUM_ONE) : ROWSUM_ONE;
        put(pairs, odd + i, CLAMP(upto - done, INT16_MIN, INT16_MAX));
        done = upto;
    }
    return pair_count;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

/* MADD multiplies 16-bit numbers and adds neighbouring products.  Four vectors at a time share one load of a weight. */
#define DEFINE_ADD(NAME, TARGET, BYTES, MADD)                                                              \
    __attribute__((target(TARGET))) static void NAME(float *restrict sums, const uint32_t *restrict pairs, \
                                                     size_t stride, const uint32_t *restrict weights,      \
                                                     int count, int n)                                     \
    {                                                                                                      \
        typedef int16_t Halves __attribute__((vector_size(BYTES)));                                        \
        typedef int16_t Loaded __attribute__((vector_size(BYTES), aligned(4)));                            \
        typedef int32_t Wholes __attribute__((vector_size(BYTES)));                                        \
        typedef float Floats __attribute__((vector_size(BYTES), aligned(4)));                              \
        enum { LANES = (BYTES) / 4 };                                                                      \
        for (int i = 0; i < n; i += 4 * LANES) {                                                           \
            Wholes a = {0}, b = {0}, c = {0}, d = {0};                                                     \
            for (int k = 0; k < count; k++) {                                                              \
                const Loaded *at = (const Loaded *)(pairs + (size_t)k * stride + i);                       \
                const Halves weight = (Halves)((Wholes){0} + (int32_t)weights[k]);                         \
                a += MADD(at[0], weight);                                                                  \
                b += MADD(at[1], weight);                                                                  \
                c += MADD(at[2], weight);                                                                  \
                d += MADD(at[3], weight);                                                                  \
            }                                                                                              \
            Floats *to = (Floats *)(sums + i);                                                             \
            to[0] = __builtin_convertvector(a, Floats);                                                    \
            to[1] = __builtin_convertvector(b, Floats);                                                    \
            to[2] = __builtin_convertvector(c, Floats);                                                    \
            to[3] = __builtin_convertvector(d, Floats);                                                    \
        }                                                                                                  \
    }

#define MADD_16(a, b) (Wholes) __builtin_ia32_pmaddwd128(a, b)
#define MADD_32(a, b) (Wholes) __builtin_ia32_pmaddwd256(a, b)
#define MADD_64(a, b) (Wholes) __builtin_ia32_pmaddwd512_mask(a, b, (Wholes){0}, 0xffff)
DEFINE_ADD(add_16, "sse2", 16, MADD_16)
DEFINE_ADD(add_32, "avx2", 32, MADD_32)
DEFINE_ADD(add_64, "avx512bw", 64, MADD_64)

void rowsum_add(float *sums, const uint32_t *pairs, size_t stride, const uint32_t *weights, int count, int n)
{
    (__builtin_cpu_supports("avx512bw") ? add_64
     : __builtin_cpu_supports("avx2")   ? add_32
                                        : add_16)(sums, pairs, stride, weights, count, n);
}

#else

void rowsum_add(float *sums, const uint32_t *pairs, size_t stride, const uint32_t *weights, int count, int n)
{
    for (int i = 0; i < n; i++) {
        /* The same in plain C: both halves of a pair with both halves of its weight. */
        int32_t sum = 0;
        for (int k = 0; k < count; k++) {
            uint32_t pair = pairs[(size_t)k * stride + i];
            sum += (int16_t)pair * (int16_t)weights[k] + (int16_t)(pair >> 16) * (int16_t)(weights[k] >> 16);
        }
        sums[i] = (float)sum;
    }
}

#endif

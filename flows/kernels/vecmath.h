/* exp, tanh, atan and sums that compilers turn into vector code.
 *
 * glibc's vector functions need -ffast-math, which also removes the tests for NaN.  The functions for float here are plain
 * arithmetic without branches and give the same bits on every instruction set (no contraction, no reordering).  Their
 * relative error is below 3e-7 (tests/flows/test_msflow.c).  In double, the C library's functions are used.
 *   exp x   = 2^n e^r,  n = round(x / ln 2), |r| <= ln(2)/2, Taylor series of e^r - 1 to r^7
 *   tanh x  = m / (m + 2),  m = e^(2x) - 1 computed without cancellation
 *   atan x  by atan x = pi/2 - atan(1/x) and atan x = pi/4 + atan((x-1)/(x+1)) to |x| <= tan(pi/8), then the odd series
 * A sum over a row has LANES partial sums that are joined pairwise: the source fixes the order, not the compiler. */
#pragma once
#include "flows/kernels/real.h"
#include <math.h>
#include <stdint.h>

/* For functions over many elements: compiles a copy for each instruction set; the loader chooses one. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

/* For helpers of such functions: they must be inlined into each copy, or they would be compiled for the oldest processor. */
#define VECTOR_INLINE static inline __attribute__((always_inline))

/* Before a loop whose iterations are independent even where pointers are equal (element i is read, then written). */
#if defined(__clang__)
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define VECTOR_LOOP _Pragma("GCC ivdep")
#endif

#define LANES 16

#ifdef REAL_IS_DOUBLE
#define vec_exp exp
#define vec_exp_bounded exp
#define vec_tanh tanh
#define vec_atan atan
#else
/* Splits x into 2^n (returned as a float) and r. x in [-87, 88]. */
VECTOR_INLINE float vec_reduce(float x, float *r)
{
    const float round = 12582912.0f; /* 1.5 * 2^23: adding it leaves an integer in the low bits */
    float n = (x * 1.44269504f + round) - round;
    union {
        uint32_t bits;
        float f;
    } power = {.bits = (uint32_t)((int32_t)n + 127) << 23};
    *r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts: the first product is exact */
    return power.f;
}

/* e^r - 1 for |r| <= ln(2)/2. */
VECTOR_INLINE float vec_expm1_small(float r)
{
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    return p * r * r + r;
}

/* exp for |x| <= 87, without the clamping of vec_exp. */
VECTOR_INLINE float vec_exp_bounded(float x)
{
    float r, power = vec_reduce(x, &r);
    return power + power * vec_expm1_small(r);
}

VECTOR_INLINE float vec_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    return vec_exp_bounded(x);
}

VECTOR_INLINE float vec_tanh(float x)
{
    float r, power, m;
    x = x < -10.0f ? -10.0f : x; /* tanh 10 rounds to 1 */
    x = x > 10.0f ? 10.0f : x;
    power = vec_reduce(2 * x, &r);
    m = power * vec_expm1_small(r) + (power - 1);
    return m / (m + 2);
}

VECTOR_INLINE float vec_atan(float x)
{
    float a = fabsf(x), big = a > 1.0f ? 1.0f : 0.0f;
    float b = a > 1.0f ? 1.0f / a : a, mid = b > 0.41421356f ? 1.0f : 0.0f;
    float t = b > 0.41421356f ? (b - 1) / (b + 1) : b, s = t * t, p = -1.0f / 19;
    p = p * s + 1.0f / 17;
    p = p * s - 1.0f / 15;
    p = p * s + 1.0f / 13;
    p = p * s - 1.0f / 11;
    p = p * s + 1.0f / 9;
    p = p * s - 1.0f / 7;
    p = p * s + 1.0f / 5;
    p = p * s - 1.0f / 3;
    p = p * s * t + t;
    p += mid * 0.785398163f;
    p = big > 0 ? 1.57079633f - p : p;
    return copysignf(p, x);
}
#endif

VECTOR_INLINE real vec_sigmoid(real x)
{
    return 1 / (1 + vec_exp(-x));
}

/* LANES numbers in registers. */
typedef real Lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

/* The sum of the LANES numbers, pairwise: i + 8, then i + 4, i + 2, i + 1. */
VECTOR_INLINE real lanes_join(const Lanes *sum)
{
    real part[LANES];
    for (int k = 0; k < LANES; k++) {
        part[k] = (*sum)[k];
    }
    for (int width = LANES / 2; width; width /= 2) {
        for (int k = 0; k < width; k++) {
            part[k] += part[k + width];
        }
    }
    return part[0];
}

/* sum x[i]. */
VECTOR_INLINE real row_sum(const real *x, int n)
{
    Lanes sum = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        sum += *(const Lanes *)(x + i);
    }
    for (int k = 0; i + k < n; k++) {
        sum[k] += x[i + k];
    }
    return lanes_join(&sum);
}

/* sum x[i] y[i]. */
VECTOR_INLINE real row_dot(const real *x, const real *y, int n)
{
    Lanes sum = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        sum += *(const Lanes *)(x + i) * *(const Lanes *)(y + i);
    }
    for (int k = 0; i + k < n; k++) {
        sum[k] += x[i + k] * y[i + k];
    }
    return lanes_join(&sum);
}

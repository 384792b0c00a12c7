/* Conversions by integer arithmetic on the bits, without branches, so they become vector code with and without F16C.
 *
 * Normal numbers: the bias of the exponent changes from 127 to 15, by 112.  The lowest 13 bits of the fraction are rounded away by
 * adding just under half of the last bit that stays, or half of it when that bit is 1.  Subnormal numbers: adding 0.5 to the
 * magnitude leaves them, rounded, in the low bits, because the last bit of numbers near 0.5 is 2^-24, the unit of
 * binary16's subnormal numbers. */
#include "flows/kernels/half.h"
#include "flows/kernels/vecmath.h"

#define LARGEST 0x477fe000u  /* 65504 */
#define SMALLEST 0x38800000u /* 2^-14, the smallest normal number */
#define INFINITE 0x7f800000u

typedef union {
    float f;
    uint32_t bits;
} Bits;

/* The binary16 bits of x. */
VECTOR_INLINE uint32_t narrowed(float x)
{
    Bits v = {.f = x}, sum;
    uint32_t sign = v.bits & 0x80000000u, nan;
    v.bits ^= sign;
    nan = v.bits > INFINITE ? 0x0200u : 0;
    v.bits = v.bits > LARGEST ? LARGEST : v.bits;
    sum.f = v.f + 0.5f;
    uint32_t subnormal = sum.bits - 0x3f000000u;
    uint32_t normal = (v.bits + 0x0fffu + (v.bits >> 13 & 1) - (112u << 23)) >> 13;
    uint32_t half = v.bits < SMALLEST ? subnormal : normal;
    return (nan ? 0x7c00u | nan : half) | sign >> 16;
}

/* The value of binary16 bits.  A subnormal number gets the exponent of 2^-14 and its implied 1, which is then subtracted. */
VECTOR_INLINE float widened(uint32_t half)
{
    Bits v = {.bits = (half & 0x7fffu) << 13}, small;
    uint32_t exponent = v.bits & 0x0f800000u;
    v.bits += 112u << 23;
    small.bits = v.bits + (1u << 23);
    small.f -= 0x1p-14f;
    v.bits += exponent == 0x0f800000u ? 112u << 23 : 0; /* infinity and NaN */
    v.bits = exponent == 0 ? small.bits : v.bits;
    v.bits |= (half & 0x8000u) << 16;
    return v.f;
}

VECTOR_CLONES
void half_from_real(const real *from, int64_t count, uint16_t *to)
{
    for (int64_t i = 0; i < count; i++) {
        to[i] = (uint16_t)narrowed((float)from[i]);
    }
}

VECTOR_CLONES
void half_to_real(const uint16_t *from, int64_t count, real *to)
{
    for (int64_t i = 0; i < count; i++) {
        to[i] = (real)widened(from[i]);
    }
}

VECTOR_CLONES
void half_round(real *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        x[i] = (real)widened(narrowed((float)x[i]));
    }
}

/* The number type of the engine: float in the product, double in the numerical tests. */
#pragma once
#ifdef REAL_IS_DOUBLE
typedef double real;
#define REAL(x) x
#define real_sqrt sqrt
#else
typedef float real;
#define REAL(x) x##f
#define real_sqrt sqrtf
#endif

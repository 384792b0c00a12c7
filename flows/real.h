/* The number type of the engine: float in the product, double in the numerical tests. */
#pragma once
#ifdef REAL_IS_DOUBLE
typedef double real;
#define REAL(x) x
#else
typedef float real;
#define REAL(x) x##f
#endif

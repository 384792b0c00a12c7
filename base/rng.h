/* Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy
 * as 1, 2, 3; SC 2011).  A stream is named by a seed and two numbers, for example a tile and an epoch, never by a thread, so the numbers do
 * not depend on who draws them.  An Rng is a plain value: copy it freely. */
#pragma once
#include <stdint.h>

typedef struct {
    uint32_t key[2], counter[4], block[4];
    int used; /* how many numbers of `block` were given out */
} Rng;

/* The stream (seed; a, b).  a: 64-bit identity; b: 32-bit, for example the epoch. */
Rng rng_at(uint64_t seed, uint64_t a, uint32_t b);
/* A 64-bit number for a text (FNV-1a), to name streams. */
uint64_t rng_name(const char *text);
/* Uniform 32 bits. */
uint32_t rng_u32(Rng *rng);
/* Uniform in [0, 1), 53 bits. */
double rng_uniform(Rng *rng);
/* Standard normal (Box-Muller, two uniform numbers each). */
double rng_normal(Rng *rng);
/* Uniform in 0 .. n-1, without bias. */
uint32_t rng_below(Rng *rng, uint32_t n);
/* A uniform random permutation of 0 .. n-1 (Fisher-Yates), into out (n). */
void rng_permutation(Rng *rng, uint32_t *out, uint32_t n);

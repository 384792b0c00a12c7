/* Philox 4x32-10.  The test checks the published known answers. */
#include "base/rng.h"
#include <math.h>

/* One block of four numbers: ten rounds of two 32 x 32 -> 64 bit products, with the key increased by the Weyl constants (section 3 of the
 * paper). */
static void philox(const uint32_t counter[4], const uint32_t key_in[2], uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t key[2] = {key_in[0], key_in[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ key[0], n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ key[1];
        c[1] = (uint32_t)p1;
        c[3] = (uint32_t)p0;
        c[0] = n0;
        c[2] = n2;
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) {
        out[i] = c[i];
    }
}

Rng rng_at(uint64_t seed, uint64_t a, uint32_t b)
{
    Rng rng = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
               .counter = {0, (uint32_t)a, (uint32_t)(a >> 32), b},
               .used = 4};
    return rng;
}

uint64_t rng_name(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    }
    return hash;
}

uint32_t rng_u32(Rng *rng)
{
    if (rng->used == 4) {
        philox(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

double rng_uniform(Rng *rng)
{
    /* 27 and 26 random bits over 2^53. */
    uint64_t high = rng_u32(rng) >> 5, low = rng_u32(rng) >> 6;
    return (double)((high << 26) | low) / 9007199254740992.0;
}

double rng_normal(Rng *rng)
{
    /* u is in (0, 1], so the logarithm is finite. */
    double u = 1.0 - rng_uniform(rng), v = rng_uniform(rng);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

uint32_t rng_below(Rng *rng, uint32_t n)
{
    /* 2^32 mod n: draws below it are rejected, or low remainders would be likelier. */
    uint32_t limit = (uint32_t)(-n) % n;
    uint32_t draw;
    do {
        draw = rng_u32(rng);
    } while (draw < limit);
    return draw % n;
}

void rng_permutation(Rng *rng, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = rng_below(rng, i + 1);
        out[i] = out[j];
        out[j] = i;
    }
}

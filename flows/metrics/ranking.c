/* Sorting scores.
 *
 * The bits of a double, read as an integer, are ordered like its value when the sign bit of positive numbers and all bits of negative numbers
 * are flipped.  A radix sort over digits of that integer (least significant digit first) is stable and needs no comparisons, which makes it
 * several times faster than qsort for the 10^7 tiles of a cohort. */
#include "flows/metrics/ranking.h"
#include "base/error.h"
#include <stdint.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS 6 /* 6 x 11 >= 64 bits */
#define VALUES (1 << DIGIT_BITS)

typedef struct {
    uint64_t key;
    int item;
} Keyed;
_Static_assert(sizeof(Keyed) == sizeof(Ranked), "keys are turned back into scores in place");

/* Smaller keys for higher scores. */
static uint64_t key_of(double score)
{
    uint64_t bits;
    score += 0.0; /* -0 + 0 = 0, so both zeros have one key */
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 ? bits : ~(bits | (uint64_t)1 << 63);
}

static double score_of(uint64_t key)
{
    uint64_t bits = key >> 63 ? key : ~key & ~((uint64_t)1 << 63);
    double score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

static unsigned digit(uint64_t key, int d)
{
    return (unsigned)(key >> (d * DIGIT_BITS)) & (VALUES - 1);
}

/* One pass: moves the items to `out`, sorted by digit d.  counts (VALUES): how often each value of the digit occurs. */
static void sort_by_digit(const Keyed *in, Keyed *out, int n, int d, int *counts)
{
    int start = 0;
    for (int v = 0; v < VALUES; v++) {
        int count = counts[v];
        counts[v] = start;
        start += count;
    }
    for (int i = 0; i < n; i++) {
        out[counts[digit(in[i].key, d)]++] = in[i];
    }
}

Ranked *ranking_descending(const double *score, int n, GError **error)
{
    g_autofree Keyed *items = wsi_try_alloc((size_t)n, sizeof(Keyed), "sorted scores", error);
    g_autofree Keyed *other = items ? wsi_try_alloc((size_t)n, sizeof(Keyed), "sorted scores", error) : NULL;
    if (!other) {
        return NULL;
    }
    g_autofree int *counts = g_new0(int, (size_t)DIGITS *VALUES);
    for (int i = 0; i < n; i++) {
        items[i] = (Keyed){key_of(score[i]), i};
        for (int d = 0; d < DIGITS; d++) {
            counts[d * VALUES + (int)digit(items[i].key, d)]++;
        }
    }
    for (int d = 0; d < DIGITS && n > 0; d++) {
        int *of_digit = counts + d * VALUES;
        if (of_digit[digit(items[0].key, d)] < n) { /* a digit that all items share orders nothing */
            sort_by_digit(items, other, n, d, of_digit);
            Keyed *sorted = g_steal_pointer(&other);
            other = g_steal_pointer(&items);
            items = sorted;
        }
    }
    Ranked *ranked = (Ranked *)(void *)g_steal_pointer(&items);
    for (int i = 0; i < n; i++) {
        uint64_t key;
        memcpy(&key, &ranked[i], sizeof key);
        ranked[i].score = score_of(key);
    }
    return ranked;
}

int ranking_run_end(const Ranked *ranked, int start, int n)
{
    int end = start + 1;
    while (end < n && ranked[end].score == ranked[start].score) {
        end++;
    }
    return end;
}

double *ranking_mid_ranks(const double *score, int n, GError **error)
{
    g_autofree Ranked *ranked = ranking_descending(score, n, error);
    double *ranks = ranked ? wsi_try_alloc((size_t)n, sizeof(double), "ranks", error) : NULL;
    for (int start = 0, end; ranks && start < n; start = end) {
        end = ranking_run_end(ranked, start, n);
        for (int i = start; i < end; i++) { /* descending positions start + 1 .. end */
            ranks[ranked[i].item] = n + 1 - (start + 1 + end) / 2.0;
        }
    }
    return ranks;
}

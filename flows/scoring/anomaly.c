/* Anomaly maps and scores.
 *
 * MSFlow's image score averages the K = 3 % largest values of A = 1 - exp(M - max M).  A falls where M rises, so these are at the
 * K smallest M, which are the K largest E: one selection serves all scores, and only K exponentials are taken.
 *
 * U is separable: each output row mixes two source rows, then columns.  A pixel is a square, and the maps of all scales cover the
 * same area: source position = (target position + 1/2) side / size - 1/2, clamped to the map.  MSFlow aligns the corners instead,
 * which moves coarse scales outwards by up to half a coarse pixel at the border. */
#include "flows/scoring/anomaly.h"
#include <math.h>

typedef struct {
    int from;     /* left or upper neighbour */
    float weight; /* of the right or lower neighbour, `from` + step; the other has 1 - weight */
} Tap;

struct Upsampler {
    int side[SCALES], size;
    Tap *tap[SCALES]; /* (size), for rows and columns alike */
    int step[SCALES]; /* 1; 0 for maps of side 1, which have no second neighbour */
};

static Tap *taps_new(int side, int size)
{
    Tap *taps = g_new(Tap, size);
    for (int i = 0; i < size; i++) {
        double at = CLAMP((i + 0.5) * side / size - 0.5, 0, side - 1);
        int from = CLAMP((int)at, 0, MAX(side - 2, 0));
        taps[i] = (Tap){from, (float)(at - from)};
    }
    return taps;
}

Upsampler *upsampler_new(const int side[SCALES], int size)
{
    Upsampler *up = g_new0(Upsampler, 1);
    up->size = size;
    for (int l = 0; l < SCALES; l++) {
        up->side[l] = side[l];
        up->step[l] = side[l] > 1;
        up->tap[l] = taps_new(side[l], size);
    }
    return up;
}

void upsampler_free(Upsampler *up)
{
    for (int l = 0; up && l < SCALES; l++) {
        g_free(up->tap[l]);
    }
    g_free(up);
}

/* Adds output row y of one scale.  energy: (side, side). */
static void add_row(const Upsampler *up, int l, const float *energy, int y, float *out)
{
    int side = up->side[l], step = up->step[l];
    Tap v = up->tap[l][y];
    const float *upper = energy + (size_t)v.from * side, *lower = upper + (size_t)step * side;
    for (int x = 0; x < up->size; x++) {
        Tap h = up->tap[l][x];
        float left = upper[h.from] + v.weight * (lower[h.from] - upper[h.from]);
        float right = upper[h.from + step] + v.weight * (lower[h.from + step] - upper[h.from + step]);
        out[x] += left + h.weight * (right - left);
    }
}

void upsampler_sum(const Upsampler *up, float *const energy[SCALES], float *out)
{
    for (int y = 0; y < up->size; y++) {
        float *row = out + (size_t)y * up->size;
        for (int x = 0; x < up->size; x++) {
            row[x] = 0;
        }
        for (int l = 0; l < SCALES; l++) {
            add_row(up, l, energy[l], y, row);
        }
    }
}

double anomaly_energy(const real *z, int positions, int channels, float *energy)
{
    double all = 0;
    for (int p = 0; p < positions; p++) {
        const real *at = z + (size_t)p * channels;
        double sum = 0;
        for (int c = 0; c < channels; c++) {
            sum += (double)at[c] * at[c];
        }
        energy[p] = (float)(0.5 * sum / channels);
        all += sum;
    }
    return 0.5 * all;
}

/* Reorders values so that the `k` largest come first.  Quickselect (Hoare, Algorithm 65: find, 1961), linear on average. */
static void select_largest(float *values, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) { /* the k-th largest is in [low, high] */
        float pivot = values[low + (high - low) / 2];
        int64_t i = low - 1, j = high + 1;
        for (;;) {
            do {
                i++;
            } while (values[i] > pivot);
            do {
                j--;
            } while (values[j] < pivot);
            if (i >= j) {
                break;
            }
            float swap = values[i];
            values[i] = values[j];
            values[j] = swap;
        }
        /* [low, j] >= pivot >= [j + 1, high] */
        if (k == j + 1) {
            return;
        }
        if (k <= j) {
            high = j;
        } else {
            low = j + 1;
        }
    }
}

AnomalyTop anomaly_top(float *E, int n, double m0)
{
    int k = MAX((int)floor(0.03 * n), 1);
    float least = E[0];
    for (int i = 1; i < n; i++) {
        least = MIN(least, E[i]); /* min E = -max M */
    }
    select_largest(E, n, k);
    AnomalyTop top = {.maximum = E[0]};
    for (int i = 0; i < k; i++) {
        top.contrast += 1 - exp((double)least - E[i]);
        top.absolute += 1 - exp(fmin(0, -E[i] - m0));
        top.top += E[i];
        top.maximum = MAX(top.maximum, E[i]);
    }
    top.contrast /= k;
    top.absolute /= k;
    top.top /= k;
    return top;
}

/* The position in each run is random: at a fixed one, all values would come from few columns when the width of the map is a
 * multiple of the run. */
void anomaly_sample(const float *E, int64_t n, Rng *rng, int64_t take, float *out)
{
    for (int64_t i = 0; i < take; i++) {
        int64_t from = i * n / take, to = (i + 1) * n / take;
        out[i] = E[from + rng_below(rng, (uint32_t)(to - from))];
    }
}

double anomaly_quantile(float *values, int64_t n, double q)
{
    double at = q * (double)(n - 1);
    int64_t below = CLAMP((int64_t)at, 0, n - 1); /* order statistic, ascending from 0 */
    int64_t larger = n - 1 - below;               /* how many values come after it */
    select_largest(values, n, larger + 1);
    float lower = values[0]; /* the smallest of the `larger` + 1 largest */
    for (int64_t i = 1; i <= larger; i++) {
        lower = MIN(lower, values[i]);
    }
    if (larger == 0 || at <= (double)below) {
        return lower;
    }
    select_largest(values, larger + 1, larger);
    float upper = values[0]; /* the next order statistic */
    for (int64_t i = 1; i < larger; i++) {
        upper = MIN(upper, values[i]);
    }
    return lower + (at - (double)below) * (upper - lower);
}

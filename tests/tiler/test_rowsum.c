/* Whole weights sum to one, and sums of rows are exact. */
#include "tiler/raster/rowsum.h"
#include "base/rng.h"
#include <glib.h>
#include <math.h>

enum { ROWS = 41, SAMPLES = 3 * ROWSUM_MULTIPLE };

static int weight_at(const uint32_t *pairs, int at)
{
    return (int16_t)(pairs[at / 2] >> (at % 2 ? 16 : 0));
}

static void test_weights(void)
{
    Rng rng = rng_at(5, 0, 0);
    for (int count = 1; count <= ROWS; count++) {
        for (int odd = 0; odd < 2; odd++) {
            float weights[ROWS], sum = 0;
            double fraction = 0;
            uint32_t pairs[ROWS / 2 + 2];
            for (int i = 0; i < count; i++) {
                weights[i] = (float)(rng_uniform(&rng) - 0.2);
                sum += weights[i];
            }
            for (int i = 0; i < count; i++) {
                weights[i] = fabsf(sum) > 1 ? weights[i] / sum : 1.0F / (float)count;
            }
            int pair_count = rowsum_weights(pairs, weights, count, odd), whole = 0;
            g_assert_cmpint(pair_count, ==, (odd + count + 1) / 2);
            for (int i = 0; i < 2 * pair_count; i++) {
                int weight = weight_at(pairs, i);
                gboolean used = i >= odd && i < odd + count;
                g_assert_cmpint(used ? 0 : weight, ==, 0);
                fraction += used ? weights[i - odd] * (double)ROWSUM_ONE : 0;
                whole += weight;
                g_assert_cmpfloat(fabs(whole - fraction), <=, 0.51);
            }
            g_assert_cmpint(whole, ==, ROWSUM_ONE);
        }
    }
}

static void test_sums(void)
{
    static uint8_t rows[ROWS + 1][SAMPLES];
    static _Alignas(64) uint32_t pairs[(ROWS + 1) / 2][SAMPLES];
    static float sums[SAMPLES];
    Rng rng = rng_at(6, 0, 0);
    for (size_t i = 0; i < sizeof rows; i++) {
        rows[i / SAMPLES][i % SAMPLES] = (uint8_t)(rng_uniform(&rng) < 0.1 ? 255 : 256 * rng_uniform(&rng));
    }
    for (int y = 0; y < ROWS; y += 2) {
        rowsum_pair(pairs[y / 2], rows[y], rows[y + 1], SAMPLES);
    }
    for (int odd = 0; odd < 2; odd++) {
        for (int count = 1; count + odd <= ROWS; count += 3) {
            float weights[ROWS];
            uint32_t whole[ROWS];
            for (int i = 0; i < count; i++) {
                weights[i] = (i % 3 == 1 ? -0.4F : 0.9F) / (float)count;
            }
            int used = rowsum_weights(whole, weights, count, odd);
            for (int n = 1; n <= SAMPLES; n += 50) {
                rowsum_add(sums, pairs[0], SAMPLES, whole, used, n);
                for (int i = 0; i < n; i++) {
                    int64_t sum = 0;
                    for (int k = 0; k < 2 * used; k++) {
                        sum += (int64_t)weight_at(whole, k) * rows[k][i];
                    }
                    g_assert_cmpfloat(sums[i], ==, (float)sum);
                }
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rowsum/weights-add-up-to-one", test_weights);
    g_test_add_func("/rowsum/sums-are-exact", test_sums);
    return g_test_run();
}

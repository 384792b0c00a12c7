/* How a sample is divided among groups, and the draws that decide in them. */
#include "pipeline/scoring/latent_sample.h"
#include "pipeline/scoring/scoring.h"
#include "base/rng.h"

/* The shares add up, no group has more than its size, and none could have one more from a group that has two more than it. */
static void check_shares(int64_t total, const int64_t *size, int n)
{
    g_autofree int64_t *share = g_new(int64_t, n);
    int64_t sum = 0, all = 0, least = INT64_MAX;
    latent_sample_shares(total, size, n, share);
    for (int i = 0; i < n; i++) {
        sum += share[i];
        all += size[i];
        g_assert_cmpint(share[i], >=, 0);
        g_assert_cmpint(share[i], <=, size[i]);
        least = share[i] < size[i] ? MIN(least, share[i]) : least;
    }
    g_assert_cmpint(sum, ==, MIN(total, all));
    for (int i = 0; i < n; i++) {
        g_assert_true(least == INT64_MAX || share[i] <= least + 1);
    }
}

static void test_shares(void)
{
    const int64_t sizes[] = {0, 1, 7, 1000000, 3, 40, 41};
    for (int64_t total = 0; total < 400; total++) {
        for (int n = 0; n <= (int)G_N_ELEMENTS(sizes); n++) {
            check_shares(total, sizes, n);
        }
    }
    check_shares(INT64_MAX, sizes, G_N_ELEMENTS(sizes));
    Rng rng = rng_at(3, 0, 0);
    for (int round = 0; round < 2000; round++) {
        int64_t size[12];
        for (int i = 0; i < 12; i++) {
            size[i] = (int64_t)rng_below(&rng, 1 + rng_below(&rng, 200));
        }
        check_shares((int64_t)rng_below(&rng, 900), size, (int)rng_below(&rng, 13));
    }
}

/* By hand: 10 of 2, 3 and 100. */
static void test_shares_by_hand(void)
{
    const int64_t size[] = {2, 3, 100};
    int64_t share[3];
    latent_sample_shares(10, size, 3, share);
    g_assert_cmpint(share[0], ==, 2);
    g_assert_cmpint(share[1], ==, 3);
    g_assert_cmpint(share[2], ==, 5);
}

static void test_draws(void)
{
    const uint64_t one = latent_sample_draw_tile(1, "a", 2, 3);
    g_assert_cmpuint(one, ==, latent_sample_draw_tile(1, "a", 2, 3));
    g_assert_cmpuint(one, !=, latent_sample_draw_tile(2, "a", 2, 3));
    g_assert_cmpuint(one, !=, latent_sample_draw_tile(1, "b", 2, 3));
    g_assert_cmpuint(one, !=, latent_sample_draw_tile(1, "a", 3, 2));
    g_assert_cmpuint(latent_sample_draw_image(1, "a"), !=, latent_sample_draw_image(1, "b"));
}

/* The order of the tiles does not matter, and of a label the smallest draws are kept. */
static void test_mark(void)
{
    enum { N = 50 };
    uint64_t draw[2][N];
    GArray *tiles[2] = {g_array_new(FALSE, TRUE, sizeof(Scored)), g_array_new(FALSE, TRUE, sizeof(Scored))};
    for (int turned = 0; turned < 2; turned++) {
        g_array_set_size(tiles[turned], N);
        for (int i = 0; i < N; i++) {
            int tile = turned ? N - 1 - i : i;
            draw[turned][i] = latent_sample_draw_tile(5, "slide", tile, 0);
            g_array_index(tiles[turned], Scored, i).label = tile < 4 ? 1 : tile < 40 ? 0 : -1;
        }
        latent_sample_mark(tiles[turned], draw[turned], 18);
    }
    int kept[3] = {0};
    for (int i = 0; i < N; i++) {
        const Scored *tile = &g_array_index(tiles[0], Scored, i);
        g_assert_true(tile->kept == g_array_index(tiles[1], Scored, N - 1 - i).kept);
        kept[tile->label + 1] += tile->kept;
        for (int k = 0; k < N; k++) {
            const Scored *other = &g_array_index(tiles[0], Scored, k);
            g_assert_false(tile->kept && !other->kept && tile->label == other->label &&
                           draw[0][k] < draw[0][i]);
        }
    }
    g_assert_cmpint(kept[0], ==, 7);
    g_assert_cmpint(kept[1], ==, 7);
    g_assert_cmpint(kept[2], ==, 4);
    g_array_unref(tiles[0]);
    g_array_unref(tiles[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/latent-sample/shares", test_shares);
    g_test_add_func("/latent-sample/shares_by_hand", test_shares_by_hand);
    g_test_add_func("/latent-sample/draws", test_draws);
    g_test_add_func("/latent-sample/mark", test_mark);
    return g_test_run();
}

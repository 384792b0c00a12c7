/* Hold-out by slide and the order of tiles. */
#include "flows/split.h"
#include "base/error.h"
#include <string.h>

#define TILES 100

/* Each index exactly once in train or holdout, both ascending. */
static void assert_partition(const Split *split, int64_t count)
{
    int64_t t = 0, h = 0;
    g_assert_cmpint(split->trains, >=, 1);
    g_assert_cmpint(split->holdouts, >=, 1);
    for (int64_t i = 0; i < count; i++) {
        if (t < split->trains && split->train[t] == i) {
            t++;
        } else {
            g_assert_cmpint(h, <, split->holdouts);
            g_assert_cmpint(split->holdout[h++], ==, i);
        }
    }
    g_assert_cmpint(t + h, ==, split->trains + split->holdouts);
}

static void test_single_tiles(void)
{
    Split a, b, c;
    g_assert_true(split_make(TILES, NULL, 0.15, 1, &a, NULL));
    g_assert_true(split_make(TILES, NULL, 0.15, 1, &b, NULL));
    g_assert_true(split_make(TILES, NULL, 0.15, 2, &c, NULL));
    assert_partition(&a, TILES);
    g_assert_cmpint(a.holdouts, ==, 15);
    g_assert_cmpmem(a.holdout, 15 * sizeof(int64_t), b.holdout, 15 * sizeof(int64_t));
    g_assert_true(memcmp(a.holdout, c.holdout, 15 * sizeof(int64_t)) != 0);
    split_clear(&a);
    split_clear(&b);
    split_clear(&c);
}

/* Slides of 30, 25, 20, 15 and 10 tiles, their tiles mixed. */
static void fill_groups(const char *group[TILES])
{
    static const char *const names[] = {"s1", "s2", "s3", "s4", "s5"};
    static const int sizes[] = {30, 25, 20, 15, 10};
    int left[5];
    memcpy(left, sizes, sizeof left);
    for (int i = 0, g = 0; i < TILES; g = (g + 1) % 5) {
        if (left[g]-- > 0) {
            group[i++] = names[g];
        }
    }
}

static void test_slides_stay_whole(void)
{
    const char *group[TILES];
    fill_groups(group);
    for (uint64_t seed = 0; seed < 40; seed++) {
        Split split;
        g_assert_true(split_make(TILES, group, 0.2, seed, &split, NULL));
        assert_partition(&split, TILES);
        g_assert_cmpint(split.holdouts, >=, 10);
        g_assert_cmpint(split.holdouts, <=, 30);
        for (int64_t h = 0; h < split.holdouts; h++) {
            for (int64_t t = 0; t < split.trains; t++) {
                g_assert_cmpstr(group[split.holdout[h]], !=, group[split.train[t]]);
            }
        }
        split_clear(&split);
    }
}

static void test_a_large_slide_is_never_all(void)
{
    const char *group[TILES];
    for (int i = 0; i < TILES; i++) {
        group[i] = i < 95 ? "large" : "small";
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        Split split;
        g_assert_true(split_make(TILES, group, 0.2, seed, &split, NULL));
        g_assert_cmpint(split.holdouts, ==, 5); /* 5 is nearer to 20 than 95 */
        split_clear(&split);
    }
}

static void test_one_slide_is_split_by_tile(void)
{
    const char *group[TILES];
    Split split;
    for (int i = 0; i < TILES; i++) {
        group[i] = "only";
    }
    g_assert_true(split_make(TILES, group, 0.1, 1, &split, NULL));
    assert_partition(&split, TILES);
    g_assert_cmpint(split.holdouts, ==, 10);
    split_clear(&split);
}

static void test_small_sets(void)
{
    Split split;
    g_autoptr(GError) error = NULL;
    g_assert_true(split_make(2, NULL, 0.01, 1, &split, NULL));
    g_assert_cmpint(split.trains, ==, 1);
    g_assert_cmpint(split.holdouts, ==, 1);
    split_clear(&split);
    g_assert_false(split_make(1, NULL, 0.5, 1, &split, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
}

static void test_order_is_a_new_permutation_each_epoch(void)
{
    Split split;
    int64_t first[TILES], second[TILES], again[TILES];
    g_assert_true(split_make(TILES, NULL, 0.2, 1, &split, NULL));
    split_order(&split, 1, 1, first);
    split_order(&split, 1, 2, second);
    split_order(&split, 1, 1, again);
    size_t bytes = (size_t)split.trains * sizeof(int64_t);
    g_assert_true(memcmp(first, again, bytes) == 0);
    g_assert_true(memcmp(first, second, bytes) != 0);
    int64_t seen[TILES] = {0};
    for (int64_t i = 0; i < split.trains; i++) {
        g_assert_cmpint(seen[first[i]]++, ==, 0);
    }
    for (int64_t h = 0; h < split.holdouts; h++) {
        g_assert_cmpint(seen[split.holdout[h]], ==, 0);
    }
    split_clear(&split);
}

/* Every third tile is an anomaly. */
static void test_labels(gconstpointer grouped)
{
    const char *groups[TILES];
    const char *const *group = grouped ? groups : NULL;
    uint8_t anomaly[TILES];
    fill_groups(groups);
    for (uint64_t seed = 0; seed < 40; seed++) {
        Split normals, anomalies;
        int64_t seen[TILES] = {0}, order[TILES];
        for (int i = 0; i < TILES; i++) {
            anomaly[i] = i % 3 == 0;
        }
        g_assert_true(split_make_labelled(TILES, group, anomaly, 0.2, seed, &normals, &anomalies, NULL));
        g_assert_cmpint(anomalies.holdouts, >=, 1);
        g_assert_cmpint(anomalies.trains, >=, 1);
        g_assert_cmpint(normals.holdouts + normals.trains + anomalies.holdouts + anomalies.trains, ==, TILES);
        split_order(&anomalies, seed, 1, order);
        for (int64_t i = 0; i < anomalies.trains; i++) {
            seen[order[i]]++;
        }
        for (int64_t i = 0; i < anomalies.holdouts; i++) {
            seen[anomalies.holdout[i]]++;
        }
        for (int i = 0; i < TILES; i++) {
            g_assert_cmpint(seen[i], ==, anomaly[i]);
        }
        /* A slide that judges teaches nothing. */
        for (int64_t i = 0; grouped && i < normals.holdouts; i++) {
            for (int64_t k = 0; k < anomalies.trains; k++) {
                g_assert_cmpstr(groups[normals.holdout[i]], !=, groups[anomalies.train[k]]);
            }
        }
        split_clear(&normals);
        split_clear(&anomalies);
    }
}

static void test_labels_of_too_few(void)
{
    uint8_t anomaly[TILES] = {1};
    Split normals, anomalies;
    g_autoptr(GError) error = NULL;
    g_assert_false(split_make_labelled(TILES, NULL, anomaly, 0.2, 1, &normals, &anomalies, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "1 labelled anomalies"));
    split_clear(&normals);
    split_clear(&anomalies);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split/tiles", test_single_tiles);
    g_test_add_func("/split/slides", test_slides_stay_whole);
    g_test_add_func("/split/large_slide", test_a_large_slide_is_never_all);
    g_test_add_func("/split/one_slide", test_one_slide_is_split_by_tile);
    g_test_add_func("/split/small", test_small_sets);
    g_test_add_func("/split/order", test_order_is_a_new_permutation_each_epoch);
    g_test_add_data_func("/split/labels/tiles", NULL, test_labels);
    g_test_add_data_func("/split/labels/slides", "grouped", test_labels);
    g_test_add_func("/split/labels/few", test_labels_of_too_few);
    return g_test_run();
}

/* Hold-out by patient, slide and block, and the order of tiles. */
#include "flows/training/holdout.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define TILES 100
#define MOST 2400

typedef struct {
    TileSet set;
    const char *group[MOST], *slide[MOST];
    TilePosition position[MOST];
    uint8_t anomaly[MOST];
} Cohort;

typedef struct {
    HoldoutLists normals, anomalies;
    Holdout holdout;
    uint8_t train[MOST], held[MOST];
} Divided;

static void mark(const int64_t *index, int64_t count, uint8_t *seen)
{
    for (int64_t i = 0; i < count; i++) {
        g_assert_true(i == 0 || index[i] > index[i - 1]);
        g_assert_cmpint(seen[index[i]]++, ==, 0);
    }
}

/* Checks what always holds: classes are not mixed, no tile is on both sides, something is on each. */
static void divide(const Cohort *cohort, gboolean train_anomalies, double fraction, uint64_t seed,
                   Divided *out)
{
    g_autoptr(GError) error = NULL;
    int64_t used = 0;
    *out = (Divided){0};
    g_assert_true(holdout_make(&cohort->set, train_anomalies, fraction, seed, &out->normals, &out->anomalies,
                               &out->holdout, &error));
    g_assert_no_error(error);
    mark(out->normals.train, out->normals.train_count, out->train);
    mark(out->anomalies.train, out->anomalies.train_count, out->train);
    mark(out->normals.held, out->normals.held_count, out->held);
    mark(out->anomalies.held, out->anomalies.held_count, out->held);
    for (int64_t i = 0; i < cohort->set.count; i++) {
        g_assert_false(out->train[i] && out->held[i]);
        used += out->train[i] + out->held[i];
    }
    g_assert_cmpint(used + out->holdout.unused, ==, cohort->set.count);
    for (int64_t i = 0; i < out->normals.train_count; i++) {
        g_assert_false(cohort->set.anomaly && cohort->set.anomaly[out->normals.train[i]]);
    }
    for (int64_t i = 0; i < out->anomalies.held_count; i++) {
        g_assert_true(cohort->set.anomaly[out->anomalies.held[i]]);
    }
    g_assert_cmpint(out->normals.train_count, >=, 1);
    g_assert_cmpint(out->normals.held_count, >=, 1);
    g_assert_cmpint(out->anomalies.train_count > 0, ==, train_anomalies && cohort->set.anomaly);
    g_assert_cmpint(out->anomalies.held_count > 0, ==, cohort->set.anomaly != NULL);
}

static void divided_clear(Divided *divided)
{
    holdout_clear(&divided->normals);
    holdout_clear(&divided->anomalies);
}

/* No name is on both sides. */
static void assert_names_apart(const Cohort *cohort, const Divided *divided, const char *const *name)
{
    g_autoptr(GHashTable) trained = g_hash_table_new(g_str_hash, g_str_equal);
    for (int64_t i = 0; i < cohort->set.count; i++) {
        if (divided->train[i]) {
            g_hash_table_add(trained, (gpointer)name[i]);
        }
    }
    for (int64_t i = 0; i < cohort->set.count; i++) {
        g_assert_false(divided->held[i] && g_hash_table_contains(trained, name[i]));
    }
}

/* Between any trained and held-out tile of a slide there are `gap` pixels in x or in y. */
static void assert_gap(const Cohort *cohort, const Divided *divided, double gap)
{
    for (int64_t i = 0; i < cohort->set.count; i++) {
        for (int64_t k = 0; divided->held[i] && k < cohort->set.count; k++) {
            const TilePosition *a = &cohort->position[i], *b = &cohort->position[k];
            if (divided->train[k] && g_str_equal(cohort->slide[i], cohort->slide[k])) {
                g_assert_cmpfloat(fmax(fabs(a->x - b->x), fabs(a->y - b->y)), >=, a->side + gap);
            }
        }
    }
}

static Cohort *cohort_new(int count)
{
    Cohort *cohort = g_new0(Cohort, 1);
    cohort->set = (TileSet){.count = count};
    return cohort;
}

/* ---- single tiles ---- */

static void test_single_tiles(void)
{
    g_autofree Cohort *cohort = cohort_new(TILES);
    Divided a, b, c;
    divide(cohort, FALSE, 0.15, 1, &a);
    divide(cohort, FALSE, 0.15, 1, &b);
    divide(cohort, FALSE, 0.15, 2, &c);
    g_assert_cmpint(a.normals.held_count, ==, 15);
    g_assert_cmpint(a.holdout.kind, ==, HOLDOUT_TILES);
    g_assert_cmpint(a.holdout.unused, ==, 0);
    g_assert_cmpmem(a.held, TILES, b.held, TILES);
    g_assert_true(memcmp(a.held, c.held, TILES) != 0);
    divided_clear(&a);
    divided_clear(&b);
    divided_clear(&c);
}

static void test_small_sets(void)
{
    g_autofree Cohort *two = cohort_new(2), *one = cohort_new(1);
    g_autoptr(GError) error = NULL;
    Divided divided;
    divide(two, FALSE, 0.01, 1, &divided);
    g_assert_cmpint(divided.normals.train_count, ==, 1);
    divided_clear(&divided);
    g_assert_false(holdout_make(&one->set, FALSE, 0.5, 1, &divided.normals, &divided.anomalies,
                                &divided.holdout, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
}

/* ---- patients ---- */

/* Patients of 30, 25, 20, 15 and 10 tiles, their tiles mixed. */
static Cohort *five_patients(void)
{
    static const char *const names[] = {"s1", "s2", "s3", "s4", "s5"};
    int left[5] = {30, 25, 20, 15, 10};
    Cohort *cohort = cohort_new(TILES);
    for (int i = 0, g = 0; i < TILES; g = (g + 1) % 5) {
        if (left[g]-- > 0) {
            cohort->group[i++] = names[g];
        }
    }
    cohort->set.group = cohort->group;
    return cohort;
}

static void test_patients_stay_whole(void)
{
    g_autofree Cohort *cohort = five_patients();
    for (uint64_t seed = 0; seed < 40; seed++) {
        Divided divided;
        divide(cohort, FALSE, 0.2, seed, &divided);
        g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_PATIENTS);
        g_assert_cmpint(divided.normals.held_count, >=, 10);
        g_assert_cmpint(divided.normals.held_count, <=, 30);
        assert_names_apart(cohort, &divided, cohort->group);
        divided_clear(&divided);
    }
}

static void test_a_large_patient_is_never_all(void)
{
    g_autofree Cohort *cohort = cohort_new(TILES);
    cohort->set.group = cohort->group;
    for (int i = 0; i < TILES; i++) {
        cohort->group[i] = i < 95 ? "large" : "small";
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        Divided divided;
        divide(cohort, FALSE, 0.2, seed, &divided);
        g_assert_cmpint(divided.normals.held_count, ==, 5); /* 5 is nearer to 20 than 95 */
        g_assert_cmpint(divided.holdout.groups, ==, 1);
        divided_clear(&divided);
    }
}

static void test_one_patient_is_split_by_slide(void)
{
    g_autofree Cohort *cohort = five_patients();
    memcpy(cohort->slide, cohort->group, sizeof cohort->slide);
    cohort->set.slide = cohort->slide;
    for (int i = 0; i < TILES; i++) {
        cohort->group[i] = "only";
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        Divided divided;
        divide(cohort, FALSE, 0.2, seed, &divided);
        g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_SLIDES);
        assert_names_apart(cohort, &divided, cohort->slide);
        divided_clear(&divided);
    }
}

/* ---- one slide ---- */

/* One slide of columns x rows tiles of `side` pixels, one every `step` pixels; holes: every fourth is missing. */
static Cohort *one_slide(int columns, int rows, double side, double step, gboolean holes)
{
    Cohort *cohort = cohort_new(0);
    for (int i = 0; i < columns * rows; i++) {
        if (holes && i * 7 % 4 == 0) {
            continue;
        }
        int n = (int)cohort->set.count++;
        cohort->group[n] = cohort->slide[n] = "only";
        cohort->position[n] =
            (TilePosition){round(311 + i % columns * step), round(57 + (i / columns) * step), side};
    }
    cohort->set.group = cohort->group;
    cohort->set.slide = cohort->slide;
    cohort->set.position = cohort->position;
    return cohort;
}

static void test_blocks_of_one_slide(void)
{
    static const struct {
        int columns, rows;
        double side, step;
        gboolean holes;
    } cases[] = {{40, 50, 256, 256, FALSE},      {40, 50, 256, 128, FALSE}, {60, 40, 511.7, 511.7, TRUE},
                 {20, 20, 100.3, 75.225, FALSE}, {9, 200, 64, 64, TRUE},    {6, 6, 256, 256, FALSE}};
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        g_autofree Cohort *cohort =
            one_slide(cases[c].columns, cases[c].rows, cases[c].side, cases[c].step, cases[c].holes);
        for (uint64_t seed = 0; seed < 3; seed++) {
            Divided divided;
            divide(cohort, FALSE, 0.15, seed, &divided);
            g_test_message("case %zu seed %d: %d held in %d blocks, %d trained on, %d in the margin", c,
                           (int)seed, (int)divided.normals.held_count, (int)divided.holdout.groups,
                           (int)divided.normals.train_count, (int)divided.holdout.unused);
            g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_BLOCKS);
            assert_gap(cohort, &divided, cases[c].side - 1);
            g_assert_cmpint(divided.normals.train_count, >=, cohort->set.count / 3);
            g_assert_cmpint(divided.normals.held_count, >=, cohort->set.count / 20);
            divided_clear(&divided);
        }
    }
}

/* So few tiles that a margin would leave nothing: still no pixel is shared. */
static void test_few_tiles_of_one_slide(void)
{
    static const struct {
        int columns, rows;
        double step;
    } cases[] = {{3, 3, 256}, {2, 1, 256}, {5, 2, 192}};
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        g_autofree Cohort *cohort = one_slide(cases[c].columns, cases[c].rows, 256, cases[c].step, FALSE);
        Divided divided;
        divide(cohort, FALSE, 0.15, 1, &divided);
        g_assert_cmpint(divided.holdout.kind, >=, HOLDOUT_BLOCKS);
        g_assert_cmpint(divided.holdout.kind, <=, HOLDOUT_TOUCHING_BLOCKS);
        assert_gap(cohort, &divided, -1);
        divided_clear(&divided);
    }
    g_autofree Cohort *heap = one_slide(4, 1, 256, 16, FALSE); /* each shares pixels with all others */
    Divided divided;
    divide(heap, FALSE, 0.15, 1, &divided);
    g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_TILES);
    divided_clear(&divided);
}

/* Names and positions decide, not the order of the tiles. */
static void test_blocks_in_another_order(void)
{
    g_autofree Cohort *cohort = one_slide(30, 30, 256, 256, TRUE),
                      *turned = one_slide(30, 30, 256, 256, TRUE);
    int count = (int)cohort->set.count;
    Divided a, b;
    for (int i = 0; i < count; i++) {
        turned->position[i] = cohort->position[count - 1 - i];
    }
    divide(cohort, FALSE, 0.15, 5, &a);
    divide(turned, FALSE, 0.15, 5, &b);
    for (int i = 0; i < count; i++) {
        g_assert_cmpint(a.held[i], ==, b.held[count - 1 - i]);
        g_assert_cmpint(a.train[i], ==, b.train[count - 1 - i]);
    }
    divided_clear(&a);
    divided_clear(&b);
}

/* ---- labels ---- */

/* Patients of `each` tiles; the first `strange` patients have anomalies among their tiles. */
static Cohort *labelled(int patients, int each, int strange)
{
    Cohort *cohort = cohort_new(patients * each);
    for (int i = 0; i < patients * each; i++) {
        g_autofree char *name = g_strdup_printf("patient %d", i % patients);
        cohort->group[i] = g_intern_string(name);
        cohort->anomaly[i] = i % patients < strange && i / patients % 3 == 0;
    }
    cohort->set.group = cohort->group;
    cohort->set.anomaly = cohort->anomaly;
    return cohort;
}

/* A patient with the name of the slide is unknown: the same tiles are held out, but the kind is not "patients". */
static void test_slides_are_no_patients(void)
{
    g_autofree Cohort *cohort = five_patients();
    Divided patients, slides;
    divide(cohort, FALSE, 0.2, 1, &patients);
    cohort->set.slide = cohort->set.group;
    divide(cohort, FALSE, 0.2, 1, &slides);
    g_assert_cmpint(patients.holdout.kind, ==, HOLDOUT_PATIENTS);
    g_assert_cmpint(slides.holdout.kind, ==, HOLDOUT_LONE_SLIDES);
    g_assert_cmpint(slides.holdout.groups, ==, patients.holdout.groups);
    divided_clear(&patients);
    divided_clear(&slides);
}

/* For none of 200 seeds a held-out anomaly is of a patient of whom any tile is trained on. */
static void test_anomalies_are_held_with_their_patient(gconstpointer train_anomalies)
{
    const int strange[] = {2, 4, 10};
    for (size_t c = 0; c < G_N_ELEMENTS(strange); c++) {
        g_autofree Cohort *cohort = labelled(10, 12, strange[c]);
        for (uint64_t seed = 0; seed < 200; seed++) {
            Divided divided;
            divide(cohort, train_anomalies != NULL, 0.2, seed, &divided);
            g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_PATIENTS);
            g_assert_false(divided.holdout.anomalies_shared);
            assert_names_apart(cohort, &divided, cohort->group);
            divided_clear(&divided);
        }
    }
    /* Patients with anomalies only. */
    g_autofree Cohort *apart = labelled(6, 10, 2);
    for (int i = 0; i < apart->set.count; i++) {
        apart->anomaly[i] = i % 6 < 2;
    }
    for (uint64_t seed = 0; seed < 50; seed++) {
        Divided divided;
        divide(apart, train_anomalies != NULL, 0.2, seed, &divided);
        assert_names_apart(apart, &divided, apart->group);
        divided_clear(&divided);
    }
}

/* One patient has all anomalies: its normals are not trained on, its anomalies are divided, and the result says so. */
static void test_anomalies_of_one_patient(void)
{
    g_autofree Cohort *cohort = labelled(6, 12, 1);
    Divided divided;
    divide(cohort, TRUE, 0.2, 3, &divided);
    g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_PATIENTS);
    g_assert_true(divided.holdout.anomalies_shared);
    for (int64_t i = 0; i < divided.normals.train_count; i++) {
        g_assert_cmpstr(cohort->group[divided.normals.train[i]], !=, "patient 0");
    }
    divided_clear(&divided);
    divide(cohort, FALSE, 0.2, 3, &divided); /* they only validate: all of that patient is held out */
    g_assert_false(divided.holdout.anomalies_shared);
    assert_names_apart(cohort, &divided, cohort->group);
    divided_clear(&divided);
}

/* Normals and anomalies of one slide: blocks. */
static void test_labels_of_one_slide(void)
{
    g_autofree Cohort *cohort = one_slide(40, 30, 256, 256, FALSE);
    cohort->set.anomaly = cohort->anomaly;
    for (int i = 0; i < cohort->set.count; i++) {
        cohort->anomaly[i] = i % 40 < 12;
    }
    for (uint64_t seed = 0; seed < 3; seed++) {
        Divided divided;
        divide(cohort, TRUE, 0.2, seed, &divided);
        g_assert_cmpint(divided.holdout.kind, ==, HOLDOUT_BLOCKS);
        assert_gap(cohort, &divided, 255);
        divided_clear(&divided);
    }
}

static void test_labels_of_single_tiles(void)
{
    g_autofree Cohort *cohort = cohort_new(TILES);
    Divided divided;
    cohort->set.anomaly = cohort->anomaly;
    for (int i = 0; i < TILES; i++) {
        cohort->anomaly[i] = i % 3 == 0;
    }
    divide(cohort, TRUE, 0.2, 1, &divided);
    g_assert_cmpint(divided.anomalies.held_count, ==, 7);
    g_assert_cmpint(divided.normals.held_count, ==, 13);
    divided_clear(&divided);
    divide(cohort, FALSE, 0.2, 1, &divided); /* without training on anomalies, all of them validate */
    g_assert_cmpint(divided.anomalies.held_count, ==, 34);
    divided_clear(&divided);
}

static void test_labels_of_too_few(void)
{
    g_autofree Cohort *cohort = cohort_new(TILES);
    g_autoptr(GError) error = NULL;
    Divided divided;
    cohort->set.anomaly = cohort->anomaly;
    cohort->anomaly[0] = 1;
    g_assert_false(holdout_make(&cohort->set, TRUE, 0.2, 1, &divided.normals, &divided.anomalies,
                                &divided.holdout, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "1 labelled anomalies"));
}

/* ---- order ---- */

static void test_order_is_a_new_permutation_each_epoch(void)
{
    g_autofree Cohort *cohort = cohort_new(TILES);
    int64_t first[TILES], second[TILES], again[TILES], seen[TILES] = {0};
    Divided divided;
    divide(cohort, FALSE, 0.2, 1, &divided);
    HoldoutLists *split = &divided.normals;
    holdout_order(split, 1, 1, first);
    holdout_order(split, 1, 2, second);
    holdout_order(split, 1, 1, again);
    size_t bytes = (size_t)split->train_count * sizeof(int64_t);
    g_assert_true(memcmp(first, again, bytes) == 0);
    g_assert_true(memcmp(first, second, bytes) != 0);
    for (int64_t i = 0; i < split->train_count; i++) {
        g_assert_cmpint(seen[first[i]]++, ==, 0);
        g_assert_true(divided.train[first[i]]);
    }
    divided_clear(&divided);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/split/tiles", test_single_tiles);
    g_test_add_func("/split/small", test_small_sets);
    g_test_add_func("/split/patients", test_patients_stay_whole);
    g_test_add_func("/split/slides-are-no-patients", test_slides_are_no_patients);
    g_test_add_func("/split/large_patient", test_a_large_patient_is_never_all);
    g_test_add_func("/split/slides", test_one_patient_is_split_by_slide);
    g_test_add_func("/split/blocks", test_blocks_of_one_slide);
    g_test_add_func("/split/few_blocks", test_few_tiles_of_one_slide);
    g_test_add_func("/split/any_order", test_blocks_in_another_order);
    g_test_add_data_func("/split/labels/teaching", "train_anomalies",
                         test_anomalies_are_held_with_their_patient);
    g_test_add_data_func("/split/labels/validating", NULL, test_anomalies_are_held_with_their_patient);
    g_test_add_func("/split/labels/one_patient", test_anomalies_of_one_patient);
    g_test_add_func("/split/labels/one_slide", test_labels_of_one_slide);
    g_test_add_func("/split/labels/tiles", test_labels_of_single_tiles);
    g_test_add_func("/split/labels/few", test_labels_of_too_few);
    g_test_add_func("/split/order", test_order_is_a_new_permutation_each_epoch);
    return g_test_run();
}

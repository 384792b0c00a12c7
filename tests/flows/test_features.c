/* Features of training tiles: binary16, the file of rows, and that nothing about keeping or computing them, nor threads, nor a
 * stop in between, changes a trained model; with and without augmentation. */
#include "flows/training/feature_file.h"
#include "flows/kernels/half.h"
#include "base/error.h"
#include "tests/tiny_training.h"
#include <unistd.h>
#include <string.h>

/* ---- binary16 ---- */

/* By the definition: sign, exponent of 5 bits with bias 15, 10 bits of fraction. */
static double half_value(unsigned half)
{
    int exponent = (int)(half >> 10 & 31), fraction = (int)(half & 1023);
    double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static gboolean is_finite(unsigned half)
{
    return (half >> 10 & 31) != 31;
}

static void test_all_halves_come_back(void)
{
    for (unsigned i = 0; i < 65536; i++) {
        uint16_t half = (uint16_t)i, back;
        real value;
        if (is_finite(i)) {
            half_to_real(&half, 1, &value);
            g_assert_cmpfloat((double)value, ==, half_value(i));
            half_from_real(&value, 1, &back);
            g_assert_cmpuint(back, ==, i);
        }
    }
}

/* Between two neighbours: the nearer one; in the middle the even one. */
static void test_halves_round_to_nearest_even(void)
{
    for (unsigned i = 0; i + 1 < 0x7c00; i++) {
        double low = half_value(i), high = half_value(i + 1), middle = (low + high) / 2;
        real values[] = {(real)(low + (high - low) * 0.25), (real)middle, (real)(low + (high - low) * 0.75)};
        half_round(values, 3);
        g_assert_cmpfloat((double)values[0], ==, low);
        g_assert_cmpfloat((double)values[1], ==, i % 2 ? high : low);
        g_assert_cmpfloat((double)values[2], ==, high);
    }
}

static void test_halves_saturate(void)
{
    real values[] = {65519, 65520, 1e30f, INFINITY, -1e9f, 1e-9f, NAN};
    half_round(values, G_N_ELEMENTS(values));
    for (int i = 0; i < 4; i++) {
        g_assert_cmpfloat((double)values[i], ==, 65504);
    }
    g_assert_cmpfloat((double)values[4], ==, -65504);
    g_assert_cmpfloat((double)values[5], ==, 0);
    g_assert_true(isnan((double)values[6]));
}

/* ---- the file ---- */

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_rows_are_read_as_written(gconstpointer half)
{
    g_autofree char *path = file_in_folder("rows");
    FeatureFileSpec spec = {path, 3, 5, GPOINTER_TO_INT(half)};
    g_autoptr(GError) error = NULL;
    real row[5], room[5];
    g_autoptr(FeatureFile) new = feature_file_create(&spec, &error);
    g_assert_no_error(error);
    for (int r = 2; r >= 0; r--) {
        for (int i = 0; i < 5; i++) {
            row[i] = (real)(r * 5 + i) / 4;
        }
        g_assert_true(feature_file_put(new, r, row, room, &error));
    }
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_true(feature_file_publish(new, KEY, &error));
    g_autoptr(FeatureFile) old = feature_file_open(&spec, KEY, &error);
    g_assert_no_error(error);
    for (int r = 0; r < 3; r++) {
        g_assert_true(feature_file_get(r % 2 ? new : old, r, row, room, &error));
        for (int i = 0; i < 5; i++) {
            g_assert_cmpfloat((double)row[i], ==, (r * 5 + i) / 4.0);
        }
    }
    g_unlink(path);
}

static void test_files_of_something_else_are_refused(void)
{
    g_autofree char *path = file_in_folder("rows");
    FeatureFileSpec spec = {path, 3, 5, FALSE}, more = spec, half = spec;
    char other[] = KEY;
    other[0] = 'f';
    more.rows++;
    half.half = TRUE;
    g_autoptr(FeatureFile) new = feature_file_create(&spec, NULL);
    g_assert_true(feature_file_publish(new, KEY, NULL));
    g_autoptr(GError) key = NULL, rows = NULL, precision = NULL, cut = NULL, missing = NULL;
    g_assert_null(feature_file_open(&spec, other, &key));
    g_assert_error(key, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_null(feature_file_open(&more, KEY, &rows));
    g_assert_error(rows, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_null(feature_file_open(&half, KEY, &precision));
    g_assert_error(precision, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_cmpint(truncate(path, 300), ==, 0);
    g_assert_null(feature_file_open(&spec, KEY, &cut));
    g_assert_error(cut, WSI_ERROR, WSI_ERROR_INPUT);
    real row[5], room[5];
    g_clear_error(&cut);
    g_assert_false(feature_file_get(new, 2, row, room, &cut)); /* truncated while in use */
    g_assert_error(cut, WSI_ERROR, WSI_ERROR_IO);
    g_unlink(path);
    g_assert_null(feature_file_open(&spec, KEY, &missing));
    g_assert_error(missing, WSI_ERROR, WSI_ERROR_ABSENT);
}

static void test_what_is_not_published_disappears(void)
{
    g_autofree char *path = file_in_folder("rows");
    FeatureFileSpec spec = {path, 3, 5, FALSE};
    feature_file_free(feature_file_create(&spec, NULL));
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_assert_null(g_dir_read_name(dir));
}

/* ---- trainings ---- */

static gboolean stop_after_one(void *data, const EpochReport *report)
{
    return report->epoch < 1;
}

static void stop(const ModelSpec *spec, const FitOptions *options)
{
    g_autoptr(GError) error = NULL;
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions stopping = *options;
    stopping.reported = stop_after_one;
    g_assert_null(model_fit(spec, &tiles, &stopping, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_CANCELLED);
}

static void test_keeping_changes_no_byte(gconstpointer half)
{
    ModelSpec spec = tiny_spec();
    g_autofree char *file = file_in_folder("features");
    char first[65], other[65];
    const FitOptions variants[] = {
        {.threads = 1},
        {.threads = 2, .cache = FEATURES_NONE},
        {.threads = 2, .cache = FEATURES_FILE, .feature_file = file},
        {.threads = 1, .cache = FEATURES_FILE, .feature_file = file}, /* the file is there */
        {.threads = 2, .cache = FEATURES_FILE, .feature_file = file, .cache_bytes = 50 * 1024}, /* in part */
        {.threads = 2, .cache_bytes = 100 * 1024},
    };
    spec.half_features = GPOINTER_TO_INT(half);
    for (guint i = 0; i < G_N_ELEMENTS(variants); i++) {
        fit(&spec, &variants[i], i ? other : first);
        g_assert_true(i == 0 || g_str_equal(first, other));
    }
    spec.half_features = !spec.half_features;
    fit(&spec, &variants[0], other);
    g_assert_cmpstr(first, !=, other);
    g_unlink(file);
    model_spec_clear(&spec);
}

/* A stopped training leaves its features; the next process reads each tile once for its hash, and held-out tiles for the calibration. */
static void test_resuming_uses_the_file(void)
{
    ModelSpec spec = tiny_spec();
    g_autofree char *file = file_in_folder("features"), *checkpoint = file_in_folder("checkpoint");
    FitOptions options = {
        .threads = 2, .checkpoint = checkpoint, .cache = FEATURES_FILE, .feature_file = file};
    FitOptions plain = {.threads = 2};
    char whole[65], resumed[65];
    fit(&spec, &plain, whole);
    stop(&spec, &options);
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    g_atomic_int_set(&reads, 0);
    fit(&spec, &options, resumed);
    g_assert_cmpstr(whole, ==, resumed);
    g_assert_cmpint(g_atomic_int_get(&reads), ==, TILES + 2 * 7); /* 7 are held out */
    g_unlink(checkpoint);
    /* A file that is broken, or of other tiles, is replaced. */
    g_assert_true(g_file_set_contents(file, "features", -1, NULL));
    fit(&spec, &options, resumed);
    g_assert_cmpstr(whole, ==, resumed);
    g_unlink(checkpoint);
    g_unlink(file);
    model_spec_clear(&spec);
}

static void test_a_file_that_cannot_be_written_is_an_error(void)
{
    ModelSpec spec = tiny_spec();
    g_autoptr(GError) error = NULL;
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2, .cache = FEATURES_FILE, .feature_file = "/proc/none/features"};
    g_assert_null(model_fit(&spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    model_spec_clear(&spec);
}

/* ---- augmentation ---- */

static void test_augmented_training_is_a_function_of_the_seed(void)
{
    ModelSpec spec = tiny_spec();
    g_autofree char *checkpoint = file_in_folder("checkpoint");
    char plain[65], first[65], other[65];
    FitOptions variants[] = {
        {.threads = 1},
        {.threads = 2},
        {.threads = 3},
        {.threads = 2, .cache = FEATURES_NONE},
        {.threads = 2, .cache_bytes = 100 * 1024},
        {.threads = 1, .checkpoint = checkpoint}, /* from the stop on */
    };
    fit(&spec, &variants[0], plain);
    spec.augmented = TRUE;
    spec.augment.rotate90 = spec.augment.stain = 0.5;
    FitOptions stopped = {.threads = 2, .checkpoint = checkpoint};
    stop(&spec, &stopped);
    for (guint i = 0; i < G_N_ELEMENTS(variants); i++) {
        fit(&spec, &variants[i], i ? other : first);
        g_assert_true(i == 0 || g_str_equal(first, other));
    }
    g_assert_cmpstr(plain, !=, first);
    g_unlink(checkpoint);
    model_spec_clear(&spec);
}

static void test_epochs_differ(void)
{
    ModelSpec spec = tiny_spec();
    FitOptions options = {.threads = 2};
    TileSet tiles = {.count = TILES, .read = read_tile};
    spec.learning_rate = 1e-7; /* the model stays as it is: only the tiles change from epoch to epoch */
    spec.holdout = 1.0 / 3;    /* whole batches are left: no tile comes twice */
    for (int augmented = 0; augmented < 2; augmented++) {
        spec.augmented = augmented;
        g_autoptr(Model) model = model_fit(&spec, &tiles, &options, NULL);
        g_assert_nonnull(model);
        const EpochReport *report = (const EpochReport *)model_history(model)->data;
        double change = fabs(report[2].train_nll - report[1].train_nll),
               still = fabs(report[2].holdout_nll - report[1].holdout_nll);
        g_test_message("train %.2e hold-out %.2e", change, still);
        g_assert_cmpfloat(still, <, 1e-3);
        g_assert_true(augmented ? change > 1e-2 : change < 1e-3);
    }
    model_spec_clear(&spec);
}

static void test_augmented_features_are_not_kept_in_a_file(void)
{
    ModelSpec spec = tiny_spec();
    g_autoptr(GError) error = NULL, range = NULL;
    g_autofree char *file = file_in_folder("features");
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 1, .cache = FEATURES_FILE, .feature_file = file};
    spec.augmented = TRUE;
    g_assert_null(model_fit(&spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "augmentation"));
    spec.augment.blur_sigma = 0;
    g_assert_null(model_fit(&spec, &tiles, &options, &range));
    g_assert_nonnull(strstr(range->message, "blur_sigma"));
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-features-XXXXXX", NULL);
    g_test_add_func("/features/half/all", test_all_halves_come_back);
    g_test_add_func("/features/half/nearest", test_halves_round_to_nearest_even);
    g_test_add_func("/features/half/saturate", test_halves_saturate);
    g_test_add_data_func("/features/file/float", GINT_TO_POINTER(FALSE), test_rows_are_read_as_written);
    g_test_add_data_func("/features/file/half", GINT_TO_POINTER(TRUE), test_rows_are_read_as_written);
    g_test_add_func("/features/file/other", test_files_of_something_else_are_refused);
    g_test_add_func("/features/file/unpublished", test_what_is_not_published_disappears);
    g_test_add_data_func("/features/keeping/float", GINT_TO_POINTER(FALSE), test_keeping_changes_no_byte);
    g_test_add_data_func("/features/keeping/half", GINT_TO_POINTER(TRUE), test_keeping_changes_no_byte);
    g_test_add_func("/features/resuming", test_resuming_uses_the_file);
    g_test_add_func("/features/unwritable", test_a_file_that_cannot_be_written_is_an_error);
    g_test_add_func("/features/augmented/function", test_augmented_training_is_a_function_of_the_seed);
    g_test_add_func("/features/augmented/epochs", test_epochs_differ);
    g_test_add_func("/features/augmented/no_file", test_augmented_features_are_not_kept_in_a_file);
    int status = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return status;
}

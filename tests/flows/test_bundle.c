/* Numbers of a bundle that are indices, signs or divisors: what cannot be one is refused before it is used.  And a model that gives
 * its weights back. */
#include "tests/tiny_training.h"
#include "flows/scoring/scorer.h"
#include "base/error.h"
#include <string.h>

/* The offset of the first number of a tensor in a safetensors file. */
static char *number_of(char *bytes, gsize length, const char *tensor)
{
    g_autofree char *quoted = g_strdup_printf("\"%s\":", tensor);
    const char *entry = memmem(bytes, length, quoted, strlen(quoted));
    const char *key = "\"data_offsets\":[";
    guint64 header;
    g_assert_nonnull(entry);
    memcpy(&header, bytes, sizeof header);
    return bytes + sizeof header + GUINT64_FROM_LE(header) +
           g_ascii_strtoull(strstr(entry, key) + strlen(key), NULL, 10);
}

static void save_tiny(const char *path)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL;
    spec.epochs = 1;
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    g_assert_true(model_save(model, path, NULL, NULL));
    model_spec_clear(&spec);
}

static void test_numbers_that_cannot_be_are_refused(void)
{
    static const struct {
        const char *tensor;
        float number;
        const char *says;
    } wrong[] = {
        {"fusion.permutation0", 1e9f, "\"fusion.permutation0\" is not a permutation"},
        {"fusion.permutation2", -1, "not a permutation"},
        {"flow0.step0.invconv.permutation", 0.5f, "not a permutation"},
        {"flow0.step0.invconv.sign", 0, "not made of 1 and -1"},
        {"fpn.level1.out_deviation", 0, "not above 0"},
        {"fusion.permutation0", NAN, "finite"},
    };
    g_autofree char *path = file_in_folder("model.safetensors"), *bytes = NULL;
    gsize length;
    save_tiny(path);
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *copy = g_memdup2(bytes, length);
        memcpy(number_of(copy, length, wrong[i].tensor), &wrong[i].number, sizeof wrong[i].number);
        g_assert_true(g_file_set_contents(path, copy, (gssize)length, NULL));
        g_assert_null(model_load(path, NULL, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, wrong[i].says));
    }
    g_unlink(path);
}

/* A model that releases its weights can still score with its scorers, and gives the same scores; nothing else works. */
static void test_released_weights_are_not_missed(void)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2};
    TileScore before[8], after[8];
    g_autoptr(GError) error = NULL;
    g_autofree uint8_t *rgb = g_new(uint8_t, (gsize)8 * spec.tile_size * spec.tile_size * 3);
    spec.epochs = 1;
    spec.flow.fpn_width = 64; /* weights of whole pages */
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    Scorer *scorer = scorer_new(model, NULL);
    g_assert_cmpint(scorer_batch(scorer), ==, 8);
    for (int b = 0; b < 8; b++) {
        g_assert_true(read_tile(NULL, b, rgb + (size_t)b * spec.tile_size * spec.tile_size * 3, &error));
    }
    g_assert_true(scorer_run(scorer, rgb, 8, before, NULL, NULL));
    model_release(model);
    g_assert_true(scorer_run(scorer, rgb, 8, after, NULL, NULL));
    g_assert_cmpmem(before, sizeof before, after, sizeof after);
    g_assert_null(scorer_new(model, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    g_clear_error(&error);
    g_assert_false(model_save(model, "never", NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    scorer_free(scorer);
    model_spec_clear(&spec);
}

/* The choices of "onednn-timed" are stored in the model, so all processes that score with it compute the same bytes. */
static void test_choices_go_with_the_model(void)
{
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_tile};
    FitOptions options = {.threads = 2};
    g_autoptr(GError) error = NULL;
    g_autofree char *path = file_in_folder("timed.safetensors");
    if (!kernels_get("onednn-timed")) {
        g_test_skip("this build has no oneDNN");
        return;
    }
    g_assert_true(kernels_choices_set("", NULL));
    spec.kernels = "onednn-timed";
    spec.epochs = 1;
    g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    g_assert_true(model_save(model, path, NULL, NULL));
    g_autofree char *made = kernels_choices_get();
    g_assert_nonnull(strstr(made, " forward n8 "));
    g_assert_true(kernels_choices_set("", NULL));
    g_autoptr(Model) again = model_load(path, NULL, "onednn-timed", &error);
    g_assert_no_error(error);
    g_autofree char *imposed = kernels_choices_get();
    g_assert_cmpstr(imposed, ==, made);
    g_assert_true(kernels_choices_set("", NULL));
    g_unlink(path);
    model_spec_clear(&spec);
}

/* ---- whether a calibration can be trusted ---- */

/* The metadata of the file as any reader of safetensors sees them: 8 bytes of length, then JSON. */
static json_t *calibration_in_file(const char *path)
{
    g_autofree char *bytes = NULL;
    gsize length;
    guint64 header;
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    memcpy(&header, bytes, sizeof header);
    json_t *all = json_loadb(bytes + 8, (size_t)header, 0, NULL);
    const char *text = json_string_value(json_object_get(json_object_get(all, "__metadata__"), "model"));
    json_t *model = json_loads(text, 0, NULL), *calibration = json_object_get(model, "calibration");
    json_incref(calibration);
    json_decref(model);
    json_decref(all);
    return calibration;
}

static const char *patients[TILES];

static Model *fit_groups(int count, int groups, double holdout)
{
    g_autoptr(GError) error = NULL;
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = count, .read = read_tile, .group = groups > 0 ? patients : NULL};
    FitOptions options = {.threads = 2};
    for (int i = 0; groups > 0 && i < count; i++) {
        g_autofree char *name = g_strdup_printf("p%d", i % groups);
        patients[i] = g_intern_string(name);
    }
    spec.epochs = 1;
    spec.holdout = holdout;
    Model *model = model_fit(&spec, &tiles, &options, &error);
    g_assert_no_error(error);
    model_spec_clear(&spec);
    return model;
}

/* From one held-out tile to more than 1/eps: the bundle's JSON gives n and whether that is enough; a loaded model says the same. */
static void test_few_tiles_are_not_trusted(void)
{
    static const struct {
        int count, groups;
        double holdout;
        int tiles, doubts;
    } cases[] = {{24, 24, 0.05, 1, 1},
                 {24, 4, 0.25, 6, 1},
                 {24, 0, 0.25, 6, 2},
                 {24, 1, 0.25, 6, 2},
                 {24, 24, 0.5, 12, 1}};
    g_autofree char *path = file_in_folder("doubts.safetensors");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Model) model = fit_groups(cases[i].count, cases[i].groups, cases[i].holdout);
        g_assert_true(model_save(model, path, NULL, NULL));
        json_t *c = calibration_in_file(path);
        g_assert_cmpint(json_integer_value(json_object_get(c, "tiles")), ==, cases[i].tiles);
        g_assert_cmpint((int)json_array_size(json_object_get(c, "doubts")), ==, cases[i].doubts);
        g_assert_true(json_is_false(json_object_get(c, "trusted")));
        double expected = json_number_value(json_object_get(c, "threshold_expected"));
        g_assert_cmpfloat(fabs(expected - 1.0 / (cases[i].tiles + 1)), <, 1e-12);
        g_autoptr(Model) loaded = model_load(path, NULL, NULL, NULL);
        g_autofree char *before = calibration_text(model_calibration(model)),
                        *after = calibration_text(model_calibration(loaded));
        g_autofree char *n = g_strdup_printf("n = %d held-out", cases[i].tiles);
        g_assert_cmpstr(before, ==, after);
        g_assert_nonnull(strstr(before, n));
        g_auto(GStrv) doubts = calibration_doubts(model_calibration(loaded));
        g_assert_cmpint((int)g_strv_length(doubts), ==, cases[i].doubts);
        json_decref(c);
    }
    g_unlink(path);
}

static void test_enough_tiles_of_patients_are_trusted(void)
{
    Calibration c = {.tiles = 20, .chosen = threshold_default(), .expected = 0.05};
    g_auto(GStrv) none = calibration_doubts(&c);
    g_assert_null(none[0]);
    c.tiles = 19;
    g_auto(GStrv) few = calibration_doubts(&c);
    g_assert_nonnull(strstr(few[0], "19 normal tiles"));
    g_assert_nonnull(strstr(few[0], "20 are needed"));
    c.tiles = 2000;
    c.chosen.eps = 0.0004;
    g_auto(GStrv) rare = calibration_doubts(&c);
    g_assert_nonnull(strstr(rare[0], "2500 are needed"));
    c.chosen.eps = 0.05;
    c.holdout.anomalies_shared = TRUE;
    for (int kind = HOLDOUT_PATIENTS; holdout_kinds[kind]; kind++) {
        c.holdout.kind = (HoldoutKind)kind;
        g_auto(GStrv) doubts = calibration_doubts(&c);
        g_assert_cmpint((int)g_strv_length(doubts), ==, 1 + (kind > HOLDOUT_LONE_SLIDES));
    }
}

/* A threshold under augmentation is many times as high: its sentence mentions the draws. */
static void test_the_threshold_says_how_it_was_chosen(void)
{
    static const struct {
        ThresholdMode mode;
        int draws;
        const char *text;
    } cases[] = {
        {THRESHOLD_NORMAL_QUANTILE, 0, "(normal-quantile, eps 0.05) from n = 20 held-out"},
        {THRESHOLD_NORMAL_QUANTILE, 8,
         "(normal-quantile, eps 0.05, 8 augmented draws of each tile) from n = 20"},
        {THRESHOLD_F_BETA, 0, "(f-beta, beta 2) from n = 20"},
        {THRESHOLD_ROBUST, 16, "(robust, beta 2, 16 augmented draws of each tile) from n = 20"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ThresholdSpec chosen = {cases[i].mode, cases[i].draws, 0.05, 2};
        Calibration c = {.tiles = 20,
                         .chosen = chosen,
                         .expected = threshold_needs_anomalies(&chosen) ? (double)NAN : 0.05};
        g_autofree char *text = calibration_text(&c);
        g_test_message("%s", text);
        g_assert_nonnull(strstr(text, cases[i].text));
    }
}

/* ---- copies ---- */

static int copy_of[TILES];

static gboolean read_copy(void *data, int64_t index, uint8_t *rgb, GError **error)
{
    return read_tile(data, copy_of[index], rgb, error);
}

/* Tiles 0 .. 5 are of the patient who is held out; some tiles of other patients are copies of them. */
static void test_copies_of_held_out_images_teach_nothing(void)
{
    g_autoptr(GError) error = NULL;
    ModelSpec spec = tiny_spec();
    TileSet tiles = {.count = TILES, .read = read_copy, .group = patients};
    FitOptions options = {.threads = 2};
    char bytes[2][65];
    g_autofree char *path = file_in_folder("copies.safetensors");
    spec.epochs = 1;
    spec.holdout = 0.25;
    for (int i = 0; i < TILES; i++) {
        patients[i] = i < 6 ? "few" : "many";
        copy_of[i] = i == 10 || i == 17 ? 3 : i == 4 ? 2 : i == 20 ? 19 : i;
    }
    for (int i = 0; i < 2; i++) {
        options.threads = i + 1;
        g_autoptr(Model) model = model_fit(&spec, &tiles, &options, &error);
        g_assert_no_error(error);
        const Holdout *h = &model_calibration(model)->holdout;
        g_assert_cmpint(h->repeats_left_out, ==, 2);
        g_assert_cmpint(h->repeats_in_holdout, ==, 1);
        g_assert_cmpint(h->repeats_in_training, ==, 1);
        g_assert_true(model_save(model, path, bytes[i], NULL));
    }
    g_assert_cmpstr(bytes[0], ==, bytes[1]);
    for (int i = 6; i < TILES; i++) {
        copy_of[i] = 0;
    }
    g_assert_null(model_fit(&spec, &tiles, &options, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "copies of held-out"));
    g_unlink(path);
    model_spec_clear(&spec);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-bundle-XXXXXX", NULL);
    g_test_add_func("/bundle/numbers", test_numbers_that_cannot_be_are_refused);
    g_test_add_func("/bundle/released", test_released_weights_are_not_missed);
    g_test_add_func("/bundle/choices", test_choices_go_with_the_model);
    g_test_add_func("/bundle/doubts/few", test_few_tiles_are_not_trusted);
    g_test_add_func("/bundle/doubts/enough", test_enough_tiles_of_patients_are_trusted);
    g_test_add_func("/bundle/threshold", test_the_threshold_says_how_it_was_chosen);
    g_test_add_func("/bundle/copies", test_copies_of_held_out_images_teach_nothing);
    int status = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return status;
}

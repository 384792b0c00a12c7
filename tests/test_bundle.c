/* Numbers of a bundle that are indices, signs or divisors: what cannot be one is refused before it is used.  And a model that gives
 * its weights back. */
#include "tests/tiny_training.h"
#include "base/error.h"
#include <string.h>

/* Where the first number of a tensor lies in a safetensors file. */
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

/* Once its scorers exist a model may give its weights back: they go on, with the same scores; nothing else does. */
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

/* What "onednn-timed" measured goes with the model, so that all processes that score with it compute the same bytes. */
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-bundle-XXXXXX", NULL);
    g_test_add_func("/bundle/numbers", test_numbers_that_cannot_be_are_refused);
    g_test_add_func("/bundle/released", test_released_weights_are_not_missed);
    g_test_add_func("/bundle/choices", test_choices_go_with_the_model);
    int status = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return status;
}

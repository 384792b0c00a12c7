/* The same image in two splits is a leak; within one it is counted. */
#include "pipeline/patchset/repeated_images.h"
#include "base/error.h"
#include "tiler/tissue/quality.h"
#include <string.h>

static void add(GPtrArray *patches, const char *split, const char *slide, const char *sha256, unsigned flags)
{
    Patch *patch = g_new0(Patch, 1);
    patch->file = patchset_name(split, "good", slide, (int)patches->len, "png");
    patch->slide = g_strdup(slide);
    patch->split = g_strdup(split);
    patch->label = g_strdup("good");
    patch->flags = flags;
    g_strlcpy(patch->sha256, sha256, sizeof patch->sha256);
    g_ptr_array_add(patches, patch);
}

static void test_copies_within_a_split(void)
{
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    RepeatedImages repeats;
    g_autoptr(GError) error = NULL;
    add(patches, "train", "a", "11", 0);
    add(patches, "train", "b", "11", 0);
    add(patches, "train", "b", "22", 0);
    add(patches, "train", "a", "11", 0);
    add(patches, "test", "c", "33", QUALITY_BLUR);
    g_assert_true(repeated_images_of_patches(patches, &repeats, &error));
    g_assert_no_error(error);
    g_assert_cmpint(repeats.within_split, ==, 2);
    g_assert_cmpint(repeats.blank_across_splits + repeats.across_splits, ==, 0);
    g_autofree char *text = repeated_images_text(&repeats);
    g_assert_nonnull(strstr(text, "within a split: 2"));
}

static void test_copies_across_splits(void)
{
    static const char *const pairs[][2] = {
        {"train", "test"}, {"test", "train"}, {"train", "valid"}, {"valid", "test"}};
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
        g_autoptr(GError) error = NULL;
        RepeatedImages repeats;
        add(patches, pairs[i][0], "slide_a", "11", QUALITY_PEN);
        add(patches, "train", "slide_b", "22", 0);
        add(patches, pairs[i][1], "slide_c", "11", QUALITY_PEN);
        g_assert_false(repeated_images_of_patches(patches, &repeats, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "slide_a_000000.png"));
        g_assert_nonnull(strstr(error->message, "slide_c_000002.png"));
        for (guint p = 0; p < patches->len; p++) {
            ((Patch *)patches->pdata[p])->flags = QUALITY_BLANK; /* glass is alike everywhere */
        }
        g_assert_true(repeated_images_of_patches(patches, &repeats, NULL));
        g_assert_cmpint(repeats.blank_across_splits, ==, 1);
    }
}

static void test_nothing_to_say(void)
{
    RepeatedImages none = {0};
    g_assert_null(repeated_images_text(&none));
    repeated_images_of_json(NULL, &none);
    g_assert_cmpint(none.within_split + none.blank_across_splits + none.across_splits, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/repeats/within", test_copies_within_a_split);
    g_test_add_func("/repeats/across", test_copies_across_splits);
    g_test_add_func("/repeats/none", test_nothing_to_say);
    return g_test_run();
}

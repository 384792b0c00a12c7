/* Which specifications pyramid.h takes, and which files are BigTIFF. */
#include "tiler/pyramid/pyramid.h"
#include "base/error.h"
#include <math.h>
#include <string.h>
#include <glib/gstdio.h>

static char *folder;

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static gboolean feed_zero(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    memset(pixels, 0, (size_t)rows * *(size_t *)data);
    return TRUE;
}

/* BigTIFF is chosen by the largest possible size, not by the actual size. */
static void test_bigtiff(void)
{
    g_autofree char *path = path_of("big.tif");
    static const struct {
        int64_t width, height;
        char magic;
    } cases[] = {{4096, 4096, 42}, {18432, 18432, 43}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        size_t row_bytes = (size_t)cases[i].width * 3;
        PyramidSpec spec = {.layout = PYRAMID_OME,
                            .pixels = PYRAMID_RGB_JPEG,
                            .width = cases[i].width,
                            .height = cases[i].height,
                            .mpp_x = 1,
                            .mpp_y = 1,
                            .tile = 512,
                            .threads = 2};
        g_assert_true(pyramid_write(path, &spec, feed_zero, &row_bytes, NULL, &error));
        g_assert_no_error(error);
        g_autofree char *bytes = NULL;
        g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
        g_assert_cmpint(bytes[2], ==, cases[i].magic);
    }
}

static void test_bad_specs(void)
{
    g_autofree char *path = path_of("bad.tif");
    const PyramidSpec good = {.pixels = PYRAMID_LABEL, .width = 10, .height = 10, .mpp_x = 1, .mpp_y = 1};
    static const PyramidPlane plane = {"a plane", 0, PYRAMID_MEAN, FALSE};
    PyramidSpec bad[10];
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        bad[i] = good;
    }
    bad[0].width = 0;
    bad[1].height = -5;
    bad[2].mpp_x = 0;
    bad[3].mpp_y = NAN;
    bad[4].tile = 100;
    bad[5].quality = 101;
    bad[6].min_size = -1;
    bad[7].width = (int64_t)1 << 40;
    bad[8].planes = &plane; /* of masks */
    bad[8].plane_count = 1;
    bad[9].plane_count = 2;
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        size_t row_bytes = 10;
        g_assert_false(pyramid_write(path, &bad[i], feed_zero, &row_bytes, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "bad.tif"));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
    g_autoptr(Image) image = image_new(10, 9, 1, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_false(pyramid_write_image(path, &good, image, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-pyramid-XXXXXX", NULL);
    g_test_add_func("/pyramid/bigtiff", test_bigtiff);
    g_test_add_func("/pyramid/bad-specs", test_bad_specs);
    int failed = g_test_run();
    g_autofree char *path = path_of("big.tif");
    g_unlink(path);
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing else was left behind */
    g_free(folder);
    return failed;
}

/* A pyramid from parts of rows (PyramidSpec.part) equals the one from whole rows; what is drawn on reduced levels is there. */
#include "base/error.h"
#include "tiler/pyramid/pyramid.h"
#include "tiler/slide/slide.h"
#include <glib/gstdio.h>
#include <string.h>

/* A source that fills parts of its rows: a slanted band of 1 on 0, which reports constant parts without writing their pixels. */
enum { PARTS_WIDTH = 1000, PARTS_HEIGHT = 700 };
typedef struct {
    int64_t y;
    int rows;
    int constants; /* atomic */
} Parts;

static uint8_t parts_value(int64_t x, int64_t y)
{
    return x + y / 2 >= 500 && x + y / 2 < 1000;
}

static gboolean parts_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    Parts *parts = data;
    parts->y = y;
    parts->rows = rows;
    g_assert_null(pixels);
    return TRUE;
}

static gboolean parts_part(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                           GError **error)
{
    Parts *parts = data;
    int64_t ones = 0;
    for (int64_t i = 0; i < (int64_t)parts->rows * width; i++) {
        ones += parts_value(x + i % width, parts->y + i / width);
    }
    *constant = ones == 0 || ones == (int64_t)parts->rows * width;
    if (*constant) {
        *(uint8_t *)pixels = ones > 0;
        g_atomic_int_inc(&parts->constants);
        return TRUE;
    }
    for (int64_t i = 0; i < (int64_t)parts->rows * width; i++) {
        ((uint8_t *)pixels)[(size_t)(i / width) * stride + (size_t)(i % width)] =
            parts_value(x + i % width, parts->y + i / width);
    }
    return TRUE;
}

/* A part that cannot be made. */
static gboolean parts_lost(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                           GError **error)
{
    *(uint8_t *)pixels = 0;
    *constant = TRUE;
    return x != 640 || wsi_error_input(error, "row %d, column %d", (int)((Parts *)data)->y, (int)x);
}

static void test_error(void)
{
    PyramidSpec spec = {.pixels = PYRAMID_LABEL,
                        .width = PARTS_WIDTH,
                        .height = PARTS_HEIGHT,
                        .mpp_x = 1,
                        .mpp_y = 1,
                        .tile = 64,
                        .threads = 2,
                        .part = parts_lost};
    Parts parts = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("wsiflow-parts-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "mask.tif", NULL);
    g_assert_false(pyramid_write(path, &spec, parts_rows, &parts, NULL, &error));
    g_assert_cmpstr(error->message, ==, "row 0, column 640");
    /* Nothing is left. */
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

enum { DRAWN_WIDTH = 1024, DRAWN_HEIGHT = 512 };

/* Marks the pixel of the level that holds the middle of the image, as every level can show it. */
static void draw_middle(void *data, int level, int64_t x, int64_t y, int width, int rows, void *pixels,
                        size_t stride)
{
    int64_t column = (DRAWN_WIDTH / 2 >> level) - x, row = (DRAWN_HEIGHT / 2 >> level) - y;
    g_assert_cmpint(level, >, 0);
    if (column >= 0 && column < width && row >= 0 && row < rows) {
        memset((uint8_t *)pixels + (size_t)row * stride + (size_t)column * 3, 200 + level, 3);
    }
}

static gboolean black_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    memset(pixels, 0, (size_t)rows * DRAWN_WIDTH * 3);
    return TRUE;
}

static void test_draw(void)
{
    PyramidSpec spec = {.pixels = PYRAMID_RGB_LOSSLESS,
                        .width = DRAWN_WIDTH,
                        .height = DRAWN_HEIGHT,
                        .mpp_x = 1,
                        .mpp_y = 1,
                        .tile = 64,
                        .min_size = 128,
                        .threads = 2,
                        .draw = draw_middle};
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("wsiflow-parts-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "drawn.tif", NULL);
    g_assert_true(pyramid_write(path, &spec, black_rows, NULL, NULL, &error));
    g_assert_no_error(error);
    g_autoptr(Slide) slide = slide_open(path, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(slide_info(slide)->level_count, ==, 4);
    for (int k = 0; k < 4; k++) {
        g_autoptr(Image) pixel = image_new(1, 1, 3, NULL);
        g_assert_true(slide_read(slide, k, DRAWN_WIDTH / 2 >> k, DRAWN_HEIGHT / 2 >> k, pixel, NULL, &error));
        g_assert_cmpint(pixel->pixels[0], ==, k ? 200 + k : 0);
    }
    g_unlink(path);
    g_rmdir(folder);
}

static gboolean whole_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    for (int64_t i = 0; i < (int64_t)rows * DRAWN_WIDTH; i++) {
        ((uint8_t *)pixels)[i] = parts_value(i % DRAWN_WIDTH, y + i / DRAWN_WIDTH);
    }
    return TRUE;
}

static void test_parts(void)
{
    PyramidSpec spec = {.pixels = PYRAMID_LABEL,
                        .width = DRAWN_WIDTH,
                        .height = DRAWN_HEIGHT,
                        .mpp_x = 1,
                        .mpp_y = 1,
                        .tile = 64,
                        .min_size = 32,
                        .threads = 2};
    Parts parts = {0};
    char rows[65], columns[65];
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("wsiflow-parts-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "mask.tif", NULL);
    g_assert_true(pyramid_write(path, &spec, whole_rows, NULL, rows, &error));
    spec.part = parts_part;
    g_assert_true(pyramid_write(path, &spec, parts_rows, &parts, columns, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(rows, ==, columns);
    g_assert_cmpint(parts.constants, >, 50);
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pyramid/parts", test_parts);
    g_test_add_func("/pyramid/part_error", test_error);
    g_test_add_func("/pyramid/draw", test_draw);
    return g_test_run();
}

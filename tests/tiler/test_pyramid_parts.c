/* A pyramid from parts of rows (PyramidSpec.part) equals the one from whole rows. */
#include "tiler/pyramid/pyramid.h"
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
    memset(pixels, 77, (size_t)rows * PARTS_WIDTH); /* what is not written may be anything */
    return TRUE;
}

static gboolean parts_part(void *data, int64_t x, int width, void *pixels, size_t stride)
{
    Parts *parts = data;
    int64_t ones = 0;
    for (int64_t i = 0; i < (int64_t)parts->rows * width; i++) {
        ones += parts_value(x + i % width, parts->y + i / width);
    }
    if (ones == 0 || ones == (int64_t)parts->rows * width) {
        *(uint8_t *)pixels = ones > 0;
        g_atomic_int_inc(&parts->constants);
        return TRUE;
    }
    for (int64_t i = 0; i < (int64_t)parts->rows * width; i++) {
        ((uint8_t *)pixels)[(size_t)(i / width) * stride + (size_t)(i % width)] =
            parts_value(x + i % width, parts->y + i / width);
    }
    return FALSE;
}

static gboolean whole_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    for (int64_t i = 0; i < (int64_t)rows * PARTS_WIDTH; i++) {
        ((uint8_t *)pixels)[i] = parts_value(i % PARTS_WIDTH, y + i / PARTS_WIDTH);
    }
    return TRUE;
}

static void test_parts(void)
{
    PyramidSpec spec = {.pixels = PYRAMID_LABEL,
                        .width = PARTS_WIDTH,
                        .height = PARTS_HEIGHT,
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
    return g_test_run();
}

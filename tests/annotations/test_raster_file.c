/* The border of lesions as a file. */
#include "annotations/raster/raster.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <string.h>

static Annotation *random_annotation(int outlines)
{
    Annotation *annotation = g_new0(Annotation, 1);
    Rng rng = rng_at(7, (uint64_t)outlines, 0);
    annotation->path = g_strdup("made.xml");
    annotation->outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    annotation->warnings = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < outlines; i++) {
        double xy[12];
        for (int k = 0; k < 12; k++) {
            xy[k] = 100 * rng_uniform(&rng);
        }
        g_ptr_array_add(annotation->outlines,
                        outline_new("", "", i % 3 ? LABEL_LESION : LABEL_NOT_LESION, 6, xy));
    }
    return annotation;
}

/* Reading gives the same border: rows, fractions and areas are equal to the last bit; an incomplete file is refused. */
static void test_file(void)
{
    g_autofree char *folder = g_dir_make_tmp("wsiflow-raster-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "lesions.border", NULL), *bytes = NULL;
    gsize length;
    for (int round = 0; round < 3; round++) {
        Annotation *annotation = random_annotation(4 * round);
        g_autoptr(GError) error = NULL;
        g_autoptr(Raster) raster = raster_build(annotation, &error);
        g_assert_true(raster_write(raster, path, NULL, &error));
        g_autoptr(Raster) again = raster_read(path, &error);
        g_assert_no_error(error);
        g_assert_cmpfloat(raster_area(raster), ==, raster_area(again));
        g_autoptr(GArray) a = g_array_new(FALSE, FALSE, sizeof(int64_t));
        GArray *b = g_array_new(FALSE, FALSE, sizeof(int64_t));
        for (int y = -2; y < 102; y++) {
            Rect area = {y, y / 2.0, 17.3, 11};
            raster_row(raster, y, a);
            raster_row(again, y, b);
            g_assert_cmpmem(a->data, a->len * sizeof(int64_t), b->data, b->len * sizeof(int64_t));
            g_assert_cmpfloat(raster_fraction(raster, &area), ==, raster_fraction(again, &area));
        }
        g_array_unref(b);
        annotation_free(annotation);
    }
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize cut = 0; cut < length; cut += 1 + length / 7) {
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, bytes, (gssize)cut, NULL));
        g_assert_null(raster_read(path, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
    memset(bytes + 24, 0xff, 8); /* not a number */
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    g_assert_null(raster_read(path, NULL));
    g_unlink(path);
    g_autoptr(GError) absent = NULL;
    g_assert_null(raster_read(path, &absent));
    g_assert_error(absent, WSI_ERROR, WSI_ERROR_ABSENT);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raster-file/round trip", test_file);
    return g_test_run();
}

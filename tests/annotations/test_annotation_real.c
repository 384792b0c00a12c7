/* The annotations of Camelyon16 and 17, and files that ASAP saved. */
#include "annotations/read/annotation_read.h"
#include "annotations/write/annotation_write.h"
#include "tests/annotation_text.h"

static const char *data;

static char *in_data(const char *folder, const char *name)
{
    return g_build_filename(data, folder, name, NULL);
}

static Annotation *read_data(const char *folder, const char *name, const GroupRule *rules)
{
    g_autofree char *path = in_data(folder, name);
    g_autoptr(GError) error = NULL;
    Annotation *annotation = annotation_read(path, rules, 0, 0, &error);
    g_assert_no_error(error);
    return annotation;
}

/* Every file can be read, and the area of the region agrees with the areas of the outlines: at most the sum of the lesions (plus a thousandth for
 * self-crossings, where the shoelace formula subtracts parts), at least that sum minus the holes (less a hundredth for lesions that
 * overlap). */
static void check_folder(const char *folder, guint files)
{
    g_autofree char *path = in_data(folder, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_assert_nonnull(dir);
    guint count = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".xml")) {
            continue;
        }
        g_autoptr(Annotation) annotation = read_data(folder, name, camelyon_rules);
        double lesions = 0, holes = 0, area = region_area(annotation);
        for (guint i = 0; i < annotation->outlines->len; i++) {
            const Outline *outline = outline_at(annotation, i);
            *(outline->label == LABEL_LESION ? &lesions : &holes) += outline_area(outline);
        }
        g_assert_cmpfloat(area, >, 0);
        g_assert_cmpfloat(area, <=, lesions * 1.001);
        g_assert_cmpfloat(area, >=, lesions * 0.99 - holes);
        count++;
    }
    g_assert_cmpuint(count, ==, files);
}

static void test_files(void)
{
    check_folder("annotations/camelyon16", 55);
    check_folder("annotations/camelyon16_asap_saved", 5);
    check_folder("annotations/camelyon17", 1);
}

static void test_asap_shapes(void)
{
    static const GroupRule rules[] = {{"malignant", LABEL_LESION, NULL},
                                      {"benign", LABEL_NOT_LESION, NULL},
                                      {"cell", LABEL_NONE, NULL},
                                      {NULL, LABEL_NONE, NULL}};
    static const struct {
        const char *name;
        guint outlines;
    } files[] = {{"CMU-1_classification.xml", 5}, {"CMU-1_detection.xml", 24}, {"CMU-1_segmentation.xml", 4}};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(Annotation) annotation = read_data("annotations/asap_shapes", files[i].name, rules);
        g_assert_cmpuint(annotation->outlines->len, ==, files[i].outlines);
    }
}

static void test_known_counts(void)
{
    g_autoptr(Annotation) holes = read_data("annotations/camelyon16", "tumor_039.xml", camelyon_rules);
    g_autoptr(Annotation) long_one = read_data("annotations/camelyon16", "tumor_031.xml", camelyon_rules);
    int not_lesion = 0, longest = 0;
    for (guint i = 0; i < holes->outlines->len; i++) {
        not_lesion += outline_at(holes, i)->label == LABEL_NOT_LESION;
    }
    for (guint i = 0; i < long_one->outlines->len; i++) {
        longest = MAX(longest, outline_at(long_one, i)->points);
    }
    g_assert_cmpint(not_lesion, ==, 144);
    g_assert_cmpint(longest, >=, 18600); /* the file has 18,601, of which one repeats its predecessor */
    g_assert_cmpint(longest, <=, 18601);
    assert_warning(long_one, 0, "1 repeated point dropped");
}

static void test_tiles(void)
{
    g_autoptr(Annotation) annotation =
        read_data("annotations/camelyon17", "patient_004_node_4.xml", camelyon_rules);
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    static const struct {
        double x, y, fraction;
    } tiles[] = {{12597, 88778, 0.80}, {13092, 87057, 0.37}, {10626, 75345, 0.57},
                 {11126, 75845, 0},    {12297, 88478, 0},    {12792, 86757, 0}};
    for (guint i = 0; i < G_N_ELEMENTS(tiles); i++) {
        /* The exact area agrees with the count of pixels. */
        Rect tile = {tiles[i].x, tiles[i].y, 224, 224};
        g_autoptr(Image) mask = image_new(224, 224, 1, NULL);
        raster_fill(raster, &tile, mask);
        int pixels = 0;
        for (int p = 0; p < 224 * 224; p++) {
            pixels += mask->pixels[p] == 255;
        }
        double fraction = raster_fraction(raster, &tile);
        assert_near(fraction, tiles[i].fraction, 0.01);
        assert_near(fraction, pixels / (224. * 224), 0.002);
    }
}

static void test_slide(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = in_data("slides", "tumor_001_L5.xml");
    g_autofree char *full = in_data("annotations/camelyon16", "tumor_001.xml");
    g_autoptr(Annotation) small = annotation_read(path, camelyon_rules, 3056, 6912, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(small->outlines->len, ==, 2);
    g_assert_cmpint(outline_at(small, 0)->points, ==, 855);
    g_assert_cmpint(outline_at(small, 1)->points, ==, 1657);
    /* At level 0 the outlines are 32 times as large, so they do not belong to the small slide. */
    g_autoptr(Annotation) large = annotation_read(full, camelyon_rules, 97792, 221184, &error);
    g_assert_no_error(error);
    assert_near(region_area(small) * 1024 / region_area(large), 1, 1e-3);
    g_assert_null(annotation_read(full, camelyon_rules, 3056, 6912, &error));
    g_assert_nonnull(strstr(error->message, "entirely outside"));
}

static void test_masks_agree(void)
{
    /* The max-pooled mask at level 5 contains every lesion pixel, so its area is larger, by less than that of the pixels on the border. */
    g_autoptr(Annotation) annotation = read_data("annotations/camelyon16", "tumor_001.xml", camelyon_rules);
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    int width = 97792 / 32, height = 221184 / 32;
    g_autofree uint8_t *rows = g_malloc((size_t)width * 256);
    int64_t coarse = 0, fine = 0;
    double border = 0;
    for (int y = 0; y < height; y += 256) {
        raster_rows_max(raster, 32, y, 256, width, rows);
        for (int64_t i = 0; i < 256 * (int64_t)width; i++) {
            coarse += rows[i];
        }
    }
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int64_t y = 0; y < 221184; y++) {
        raster_row(raster, y, spans);
        for (guint i = 0; i < spans->len; i += 2) {
            fine += g_array_index(spans, int64_t, i + 1) - g_array_index(spans, int64_t, i);
        }
    }
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = outline_at(annotation, i);
        for (int p = 1; p < outline->points; p++) {
            border += hypot(outline->xy[2 * p] - outline->xy[2 * p - 2],
                            outline->xy[2 * p + 1] - outline->xy[2 * p - 1]);
        }
    }
    assert_near((double)fine, raster_area(raster), border);
    g_assert_cmpfloat((double)coarse * 1024, >=, (double)fine);
    g_assert_cmpfloat((double)coarse * 1024 - (double)fine, <=, 32 * 1.5 * border);
}

static void test_round_trips(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = in_directory("039.xml"), *json = in_directory("039.geojson");
    g_autoptr(Annotation) annotation = read_data("annotations/camelyon16", "tumor_039.xml", camelyon_rules);
    g_assert_true(asap_write(xml, annotation, NULL, &error));
    g_autoptr(Annotation) a = annotation_read(xml, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    assert_same_outlines(annotation, a);
    g_assert_true(geojson_write(json, annotation, NULL, &error));
    g_autoptr(Annotation) b = annotation_read(json, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    assert_near(region_area(b) / region_area(annotation), 1, 1e-12);
}

static void test_skipped(void)
{
    g_test_skip("set WSIFLOW_TEST_DATA to the folder of real data");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    data = g_getenv("WSIFLOW_TEST_DATA");
    if (!data || !*data) {
        g_test_add_func("/annotation/real", test_skipped);
        return g_test_run();
    }
    g_test_add_func("/annotation/real/all files", test_files);
    g_test_add_func("/annotation/real/shapes of ASAP", test_asap_shapes);
    g_test_add_func("/annotation/real/known counts", test_known_counts);
    g_test_add_func("/annotation/real/tiles", test_tiles);
    g_test_add_func("/annotation/real/slide", test_slide);
    g_test_add_func("/annotation/real/masks agree", test_masks_agree);
    g_test_add_func("/annotation/real/round trips", test_round_trips);
    return run_in_directory();
}

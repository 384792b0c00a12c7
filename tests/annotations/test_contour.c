/* Outlines of label rasters: exact areas, valid rings, and the same pixels after rasterising. */
#include "annotations/read/annotation_read.h"
#include "annotations/write/annotation_write.h"
#include "annotations/read/contour_annotation.h"
#include "base/rng.h"
#include "tests/annotation_text.h"

static const GroupRule rules[] = {{"1", LABEL_LESION, NULL}, {NULL, LABEL_NONE, NULL}};
static const GroupSpec labels_are = {.rules = rules};
static const SlideFrame nowhere = {.offset_x_nm = NAN, .offset_y_nm = NAN};

/* Row y of an image of characters; '#' is inside. */
static void feed(Contour *contour, const char *const *image, int rows)
{
    for (int y = 0; y < rows; y++) {
        int64_t spans[128];
        int sides = 0;
        for (int x = 0; x <= (int)strlen(image[y]); x++) {
            gboolean before = x > 0 && image[y][x - 1] == '#', here = image[y][x] == '#';
            if (before != here) {
                spans[sides++] = x;
            }
        }
        g_assert_true(contour_row(contour, y, spans, sides / 2, NULL));
    }
}

static Annotation *finish(Contour *contour, double scale)
{
    g_autoptr(GError) error = NULL;
    LabelContour label = {"1", contour};
    Annotation *annotation =
        contour_annotation("mask.tif", &label, 1, scale, scale, &labels_are, &nowhere, &error);
    g_assert_no_error(error);
    return annotation;
}

static Annotation *trace(const char *const *image, int rows)
{
    g_autoptr(Contour) contour = contour_new();
    feed(contour, image, rows);
    return finish(contour, 1);
}

static void test_rings(void)
{
    static const struct {
        const char *what, *image[6];
        guint outlines; /* lesions and holes */
        double area;
    } cases[] = {
        {"one pixel", {"#"}, 1, 1},
        {"a rectangle", {"", " ###", " ###"}, 1, 6},
        {"two pixels that touch at a corner are two polygons", {"# ", " #"}, 2, 2},
        {"the same the other way", {" #", "# "}, 2, 2},
        {"a hole", {"###", "# #", "###"}, 2, 8},
        {"an island in a hole", {"#####", "#   #", "# # #", "#   #", "#####"}, 3, 17},
        {"holes that touch at a corner", {"####", "# ##", "## #", "####"}, 3, 14},
        {"a hole that touches the outside at a corner", {"## ", "# #", "###"}, 2, 7},
        {"a bay that closes at a corner", {"###", "# #", "## ", "###"}, 2, 10},
        {"a U", {"# #", "# #", "###"}, 1, 7},
        {"an arch", {"###", "# #", "# #"}, 1, 7},
        {"two rows apart", {"##", "", "", "##"}, 2, 4},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        int rows = 0;
        while (rows < 6 && cases[i].image[rows]) {
            rows++;
        }
        g_autoptr(Annotation) annotation = trace(cases[i].image, rows);
        g_test_message("%s", cases[i].what);
        g_assert_cmpfloat(region_area(annotation), ==, cases[i].area);
        g_assert_cmpuint(annotation->outlines->len, ==, cases[i].outlines);
    }
}

static void test_corners_only(void)
{
    const char *image[] = {"######", "######", "######"};
    g_autoptr(Annotation) annotation = trace(image, 3);
    g_assert_cmpint(outline_at(annotation, 0)->points, ==, 4);
}

static void test_positions(void)
{
    /* A mask at a quarter of the resolution, far from the origin. */
    g_autoptr(Contour) contour = contour_new();
    const int64_t span[] = {1000, 1002};
    g_assert_true(contour_row(contour, 70000, span, 1, NULL));
    g_autoptr(Annotation) annotation = finish(contour, 4);
    const Outline *outline = outline_at(annotation, 0);
    double low = 1e9, high = 0;
    for (int i = 0; i < outline->points; i++) {
        low = MIN(low, outline->xy[2 * i + 1]);
        high = MAX(high, outline->xy[2 * i + 1]);
    }
    g_assert_cmpfloat(low, ==, 280000);
    g_assert_cmpfloat(high, ==, 280004);
    g_assert_cmpfloat(outline_area(outline), ==, 32);
}

/* Random pixels are the hardest case. */
static void random_mask(uint8_t *mask, int width, int height, Rng *rng)
{
    uint32_t limit = 1 + rng_below(rng, 9);
    for (int i = 0; i < width * height; i++) {
        mask[i] = rng_below(rng, 10) < limit;
    }
}

static Annotation *trace_mask(const uint8_t *mask, int width, int height)
{
    g_autoptr(Contour) contour = contour_new();
    int64_t spans[128];
    for (int y = 0; y < height; y++) {
        int sides = 0;
        for (int x = 0; x <= width; x++) {
            gboolean before = x > 0 && mask[y * width + x - 1], here = x < width && mask[y * width + x];
            if (before != here) {
                spans[sides++] = x;
            }
        }
        g_assert_true(contour_row(contour, y, spans, sides / 2, NULL));
    }
    return finish(contour, 1);
}

static void check_mask(const Annotation *annotation, const uint8_t *mask, int width, int height)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autofree uint8_t *rows = g_malloc((gsize)width * height);
    raster_rows_max(raster, 1, 0, height, width, rows);
    int area = 0;
    for (int i = 0; i < width * height; i++) {
        area += mask[i];
    }
    g_assert_cmpmem(rows, width * height, mask, width * height);
    assert_near(raster_area(raster), area,
                1e-9 * area); /* the slits to holes are slanted, so areas are rounded */
}

/* The number of 4-connected components, by flood fill. */
static int count_pieces(const uint8_t *mask, int width, int height)
{
    g_autofree uint8_t *left = g_memdup2(mask, (gsize)width * height);
    g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(int));
    int pieces = 0;
    for (int i = 0; i < width * height; i++) {
        pieces += left[i];
        for (int p = i; left[i] || todo->len;) {
            if (left[p]) {
                left[p] = 0;
                const int around[] = {p % width ? p - 1 : p, p % width < width - 1 ? p + 1 : p,
                                      p >= width ? p - width : p, p + width < width * height ? p + width : p};
                g_array_append_vals(todo, around, 4);
            }
            if (!todo->len) {
                break;
            }
            p = g_array_index(todo, int, todo->len - 1);
            g_array_set_size(todo, todo->len - 1);
        }
    }
    return pieces;
}

static void test_random_masks(void)
{
    Rng rng = rng_at(7, 0, 0);
    for (int round = 0; round < 300; round++) {
        int width = 1 + (int)rng_below(&rng, 40), height = 1 + (int)rng_below(&rng, 40);
        g_autofree uint8_t *mask = g_malloc((gsize)width * height);
        random_mask(mask, width, height, &rng);
        g_autoptr(Annotation) annotation = trace_mask(mask, width, height);
        check_mask(annotation, mask, width, height);
        int lesions = 0;
        for (guint i = 0; i < annotation->outlines->len; i++) {
            lesions += !outline_at(annotation, i)->hole;
        }
        g_assert_cmpint(lesions, ==, count_pieces(mask, width, height));
        if (round % 10 == 0) {
            /* The same after writing and reading, in both formats. */
            g_autofree char *xml = in_directory("mask.xml"), *json = in_directory("mask.geojson");
            g_assert_true(asap_write(xml, annotation, NULL, NULL));
            g_assert_true(geojson_write(json, annotation, NULL, NULL));
            g_autoptr(Annotation) from_xml = annotation_read(xml, camelyon_rules, 0, 0, NULL);
            g_autoptr(Annotation) from_json = annotation_read(json, camelyon_rules, 0, 0, NULL);
            check_mask(from_xml, mask, width, height);
            check_mask(from_json, mask, width, height);
        }
    }
}

static void test_unknown_label(void)
{
    g_autoptr(Contour) contour = contour_new();
    g_autoptr(GError) error = NULL;
    const int64_t span[] = {3, 5};
    g_assert_true(contour_row(contour, 8, span, 1, NULL));
    LabelContour label = {"7", contour};
    g_assert_null(contour_annotation("mask.tif", &label, 1, 1, 1, &labels_are, &nowhere, &error));
    g_assert_nonnull(strstr(error->message, "mask.tif:9: "));
    g_assert_nonnull(strstr(error->message, "\"7\""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/contour/rings", test_rings);
    g_test_add_func("/contour/vertices only where it turns", test_corners_only);
    g_test_add_func("/contour/positions", test_positions);
    g_test_add_func("/contour/random masks", test_random_masks);
    g_test_add_func("/contour/unknown label", test_unknown_label);
    return run_in_directory();
}

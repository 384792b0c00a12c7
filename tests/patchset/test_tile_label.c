/* Labels of tiles: the rules, the fractions of real tiles, and pixels against polygons for all real annotations. */
#include "annotations/read/annotation_read.h"
#include "annotations/raster/raster.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/patchset/tile_label.h"
#include "pipeline/slide/lesion_fractions.h"
#include <math.h>
#include <stdio.h>

static const char *data;

static TileLabel label(const char *rule, double least, double fraction, double centre)
{
    g_autoptr(GError) error = NULL;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *text = g_strdup_printf("dataset:\n  rule: %s\n  lesion_min: %s\n", rule,
                                            g_ascii_dtostr(number, sizeof number, least));
    g_autoptr(Config) config = config_parse(text, "test.yaml", &error);
    g_assert_no_error(error);
    return tile_label_by_rule(config, fraction, centre);
}

static void test_rules(void)
{
    static const struct {
        const char *rule;
        double least, fraction, centre;
        TileLabel label;
    } cases[] = {
        {"any", 0.1, 0, 0, TILE_GOOD},
        {"any", 0.1, 1e-9, 0, TILE_UNGOOD},
        {"fraction", 0.1, 0, 0, TILE_GOOD},
        {"fraction", 0.1, 0.0999, 0.3, TILE_AMBIGUOUS},
        {"fraction", 0.1, 0.1, 0, TILE_UNGOOD},
        {"fraction", 0, 1e-9, 0, TILE_UNGOOD}, /* as any */
        {"fraction", 1, 0.999, 1, TILE_AMBIGUOUS},
        {"fraction", 1, 1, 1, TILE_UNGOOD},
        {"centre", 0.1, 0, 0, TILE_GOOD},
        {"centre", 0.1, 0.7, 0, TILE_AMBIGUOUS}, /* only around the centre */
        {"centre", 0.1, 1e-6, 1e-6, TILE_UNGOOD},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(label(cases[i].rule, cases[i].least, cases[i].fraction, cases[i].centre), ==,
                        cases[i].label);
    }
    const Rect tile = {100, 200, 40, 60};
    Rect centre = lesion_fractions_centre(&tile);
    g_assert_cmpfloat(centre.x, ==, 110);
    g_assert_cmpfloat(centre.y, ==, 215);
    g_assert_cmpfloat(centre.width, ==, 20);
    g_assert_cmpfloat(centre.height, ==, 30);
}

/* What nobody has decided stays without a label; what a person says is normal is that. */
static void test_parts(void)
{
    static const struct {
        SlideUse use;
        LesionFraction tile;
        TileLabel label;
        gboolean hard;
    } cases[] = {
        {SLIDE_WHOLE, {0, 0, 0, 0}, TILE_GOOD, FALSE},
        {SLIDE_WHOLE, {0, 0, 0, 0.5}, TILE_GOOD, FALSE},
        {SLIDE_WHOLE, {0, 0, 0, 0.51}, TILE_AMBIGUOUS, FALSE},
        {SLIDE_WHOLE, {0, 0, 0.5, 0.5}, TILE_GOOD, TRUE},
        {SLIDE_WHOLE, {0, 0, 0.4, 0.6}, TILE_AMBIGUOUS, TRUE},
        {SLIDE_WHOLE, {0, 0, 0.09, 0}, TILE_GOOD, FALSE}, /* less than lesion_min of it */
        {SLIDE_WHOLE, {0.1, 0, 0, 0.9}, TILE_UNGOOD, FALSE},
        {SLIDE_WHOLE, {0.05, 0, 0.9, 0}, TILE_AMBIGUOUS, FALSE},
        {SLIDE_LESIONS_ONLY, {0, 0, 0.4, 0}, TILE_AMBIGUOUS, TRUE},
        {SLIDE_LESIONS_ONLY, {0, 0, 0.5, 0}, TILE_GOOD, TRUE},
    };
    g_autoptr(Config) config = config_default();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const SlideEntry entry = {.label = SLIDE_ANNOTATED, .use = cases[i].use};
        g_assert_cmpint(tile_label(config, &entry, &cases[i].tile), ==, cases[i].label);
        g_assert_cmpint(tile_is_hard(config, &cases[i].tile), ==, cases[i].hard);
    }
    const SlideEntry unknown = {.label = SLIDE_UNKNOWN};
    g_assert_cmpint(tile_label(config, &unknown, &cases[0].tile), ==, TILE_AMBIGUOUS);
}

static Annotation *read_data(const char *folder, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(data, folder, name, NULL);
    Annotation *annotation = annotation_read(path, camelyon_rules, 0, 0, &error);
    g_assert_no_error(error);
    return annotation;
}

/* Crops of a real slide that others made: the position is in the name, and so is what they took them for. */
static void test_real_tiles(void)
{
    static const struct {
        const char *name;
        double fraction;
        TileLabel by_centre;
    } known[] = {{"L0_x12597_y88778_224_cancer.png", 0.80, TILE_UNGOOD},
                 {"L0_x13092_y87057_224_cancer.png", 0.37, TILE_UNGOOD},
                 {"L0_x10626_y75345_224_cancer.png", 0.57, TILE_UNGOOD},
                 {"L0_x11126_y75845_224_noncancer.png", 0, TILE_GOOD},
                 {"L0_x12297_y88478_224_noncancer.png", 0, TILE_GOOD},
                 {"L0_x12792_y86757_224_noncancer.png", 0, TILE_GOOD}};
    g_autoptr(Annotation) annotation = read_data("annotations/camelyon17", "patient_004_node_4.xml");
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *path =
            g_build_filename(data, "patches/camelyon17_patient_004_node_4", known[i].name, NULL);
        g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
        int x, y, size;
        g_assert_cmpint(sscanf(known[i].name, "L0_x%d_y%d_%d", &x, &y, &size), ==, 3);
        const Rect tile = {x, y, size, size};
        const Rect inner = lesion_fractions_centre(&tile);
        double fraction = raster_fraction(raster, &tile), centre = raster_fraction(raster, &inner);
        g_assert_cmpfloat_with_epsilon(fraction, known[i].fraction, 0.01);
        gboolean cancer = g_str_has_suffix(known[i].name, "_cancer.png");
        g_assert_cmpint(label("any", 0, fraction, centre), ==, cancer ? TILE_UNGOOD : TILE_GOOD);
        g_assert_cmpint(label("fraction", 0.5, fraction, centre), ==,
                        fraction >= 0.5 ? TILE_UNGOOD
                        : cancer        ? TILE_AMBIGUOUS
                                        : TILE_GOOD);
        g_assert_cmpint(label("centre", 0, fraction, centre), ==, known[i].by_centre);
    }
}

static double length_of(const Annotation *annotation)
{
    double length = 0;
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        for (int p = 0; outline->closed && p < outline->points; p++) {
            int q = (p + 1) % outline->points;
            length += hypot(outline->xy[2 * q] - outline->xy[2 * p],
                            outline->xy[2 * q + 1] - outline->xy[2 * p + 1]);
        }
    }
    return length;
}

/* As pixels and as polygons an annotation has the same area, to a pixel along its border.  Returns the difference per px of border. */
static double compare_areas(const Annotation *annotation)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    double low = INFINITY, high = -INFINITY, pixels = 0;
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        for (int p = 0; p < outline->points; p++) {
            low = fmin(low, outline->xy[2 * p + 1]);
            high = fmax(high, outline->xy[2 * p + 1]);
        }
    }
    for (int64_t y = (int64_t)low - 1; y <= (int64_t)high + 1; y++) {
        raster_row(raster, y, spans);
        for (guint i = 0; i < spans->len; i += 2) {
            pixels += (double)(g_array_index(spans, int64_t, i + 1) - g_array_index(spans, int64_t, i));
        }
    }
    double length = length_of(annotation), difference = fabs(pixels - raster_area(raster));
    g_assert_cmpfloat(pixels, >, 0);
    g_assert_cmpfloat(difference, <=, length);
    return difference / length;
}

static void test_areas(void)
{
    static const struct {
        const char *folder;
        int files;
    } folders[] = {{"annotations/camelyon16", 55},
                   {"annotations/camelyon16_asap_saved", 5},
                   {"annotations/camelyon17", 1}};
    double worst = 0;
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(data, folders[i].folder, NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        int files = 0;
        for (const char *name; (name = g_dir_read_name(dir));) {
            if (g_str_has_suffix(name, ".xml")) {
                g_autoptr(Annotation) annotation = read_data(folders[i].folder, name);
                worst = fmax(worst, compare_areas(annotation));
                files++;
            }
        }
        g_assert_cmpint(files, ==, folders[i].files);
    }
    g_test_message("largest difference of area: %.4f px for each px of border", worst);
}

static void test_skipped(void)
{
    g_test_skip("set WSIFLOW_TEST_DATA to the folder of real data");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    data = g_getenv("WSIFLOW_TEST_DATA");
    gboolean real = data && *data;
    g_test_add_func("/tile labels/rules", test_rules);
    g_test_add_func("/tile labels/parts", test_parts);
    g_test_add_func("/tile labels/real tiles", real ? test_real_tiles : test_skipped);
    g_test_add_func("/tile labels/pixels and polygons of all annotations", real ? test_areas : test_skipped);
    return g_test_run();
}

/* Tissue without tuning: on any background, next to markers, and pale; and none where there is none. */
#include "tiler/tissue/tissue.h"
#include "tests/fixture_tiff.h"
#include "tiler/imagefile/imagefile.h"

enum { SIDE = 300 }; /* px of 8 um: 2.4 mm */
static const double MPP = 8;

typedef struct {
    double r, g, b;
} Ink;
static const Ink haematoxylin_eosin = {190, 150, 178}, eosin = {225, 140, 175}, pale = {241, 226, 236},
                 brown = {170, 130, 100}, blue_counterstain = {150, 155, 172};

static uint8_t byte(double value)
{
    return (uint8_t)CLAMP(value + 0.5, 0, 255);
}

/* A background of one grey with noise. */
static Image *background(double grey, uint64_t seed)
{
    Image *image = fixture_image(SIDE, SIDE, 3);
    Rng rng = rng_at(seed, 0, 0);
    for (size_t i = 0; i < image_bytes(image); i++) {
        image->pixels[i] = byte(grey + 2 * rng_normal(&rng));
    }
    return image;
}

/* Multiplies absorption into the image: the colours are those on white (245). */
static void stain(Image *image, int x, int y, Ink colour, Rng *rng)
{
    uint8_t *pixel = image->pixels + 3 * ((size_t)y * image->width + (size_t)x);
    const double on_white[3] = {colour.r, colour.g, colour.b};
    for (int c = 0; c < 3; c++) {
        pixel[c] = byte(pixel[c] * on_white[c] / 245 + 4 * rng_normal(rng));
    }
}

static void disc(Image *image, double cx, double cy, double radius, Ink colour)
{
    Rng rng = rng_at(9, (uint64_t)cx, (uint32_t)cy);
    for (int y = 0; y < image->height; y++) {
        for (int x = 0; x < image->width; x++) {
            if (hypot(x - cx, y - cy) < radius) {
                stain(image, x, y, colour, &rng);
            }
        }
    }
}

static void bar(Image *image, int x0, int y0, int x1, int y1, Ink colour)
{
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            uint8_t *pixel = image->pixels + 3 * ((size_t)y * image->width + (size_t)x);
            pixel[0] = (uint8_t)colour.r;
            pixel[1] = (uint8_t)colour.g;
            pixel[2] = (uint8_t)colour.b;
        }
    }
}

static Image *find(const Image *image, const Image *readable, double *pen)
{
    g_autoptr(GError) error = NULL;
    Image *mask = tissue_of_image(image, readable, MPP, NULL, pen, &error);
    g_assert_no_error(error);
    return mask;
}

static double fraction_of(const Image *mask)
{
    double count = 0;
    for (size_t i = 0; i < image_bytes(mask); i++) {
        count += mask->pixels[i] != 0;
    }
    return count / (double)image_bytes(mask);
}

/* Intersection over union with the disc. */
static double agreement(const Image *mask, double cx, double cy, double radius)
{
    double both = 0, either = 0;
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            gboolean a = mask->pixels[(size_t)y * mask->width + (size_t)x] != 0,
                     b = hypot(x - cx, y - cy) < radius;
            both += a && b;
            either += a || b;
        }
    }
    return both / either;
}

/* The same tissue is found on white and on greys, for every stain. */
static void test_backgrounds(void)
{
    static const double greys[] = {255, 243, 225, 200, 170};
    const struct {
        const char *name;
        Ink colour;
    } stains[] = {{"H&E", haematoxylin_eosin},
                  {"eosin", eosin},
                  {"pale", pale},
                  {"brown", brown},
                  {"blue", blue_counterstain}};
    for (size_t g = 0; g < G_N_ELEMENTS(greys); g++) {
        for (size_t s = 0; s < G_N_ELEMENTS(stains); s++) {
            double pen;
            g_autoptr(Image) image = background(greys[g], g);
            disc(image, 140, 160, 80, stains[s].colour);
            g_autoptr(Image) mask = find(image, NULL, &pen);
            double iou = agreement(mask, 140, 160, 80);
            if (iou < 0.95 || pen > 0) {
                g_test_message("%s on grey %.0f: agreement %.3f, pen %.3f", stains[s].name, greys[g], iou,
                               pen);
                g_test_fail();
            }
        }
    }
}

/* Glass, dirt, tint and shadow are not tissue. */
static void test_nothing(void)
{
    for (int k = 0; k < 6; k++) {
        double pen;
        g_autoptr(Image) image = background((double[]){255, 243, 220, 190, 240, 5}[k], (uint64_t)k);
        if (k == 4) { /* a warm lamp, a grey edge, black lines and dots */
            disc(image, 150, 150, 400, (Ink){245, 243, 239});
            bar(image, 0, 0, 300, 60, (Ink){205, 203, 200});
            bar(image, 20, 100, 280, 103, (Ink){40, 40, 42});
            disc(image, 100, 200, 9, (Ink){60, 60, 60});
        }
        g_autoptr(Image) mask = find(image, NULL, &pen);
        g_assert_cmpfloat(fraction_of(mask), ==, 0);
        g_assert_cmpfloat(pen, ==, 0);
    }
}

/* Unscanned black next to the tissue, up to two thirds of the slide, is not tissue and does not disturb. */
static void test_black(void)
{
    g_autoptr(Image) image = background(240, 1);
    disc(image, 220, 150, 50, haematoxylin_eosin);
    bar(image, 0, 0, 150, SIDE, (Ink){0, 0, 0});
    bar(image, 150, 0, SIDE, 60, (Ink){3, 2, 4});
    g_autoptr(Image) mask = find(image, NULL, NULL);
    g_assert_cmpfloat(agreement(mask, 220, 150, 50), >, 0.95);
}

/* Pixels without data are not tissue, whatever their colour, and do not affect their neighbours. */
static void test_no_data(void)
{
    g_autoptr(Image) image = background(240, 1), readable = fixture_image(SIDE, SIDE, 1);
    disc(image, 150, 150, 60, haematoxylin_eosin);
    bar(image, 0, 0, 40, SIDE, (Ink){200, 60, 140});
    for (int i = 0; i < SIDE * SIDE; i++) {
        readable->pixels[i] = i % SIDE < 40 ? 0 : 255;
    }
    g_autoptr(Image) mask = find(image, readable, NULL);
    g_assert_cmpfloat(agreement(mask, 150, 150, 60), >, 0.95);
}

static void test_pen(void)
{
    static const struct {
        const char *name;
        Ink colour;
    } pens[] = {{"green", {53, 165, 144}}, {"dark green", {23, 65, 68}}, {"blue", {63, 119, 204}},
                {"red", {196, 17, 18}},    {"dark red", {93, 22, 36}},   {"black", {60, 52, 58}}};
    for (size_t k = 0; k < G_N_ELEMENTS(pens); k++) {
        double pen;
        g_autoptr(Image) image = background(240, k);
        disc(image, 110, 150, 60, haematoxylin_eosin);
        bar(image, 220, 20, 250, 280, pens[k].colour);
        g_autoptr(Image) mask = find(image, NULL, &pen);
        double iou = agreement(mask, 110, 150, 60);
        if (iou < 0.95 || fabs(pen - 30.0 * 260 / (SIDE * SIDE)) > 0.01) {
            g_test_message("%s: agreement %.3f, pen %.3f of %.3f", pens[k].name, iou, pen,
                           30.0 * 260 / (SIDE * SIDE));
            g_test_fail();
        }
    }
}

/* Sizes are in um2: pieces and holes on both sides of the limits. */
static void test_sizes(void)
{
    const TissueOptions options = {.mpp = MPP, .min_area_um2 = 60000, .max_hole_um2 = 60000};
    g_autoptr(Image) image = background(240, 1);
    disc(image, 100, 100, 70, haematoxylin_eosin);
    disc(image, 240, 60, 20, haematoxylin_eosin);  /* 80000 um2: stays */
    disc(image, 240, 200, 13, haematoxylin_eosin); /* 34000 um2: goes */
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            if (hypot(x - 80, y - 100) < 13 ||
                hypot(x - 130, y - 100) < 22) { /* a hole that is filled, one that is not */
                memset(image->pixels + 3 * ((size_t)y * SIDE + (size_t)x), 240, 3);
            }
        }
    }
    g_autoptr(Image) mask = tissue_of_image(image, NULL, MPP, &options, NULL, NULL);
    static const struct {
        int x, y, expected;
    } points[] = {{60, 60, 255}, {240, 60, 255}, {240, 200, 0}, {80, 100, 255}, {130, 100, 0}, {290, 290, 0}};
    for (size_t k = 0; k < G_N_ELEMENTS(points); k++) {
        g_assert_cmpint(mask->pixels[points[k].y * SIDE + points[k].x], ==, points[k].expected);
    }
    const TissueOptions bad = {.mpp = 8, .min_area_um2 = -1};
    g_assert_null(tissue_of_image(image, NULL, MPP, &bad, NULL, NULL));
    g_assert_null(tissue_of_image(image, NULL, 0, NULL, NULL, NULL));
}

/* On a slide the mask covers all of level 0, separately in x and y, whatever level it is read from. */
static void test_slide(void)
{
    g_autofree char *folder = fixture_folder(), *path = g_build_filename(folder, "slide.tif", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image = fixture_constant(1500, 1203, 240, 240, 241);
    disc(image, 700, 600, 350, haematoxylin_eosin);
    fixture_write(path, &(FixtureSpec){.levels = 4, .tile = 256, .sparse_tile = 5}, image);
    for (int k = 0; k < 2; k++) {
        const SlideOptions given = {.mpp_x = 1, .mpp_y = 1.1};
        const TissueOptions options = {.mpp = k ? 8 : 5, .min_area_um2 = 20000, .max_hole_um2 = 90000};
        g_autoptr(Slide) slide = slide_open(path, &given, &error);
        g_assert_no_error(error);
        g_autoptr(Tissue) tissue = tissue_find(slide, &options, &error);
        g_assert_no_error(error);
        g_assert_cmpint(tissue->mask->width, ==, k ? 188 : 300);
        g_assert_cmpint(tissue->mask->height, ==, k ? 166 : 265); /* 1203 * 1.1 / 8 = 165.4 */
        g_assert_cmpfloat(tissue->scale_x, ==, 1500.0 / tissue->mask->width);
        g_assert_cmpfloat(tissue->scale_y, ==, 1203.0 / tissue->mask->height);
        g_assert_cmpint(tissue->overview->width, ==, tissue->mask->width);
        g_assert_cmpfloat_with_epsilon(tissue->tissue_fraction, M_PI * 350 * 350 / (1500 * 1203), 0.015);
        g_assert_cmpfloat(tissue->tissue_fraction, ==, fraction_of(tissue->mask));
        g_assert_cmpfloat(tissue->pen_fraction, ==, 0);
        g_assert_cmpfloat_with_epsilon(tissue->no_data_fraction, 0, 0.05);
        g_autoptr(Image) shown = tissue_image(tissue, &error);
        g_assert_no_error(error);
        g_assert_cmpint(shown->height, ==, tissue->mask->height);
    }
    g_autoptr(Slide) unknown = slide_open(path, NULL, NULL);
    g_assert_null(tissue_find(unknown, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    fixture_remove(g_steal_pointer(&folder));
}

static Tissue *find_on(const char *path, GPtrArray **warnings)
{
    g_autoptr(GError) error = NULL;
    const SlideOptions given = {.mpp_x = 1, .mpp_y = 1};
    const TissueOptions options = {.mpp = 8, .min_area_um2 = 20000, .max_hole_um2 = 90000};
    g_autoptr(Slide) slide = slide_open(path, &given, &error);
    g_assert_no_error(error);
    Tissue *tissue = tissue_find(slide, &options, &error);
    g_assert_no_error(error);
    *warnings = tissue_warnings(tissue);
    return tissue;
}

/* A damaged tile of the level that the overview is read from loses no tissue that a finer level shows; areas that no level shows are
 * reported. */
static void test_damaged_level(void)
{
    g_autofree char *folder = fixture_folder(), *path = g_build_filename(folder, "slide.tif", NULL);
    g_autoptr(Image) image = fixture_constant(2048, 2048, 240, 240, 241);
    disc(image, 1000, 1100, 700, haematoxylin_eosin);
    fixture_write(path, &(FixtureSpec){.levels = 4, .tile = 128, .compression = COMPRESSION_ADOBE_DEFLATE},
                  image);
    g_autoptr(GPtrArray) none = NULL, coarse_said = NULL, middle_said = NULL, all_said = NULL;
    g_autoptr(Tissue) intact = find_on(path, &none);
    g_assert_cmpuint(none->len, ==, 0);
    fixture_break_tile(path, 3, 1); /* of 2 x 2: a quarter of the slide */
    g_autoptr(Tissue) coarse = find_on(path, &coarse_said);
    g_assert_cmpfloat_with_epsilon(coarse->from_finer_fraction, 0.25, 1e-3);
    g_assert_cmpfloat(coarse->lost_fraction, ==, 0);
    g_assert_cmpfloat_with_epsilon(coarse->tissue_fraction, intact->tissue_fraction, 2e-3);
    g_assert_cmpuint(coarse_said->len, ==, 1);
    fixture_break_tile(path, 2, 3); /* the upper right of 4 x 4, within that quarter */
    g_autoptr(Tissue) middle = find_on(path, &middle_said);
    g_assert_cmpfloat_with_epsilon(middle->from_finer_fraction, 0.25, 1e-3);
    g_assert_cmpfloat_with_epsilon(middle->tissue_fraction, intact->tissue_fraction, 2e-3);
    fixture_break_tile(path, 1, 7);  /* 8 x 8 */
    fixture_break_tile(path, 0, 15); /* 16 x 16 */
    g_autoptr(Tissue) all = find_on(path, &all_said);
    g_assert_cmpfloat_with_epsilon(all->lost_fraction, 1 / 256.0, 1e-3);
    g_assert_cmpuint(all_said->len, ==, 2);
    g_assert_nonnull(strstr(all_said->pdata[1], "cannot be read at any level"));
    fixture_remove(g_steal_pointer(&folder));
}

/* Real images and what a person sees in them: ranges for the fractions of tissue and ink. */
static const struct {
    const char *file;
    double mpp, tissue[2], pen[2];
} seen[] = {
    {"histolab_fixtures/almost-white-1.png", 2, {0, 0}, {0, 0}},
    {"histolab_fixtures/almost-white-2.png", 2, {0.03, 0.09}, {0, 0}},
    {"histolab_fixtures/almost-white-ihc.png", 16, {0, 0}, {0, 0}},
    {"histolab_fixtures/no-tissue.png", 2, {0, 0}, {0, 0}},
    {"histolab_fixtures/no-tissue2.png", 2, {0, 0}, {0, 0}},
    {"histolab_fixtures/no-tissue-line.png", 2, {0, 0}, {0, 0.02}},
    {"histolab_fixtures/no-tissue-green-pen.png", 2, {0, 0}, {0.6, 0.9}},
    {"histolab_fixtures/medium-nuclei-score-green-pen-level1.png", 2, {0.3, 0.55}, {0.4, 0.6}},
    {"histolab_fixtures/tcga-green-pen.png", 2, {0.7, 0.85}, {0.12, 0.25}},
    {"histolab_fixtures/tcga-red-pen.png", 2, {0.6, 0.8}, {0.15, 0.3}},
    {"histolab_fixtures/wsi-blue-pen.png", 80, {0.3, 0.5}, {0.02, 0.05}},
    {"histolab_fixtures/diagnostic-slide-thumb-rgb.png", 40, {0.4, 0.62}, {0.1, 0.25}},
    {"histolab_fixtures/kidney-ihc-level0-330-480-380-510.png", 16, {0.3, 0.5}, {0, 0}},
    {"histolab_fixtures/kidney-ihc-level0-350-530-360-540.png", 16, {0.99, 1}, {0, 0}},
    {"histolab_fixtures/low-nuclei-score-level1.png", 2, {0.85, 1}, {0, 0}},
    {"histolab_fixtures/high-nuclei-score-level0.png", 0.5, {0.98, 1}, {0, 0}},
    {"histolab_fixtures/high-nuclei-score-level2.png", 4, {0.11, 0.2}, {0, 0}},
    {"histolab_fixtures/very-low-nuclei-score-level0.png", 0.5, {0.99, 1}, {0, 0}},
    {"histolab_fixtures/tissue-level2-1784-6289-5880-10386.png", 4, {0.7, 0.9}, {0, 0.01}},
    {"histolab_fixtures/liver-level2-20914-13715-21714-14515.png", 8, {0.12, 0.22}, {0, 0}},
    {"camelyon17_patient_004_node_4/level8_full_377x770_RGBA.png", 62, {0.08, 0.16}, {0, 0.005}},
};

static void test_real(void)
{
    const char *data = g_getenv("WSIFLOW_TEST_DATA");
    if (!data) {
        g_test_skip("WSIFLOW_TEST_DATA is not set: no real images examined");
        return;
    }
    for (size_t k = 0; k < G_N_ELEMENTS(seen); k++) {
        g_autofree char *path = g_build_filename(data, "patches", seen[k].file, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Image) image = imagefile_read(path, &error);
        g_assert_no_error(error);
        double pen;
        g_autoptr(Image) mask = tissue_of_image(image, NULL, seen[k].mpp, NULL, &pen, &error);
        g_assert_no_error(error);
        double fraction = fraction_of(mask);
        if (fraction < seen[k].tissue[0] || fraction > seen[k].tissue[1] || pen < seen[k].pen[0] ||
            pen > seen[k].pen[1]) {
            g_test_message("%s: tissue %.3f, pen %.3f", seen[k].file, fraction, pen);
            g_test_fail();
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tissue/any-background", test_backgrounds);
    g_test_add_func("/tissue/nothing-there", test_nothing);
    g_test_add_func("/tissue/black", test_black);
    g_test_add_func("/tissue/no-data", test_no_data);
    g_test_add_func("/tissue/pen", test_pen);
    g_test_add_func("/tissue/sizes", test_sizes);
    g_test_add_func("/tissue/slide", test_slide);
    g_test_add_func("/tissue/damaged-level", test_damaged_level);
    g_test_add_func("/tissue/real-images", test_real);
    return g_test_run();
}

/* Tiles: exact position and scale, the same pixels from every level, nothing from outside the slide. */
#include "tiler/cut/cut.h"
#include "tests/fixture_tiff.h"

typedef struct {
    char *folder, *path;
} SlideFile;

static void set_up(SlideFile *slide_file, gconstpointer unused)
{
    slide_file->folder = fixture_folder();
    slide_file->path = g_build_filename(slide_file->folder, "slide.tif", NULL);
}

static void tear_down(SlideFile *slide_file, gconstpointer unused)
{
    g_free(slide_file->path);
    fixture_remove(slide_file->folder);
}

static Slide *open_slide(const char *path, double mpp_x, double mpp_y)
{
    g_autoptr(GError) error = NULL;
    const SlideOptions options = {.mpp_x = mpp_x, .mpp_y = mpp_y};
    Slide *slide = slide_open(path, &options, &error);
    g_assert_no_error(error);
    return slide;
}

static double cut(Slide *slide, const CutSpec *spec, double x, double y, Image *rgb, Image *readable)
{
    g_autoptr(GError) error = NULL;
    double fraction = NAN;
    g_assert_true(cut_tile(slide, spec, x, y, rgb, readable, &fraction, &error));
    g_assert_no_error(error);
    return fraction;
}

/* At the slide's own resolution and whole pixels a tile is the slide. */
static void test_native(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(200, 150, 2), rgb = fixture_image(64, 64, 3),
                     readable = fixture_image(64, 64, 1);
    fixture_write(slide_file->path, &(FixtureSpec){.compression = COMPRESSION_NONE, .per_unit = 20000},
                  image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0, 0);
    for (Filter filter = FILTER_LANCZOS3; filter <= FILTER_BILINEAR; filter++) {
        const CutSpec spec = {64, 0.5, filter};
        g_assert_cmpfloat_with_epsilon(cut(slide, &spec, 31, 17, rgb, readable), 1, 1e-12);
        for (int y = 0; y < 64; y++) {
            g_assert_cmpmem(rgb->pixels + (size_t)y * 192, 192,
                            image->pixels + 3 * ((size_t)(17 + y) * 200 + 31), 192);
        }
        g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
    }
}

/* A slide of one colour gives tiles of that colour, also across borders and next to areas that were not scanned. */
static void test_constant(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_constant(300, 200, 143, 90, 171), rgb = fixture_image(32, 32, 3);
    g_autoptr(Image) readable = fixture_image(32, 32, 1), decoded = fixture_image(1, 1, 3);
    fixture_write(slide_file->path, &(FixtureSpec){.levels = 3, .per_unit = 40000, .sparse_tile = 7}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0, 0);
    g_assert_true(slide_read(slide, 0, 0, 0, decoded, NULL, NULL)); /* JPEG may be a level off */
    static const double mpps[] = {0.1, 0.25, 0.3331, 0.7};
    static const uint8_t white[3] = {255, 255, 255};
    int seen = 0, missing = 0;
    for (int m = 0; m < 4; m++) {
        const CutSpec spec = {32, mpps[m], m % 2 ? FILTER_LANCZOS3 : FILTER_AREA};
        for (double y = -40.3; y < 210; y += 30.7) {
            for (double x = -40.9; x < 310; x += 37.1) {
                double fraction = cut(slide, &spec, x, y, rgb, readable);
                g_assert_true(fraction >= 0 && fraction <= 1);
                for (int i = 0; i < 32 * 32; i++) {
                    gboolean there = readable->pixels[i] != 0;
                    g_assert_cmpmem(rgb->pixels + 3 * i, 3, there ? decoded->pixels : white, 3);
                    seen += there;
                    missing += !there;
                }
            }
        }
    }
    g_assert_cmpint(seen, >, 10000);
    g_assert_cmpint(missing, >, 10000);
}

/* readable_fraction is the area of the footprint on the slide, exact below a pixel; x and y have their own scale. */
static void test_fraction(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(200, 150, 2), rgb = fixture_image(50, 50, 3),
                     readable = fixture_image(50, 50, 1);
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0.25, 0.5);
    const CutSpec spec = {50, 0.4, FILTER_LANCZOS3};
    double width = 50 * 0.4 / 0.25, height = 50 * 0.4 / 0.5; /* 80 x 40 px of the slide */
    for (double y = -35.7; y < 150; y += 21.3) {
        for (double x = -70.2; x < 200; x += 33.9) {
            double over_x = MAX(0, MIN(x + width, 200) - MAX(x, 0)),
                   over_y = MAX(0, MIN(y + height, 150) - MAX(y, 0));
            int count = 0;
            g_assert_cmpfloat_with_epsilon(cut(slide, &spec, x, y, rgb, readable),
                                           over_x * over_y / (width * height), 1e-9);
            for (size_t i = 0; i < image_bytes(readable); i++) {
                count += readable->pixels[i] != 0;
            }
            g_assert_cmpfloat(fabs(count / 2500.0 - over_x * over_y / (width * height)), <, 0.03);
        }
    }
}

/* The position of a tile: a ramp of one grey level per pixel shows the position of each of its pixels, separately in x and y (within two
 * roundings: of the level and of the tile). */
static void test_position(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) ramp = fixture_image(220, 220, 3), rgb = fixture_image(40, 40, 3);
    for (int i = 0; i < 220 * 220; i++) {
        ramp->pixels[3 * i] = (uint8_t)(10 + i % 220);
        ramp->pixels[3 * i + 1] = (uint8_t)(10 + i / 220);
    }
    fixture_write(slide_file->path, &(FixtureSpec){.compression = COMPRESSION_NONE, .levels = 2}, ramp);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0.25, 0.26);
    static const double mpps[] = {0.3, 0.43, 0.613};
    for (int m = 0; m < 3; m++) {
        const CutSpec spec = {40, mpps[m], FILTER_LANCZOS3};
        double scale_x = mpps[m] / 0.25, scale_y = mpps[m] / 0.26;
        cut(slide, &spec, 40.37, 52.81, rgb, NULL);
        for (int i = 0; i < 1600; i++) {
            double x = 40.37 + (i % 40 + 0.5) * scale_x, y = 52.81 + (i / 40 + 0.5) * scale_y;
            g_assert_cmpfloat(fabs(rgb->pixels[3 * i] - (10 + x - 0.5)), <=, 1.01);
            g_assert_cmpfloat(fabs(rgb->pixels[3 * i + 1] - (10 + y - 0.5)), <=, 1.01);
        }
    }
}

static double mean_difference(const Image *a, const Image *b, int *most)
{
    int64_t sum = 0;
    *most = 0;
    for (size_t i = 0; i < image_bytes(a); i++) {
        *most = MAX(*most, abs(a->pixels[i] - b->pixels[i]));
        sum += abs(a->pixels[i] - b->pixels[i]);
    }
    return (double)sum / (double)image_bytes(a);
}

/* The stated tolerance: from a pyramid of 2 x 2 means and from level 0 a tile differs by less than 3 grey levels on average
 * and 16 at most, for an image with white noise (standard deviation 12) in every pixel, which is harsher than tissue. */
static void test_levels_agree(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(800, 600, 2), a = fixture_image(60, 60, 3),
                     b = fixture_image(60, 60, 3);
    g_autofree char *flat = g_build_filename(slide_file->folder, "flat.tif", NULL);
    fixture_write(slide_file->path, &(FixtureSpec){.compression = COMPRESSION_NONE, .levels = 4}, image);
    fixture_write(flat, &(FixtureSpec){.compression = COMPRESSION_NONE}, image);
    g_autoptr(Slide) pyramid = open_slide(slide_file->path, 0.25, 0.25),
                     single = open_slide(flat, 0.25, 0.25);
    static const double mpps[] = {0.5, 0.613, 0.8, 1.0, 1.7};
    for (int m = 0; m < 5; m++) {
        const CutSpec spec = {60, mpps[m], FILTER_LANCZOS3};
        int most, level = slide_best_level(pyramid, mpps[m] / 0.25);
        g_assert_cmpint(level, >=, 1);
        cut(pyramid, &spec, 33.3, 21.7, a, NULL);
        cut(single, &spec, 33.3, 21.7, b, NULL);
        double mean = mean_difference(a, b, &most);
        g_test_message("%.3f um/px from level %d: mean difference %.2f, largest %d", mpps[m], level, mean,
                       most);
        g_assert_cmpfloat(mean, <, 3);
        g_assert_cmpint(most, <=, 16);
    }
}

/* Real tissue: the same tile from level 1 and from level 0.  Level 1 of this file differs from the 2 x 2 means of level 0 by 5.3
 * grey levels on average (each went through JPEG at quality 80); a shift by one pixel would make that 13. */
static void test_levels_agree_real(void)
{
    const char *data = g_getenv("WSIFLOW_TEST_DATA");
    if (!data) {
        g_test_skip("WSIFLOW_TEST_DATA is not set: no real slide cut");
        return;
    }
    g_autofree char *path = g_build_filename(data, "slides", "tumor_001_L5_pyr.tif", NULL);
    g_autoptr(Slide) slide = open_slide(path, 0, 0);
    g_autoptr(Image) a = fixture_image(256, 256, 3), b = fixture_image(256, 256, 3),
                     source = fixture_image(700, 700, 3);
    const double mpp = slide_info(slide)->mpp_x, x = 1650.4, y = 3500.7;
    const CutSpec spec = {256, mpp * 2.3, FILTER_LANCZOS3};
    int most;
    g_assert_cmpint(slide_best_level(slide, 2.3), ==, 1);
    cut(slide, &spec, x, y, a, NULL);
    g_assert_true(slide_read(slide, 0, 1600, 3450, source, NULL, NULL));
    g_assert_true(
        resample(source, &(Rect){x - 1600, y - 3450, 256 * 2.3, 256 * 2.3}, FILTER_LANCZOS3, b, NULL));
    double mean = mean_difference(a, b, &most);
    g_test_message("real tissue: mean difference %.2f, largest %d", mean, most);
    g_assert_cmpfloat(mean, <, 6);
    g_assert_cmpint(most, <=, 64);
}

/* A tile does not depend on its neighbours: a region that is cut at once equals its tiles, within rounding. */
static void test_tiles_of_region(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(500, 400, 2), rgb = fixture_image(32, 32, 3),
                     whole = fixture_image(128, 96, 3);
    fixture_write(slide_file->path, &(FixtureSpec){.levels = 2}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0.25, 0.25);
    const CutSpec spec = {32, 0.8, FILTER_LANCZOS3};
    double side = 32 * 0.8 / 0.25;
    const Rect region = {-20.6, 13.2, 4 * side, 3 * side};
    g_assert_true(cut_region(slide, &region, FILTER_LANCZOS3, whole, NULL, NULL));
    for (int t = 0; t < 12; t++) {
        cut(slide, &spec, region.x + t % 4 * side, region.y + t / 4 * side, rgb, NULL);
        for (int i = 0; i < 32 * 32 * 3; i++) {
            int y = t / 4 * 32 + i / 96, x = t % 4 * 96 + i % 96;
            g_assert_cmpint(abs(rgb->pixels[i] - whole->pixels[y * 384 + x]), <=, 1);
        }
    }
}

/* An overview that needs more source pixels than the limit is cut in blocks, without seams. */
static void test_blocks(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(4200, 4100, 2), whole = fixture_image(700, 683, 3),
                     readable = fixture_image(700, 683, 1);
    g_autoptr(GError) error = NULL;
    fixture_write(slide_file->path, &(FixtureSpec){.tile = 512}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, 0.25, 0.25);
    g_autoptr(Image) decoded = fixture_image(4200, 4100, 3), expected = fixture_image(700, 683, 3);
    g_assert_true(cut_region(slide, &(Rect){0, 0, 4200, 4100}, FILTER_LANCZOS3, whole, readable, &error));
    g_assert_no_error(error);
    g_assert_true(slide_read(slide, 0, 0, 0, decoded, NULL, &error));
    g_assert_true(resample(decoded, &(Rect){0, 0, 4200, 4100}, FILTER_LANCZOS3, expected, &error));
    g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
    for (size_t i = 0; i < image_bytes(whole); i++) {
        g_assert_cmpint(abs(whole->pixels[i] - expected->pixels[i]), <=, 1);
    }
}

static void test_refusals(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(100, 80, 2), rgb = fixture_image(32, 32, 3),
                     grey = fixture_image(32, 32, 1);
    g_autoptr(GError) none = NULL, size = NULL, huge = NULL;
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    g_autoptr(Slide) unknown = open_slide(slide_file->path, 0, 0),
                     known = open_slide(slide_file->path, 0.5, 0.5);
    const CutSpec spec = {32, 0.5, FILTER_LANCZOS3};
    g_assert_false(cut_tile(unknown, &spec, 0, 0, rgb, NULL, NULL, &none));
    g_assert_error(none, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(none->message, "resolution"));
    g_assert_false(cut_tile(known, &spec, 0, 0, grey, NULL, NULL, &size));
    g_assert_error(size, WSI_ERROR, WSI_ERROR_INTERNAL);
    const CutSpec zoom = {32, 5000, FILTER_LANCZOS3};
    g_assert_false(cut_tile(known, &zoom, 0, 0, rgb, NULL, NULL, &huge));
    g_assert_error(huge, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_false(cut_tile(known, &spec, NAN, 0, rgb, NULL, NULL, NULL));
    g_assert_false(cut_tile(known, &(CutSpec){32, NAN, FILTER_AREA}, 0, 0, rgb, NULL, NULL, NULL));
    g_assert_false(cut_region(known, &(Rect){0, 0, 0, 5}, FILTER_AREA, rgb, NULL, NULL));
    g_assert_true(cut_tile(known, &spec, 1e12, -1e12, rgb, grey, NULL, NULL));
    g_assert_null(memchr(grey->pixels, 255, image_bytes(grey)));
}

#define ADD(name, function) g_test_add(name, SlideFile, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/cut/native", test_native);
    ADD("/cut/constant-stays-constant", test_constant);
    ADD("/cut/readable-fraction", test_fraction);
    ADD("/cut/sub-pixel-position", test_position);
    ADD("/cut/levels-agree", test_levels_agree);
    g_test_add_func("/cut/levels-agree-on-tissue", test_levels_agree_real);
    ADD("/cut/tiles-of-a-region", test_tiles_of_region);
    ADD("/cut/blocks-without-seams", test_blocks);
    ADD("/cut/refusals", test_refusals);
    return g_test_run();
}

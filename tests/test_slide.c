/* Slides: geometry, resolution, reads at and beyond borders, and what happens when something cannot be read. */
#include "tiler/slide.h"
#include "base/pool.h"
#include "tests/fixture_tiff.h"

typedef struct {
    char *folder, *path;
} Place;

static void set_up(Place *place, gconstpointer unused)
{
    place->folder = fixture_folder();
    place->path = g_build_filename(place->folder, "slide.tif", NULL);
}

static void tear_down(Place *place, gconstpointer unused)
{
    g_free(place->path);
    fixture_remove(place->folder);
}

static Slide *open_slide(const char *path, const SlideOptions *options)
{
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_open(path, options, &error);
    g_assert_no_error(error);
    return slide;
}

static void read_area(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *valid)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(slide_read(slide, level, x, y, rgb, valid, &error));
    g_assert_no_error(error);
}

static void assert_same(const Image *a, const Image *b)
{
    g_assert_cmpmem(a->pixels, image_bytes(a), b->pixels, image_bytes(b));
}

static const SlideOptions openslide_only = {.no_fast_path = TRUE};

/* ---- the fast path shows what OpenSlide shows ---- */

static void compare_paths(const char *path, gboolean fast_expected)
{
    g_autoptr(Slide) fast = open_slide(path, NULL), slow = open_slide(path, &openslide_only);
    const SlideInfo *info = slide_info(fast);
    g_assert_cmpint(info->fast_path, ==, fast_expected);
    g_assert_false(slide_info(slow)->fast_path);
    g_assert_cmpstr(info->fingerprint, ==, slide_info(slow)->fingerprint);
    for (int l = 0; l < info->level_count; l++) {
        int width = (int)info->levels[l].width, height = (int)info->levels[l].height;
        g_autoptr(Image) a = fixture_image(width + 8, height + 9, 3),
                         b = fixture_image(width + 8, height + 9, 3);
        g_autoptr(Image) va = fixture_image(width + 8, height + 9, 1),
                         vb = fixture_image(width + 8, height + 9, 1);
        read_area(fast, l, -3, -4, a, va);
        read_area(slow, l, -3, -4, b, vb);
        assert_same(a, b);
        assert_same(va, vb);
    }
    g_assert_cmpuint(slide_bad_areas(fast)->len + slide_bad_areas(slow)->len, ==, 0);
}

static void test_same_pixels(Place *place, gconstpointer unused)
{
    static const struct {
        FixtureSpec spec;
        gboolean fast;
    } cases[] = {
        {{.levels = 3}, TRUE},
        {{.levels = 2, .subsampling = 1, .tile = 128}, TRUE},
        {{.levels = 2, .photometric = PHOTOMETRIC_RGB}, TRUE},
        {{.levels = 3, .big = TRUE, .tile = 48}, TRUE},
        {{.levels = 2, .compression = COMPRESSION_LZW}, FALSE},
        {{.levels = 2, .compression = COMPRESSION_NONE}, FALSE},
        {{.levels = 2, .description = "Aperio Image Library v11.2.1\r\n40x|AppMag = 40|MPP = 0.2500"}, TRUE},
    };
    g_autoptr(Image) image = fixture_texture(413, 301, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        fixture_write(place->path, &cases[i].spec, image);
        compare_paths(place->path, cases[i].fast);
    }
}

static void test_real_slides(void)
{
    static const char *const names[] = {"CMU-1-Small-Region.svs", "tumor_001_L5_pyr.tif",
                                        "slaid_test_e25b.tif"};
    const char *data = g_getenv("WSIFLOW_TEST_DATA");
    if (!data) {
        g_test_skip("WSIFLOW_TEST_DATA is not set: no real slides compared");
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(data, "slides", names[i], NULL);
        compare_paths(path, TRUE);
    }
    g_autofree char *path = g_build_filename(data, "slides", "CMU-1-Small-Region.svs", NULL);
    g_autoptr(Slide) slide = open_slide(path, NULL);
    g_assert_cmpfloat(slide_info(slide)->mpp_x, ==, 0.499);
    g_assert_cmpint(slide_info(slide)->mpp_source, ==, MPP_FILE);
    g_assert_cmpfloat(slide_info(slide)->objective, ==, 20);
    g_assert_cmpstr(slide_info(slide)->vendor, ==, "aperio");
}

/* ---- borders ---- */

static void test_borders(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(150, 100, 5);
    fixture_write(place->path, &(FixtureSpec){.compression = COMPRESSION_NONE}, image);
    g_autoptr(Slide) slide = open_slide(place->path, NULL);
    static const int64_t corners[][2] = {
        {-20, -10}, {140, 90}, {-7, 95}, {149, -39},          {60, 60},
        {-40, 0},   {150, 0},  {0, 100}, {G_MAXINT64 / 2, 0}, {0, G_MININT64 / 2}};
    for (size_t k = 0; k < G_N_ELEMENTS(corners); k++) {
        int64_t x0 = corners[k][0], y0 = corners[k][1];
        g_autoptr(Image) rgb = fixture_image(40, 40, 3), valid = fixture_image(40, 40, 1);
        read_area(slide, 0, x0, y0, rgb, valid);
        for (int i = 0; i < 40 * 40; i++) {
            int64_t x = x0 + i % 40, y = y0 + i / 40;
            gboolean inside = x >= 0 && x < 150 && y >= 0 && y < 100;
            g_assert_cmpint(valid->pixels[i], ==, inside ? 255 : 0);
            for (int c = 0; c < 3; c++) {
                g_assert_cmpint(rgb->pixels[3 * i + c], ==,
                                inside ? image->pixels[3 * (y * 150 + x) + c] : 255);
            }
        }
    }
    g_autoptr(Image) rgb = fixture_image(4, 4, 3);
    g_autoptr(GError) error = NULL;
    g_assert_false(slide_read(slide, 1, 0, 0, rgb, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
}

/* ---- resolution ---- */

static void assert_mpp(const char *path, const SlideOptions *options, MppSource source, double x, double y)
{
    g_autoptr(Slide) slide = open_slide(path, options);
    g_assert_cmpstr(mpp_source_name(slide_info(slide)->mpp_source), ==, mpp_source_name(source));
    g_assert_cmpfloat_with_epsilon(slide_info(slide)->mpp_x, x, 1e-6 * x + 1e-12);
    g_assert_cmpfloat_with_epsilon(slide_info(slide)->mpp_y, y, 1e-6 * y + 1e-12);
}

static void test_mpp(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    fixture_write(place->path, &(FixtureSpec){.per_unit = 40000}, image);
    assert_mpp(place->path, NULL, MPP_TIFF_TAGS, 0.25, 0.25);
    assert_mpp(place->path, &(SlideOptions){.mpp_x = 0.3, .mpp_y = 0.4}, MPP_OVERRIDE, 0.3, 0.4);
    assert_mpp(place->path, &(SlideOptions){.mpp_y = 0.4}, MPP_OVERRIDE, 0.25, 0.4);
    fixture_write(place->path, &(FixtureSpec){.per_unit = 50800, .unit = RESUNIT_INCH}, image);
    assert_mpp(place->path, NULL, MPP_TIFF_TAGS, 0.5, 0.5);
    fixture_write(place->path, &(FixtureSpec){.per_unit = 40000, .unit = RESUNIT_NONE}, image);
    assert_mpp(place->path, NULL, MPP_NONE, 0, 0);
    fixture_write(place->path, &(FixtureSpec){.per_unit = 72, .unit = RESUNIT_INCH},
                  image); /* what editors write */
    assert_mpp(place->path, NULL, MPP_NONE, 0, 0);
    fixture_write(place->path, &(FixtureSpec){0}, image);
    assert_mpp(place->path, NULL, MPP_NONE, 0, 0);
    assert_mpp(place->path, &(SlideOptions){.use_objective = TRUE}, MPP_NONE, 0, 0);
    assert_mpp(place->path, &(SlideOptions){.mpp_x = 0.4}, MPP_OVERRIDE, 0.4, 0.4);
    for (int k = 0; k < 3; k++) {
        const SlideOptions bad = {.mpp_x = (double[]){-1, NAN, INFINITY}[k], .mpp_y = 1};
        g_autoptr(GError) error = NULL;
        g_assert_null(slide_open(place->path, &bad, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
}

static void test_aperio_mpp(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    fixture_write(
        place->path,
        &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20|MPP = 0.4990", .per_unit = 40000},
        image);
    assert_mpp(place->path, NULL, MPP_FILE, 0.499, 0.499);
    fixture_write(place->path, &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20"}, image);
    assert_mpp(place->path, NULL, MPP_NONE, 0, 0);
    assert_mpp(place->path, &(SlideOptions){.use_objective = TRUE}, MPP_OBJECTIVE, 0.5, 0.5);
    /* An Aperio slide's resolution tags are those of its thumbnail program: not used. */
    fixture_write(place->path,
                  &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20", .per_unit = 40000}, image);
    assert_mpp(place->path, NULL, MPP_NONE, 0, 0);
}

/* ---- levels ---- */

/* OpenSlide says 2.0066 for 301 / 150 and 4.03; the true factors are 2, 4 and 8. */
static void test_downsamples(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(301, 251, 5);
    fixture_write(place->path, &(FixtureSpec){.levels = 5, .tile = 16}, image);
    g_autoptr(Slide) slide = open_slide(place->path, NULL);
    const SlideInfo *info = slide_info(slide);
    g_assert_cmpint(info->level_count, ==, 5);
    for (int l = 0; l < 5; l++) {
        g_assert_cmpfloat(info->levels[l].downsample_x, ==, 1 << l);
        g_assert_cmpfloat(info->levels[l].downsample_y, ==, 1 << l);
    }
    static const struct {
        double scale;
        int level;
    } best[] = {{0.3, 0}, {1, 0}, {1.99, 0}, {1.9999, 1}, {2, 1},
                {3.9, 1}, {4, 2}, {7.5, 2},  {8, 3},      {1000, 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(best); i++) {
        g_assert_cmpint(slide_best_level(slide, best[i].scale), ==, best[i].level);
    }
    g_assert_cmpfloat(info->bounds.width, ==, 301);
    g_assert_cmpfloat(info->bounds.height, ==, 251);
}

/* ---- levels that the DCT gives ---- */

/* Mean difference between the level and the means of scale x scale px of level 0. */
static double differs_from_means(Slide *slide, int level, int scale)
{
    const SlideLevel *geometry = &slide_info(slide)->levels[level], *whole = &slide_info(slide)->levels[0];
    g_autoptr(Image) small = fixture_image((int)geometry->width, (int)geometry->height, 3);
    g_autoptr(Image) large = fixture_image((int)whole->width, (int)whole->height, 3);
    g_autoptr(Image) valid = fixture_image(small->width, small->height, 1);
    double sum = 0;
    read_area(slide, level, 0, 0, small, valid);
    read_area(slide, 0, 0, 0, large, NULL);
    g_assert_null(memchr(valid->pixels, 0, image_bytes(valid)));
    for (size_t i = 0; i < image_bytes(small); i++) {
        int x = (int)(i / 3) % small->width * scale, y = (int)(i / 3) / small->width * scale, mean = 0;
        for (int k = 0; k < scale * scale; k++) {
            mean +=
                large->pixels[3 * ((size_t)(y + k / scale) * large->width + (size_t)(x + k % scale)) + i % 3];
        }
        sum += fabs(small->pixels[i] - (double)mean / (scale * scale));
    }
    return sum / (double)image_bytes(small);
}

static void test_scaled_levels(Place *place, gconstpointer unused)
{
    const SlideOptions options = {.dct_levels = TRUE};
    g_autoptr(Image) image = fixture_texture(413, 301, 3);
    fixture_write(place->path, &(FixtureSpec){0}, image);
    g_autoptr(Slide) plain = open_slide(place->path, NULL), slide = open_slide(place->path, &options);
    const SlideInfo *info = slide_info(slide);
    g_assert_cmpstr(info->fingerprint, ==, slide_info(plain)->fingerprint);
    g_assert_cmpint(info->level_count, ==, 4);
    for (int l = 1; l < 4; l++) {
        int scale = 1 << l;
        g_assert_true(info->levels[l].scaled);
        g_assert_cmpint(info->levels[l].width, ==, 413 / scale);
        g_assert_cmpint(info->levels[l].height, ==, 301 / scale);
        g_assert_cmpfloat(info->levels[l].downsample_x, ==, scale);
        g_assert_cmpint(slide_best_level(slide, scale + 0.5), ==, l);
        double difference = differs_from_means(slide, l, scale);
        g_test_message("1/%d by the DCT: mean difference %.2f from means of pixels", scale, difference);
        g_assert_cmpfloat(difference, <, 2.5);
    }
    /* Stored levels keep their numbers, and only gaps are filled: 1 4 | 2 8 16 32. */
    static const int expected[] = {1, 4, 2, 8, 16, 32};
    g_autoptr(Image) large = fixture_texture(1600, 800, 3), half = fixture_halve(large, TRUE),
                     quarter = fixture_halve(half, TRUE);
    TIFF *tiff = TIFFOpen(place->path, "w");
    fixture_directory(tiff, &(FixtureSpec){0}, large, 0);
    fixture_directory(tiff, &(FixtureSpec){0}, quarter, 1);
    TIFFClose(tiff);
    g_autoptr(Slide) gaps = open_slide(place->path, &options);
    g_assert_cmpint(slide_info(gaps)->level_count, ==, 6);
    for (int l = 0; l < 6; l++) {
        g_assert_cmpfloat(slide_info(gaps)->levels[l].downsample_x, ==, expected[l]);
        g_assert_cmpint(slide_info(gaps)->levels[l].scaled, ==, l >= 2);
    }
}

/* Which stored tile is bad is said once, whatever levels it was read for. */
static void test_scaled_bad(Place *place, gconstpointer unused)
{
    const SlideOptions options = {.dct_levels = TRUE};
    g_autoptr(Image) image = fixture_texture(413, 301, 3), rgb = fixture_image(60, 60, 3),
                     valid = fixture_image(60, 60, 1);
    fixture_write(place->path, &(FixtureSpec){0}, image);
    fixture_break_tile(place->path, 0, 8); /* of 7 columns: 64.. x 64.. */
    g_autoptr(Slide) slide = open_slide(place->path, &options);
    for (int l = 0; l < 3; l++) {
        read_area(slide, l, 0, 0, rgb, valid);
    }
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 1);
    const BadArea *area = slide_bad_areas(slide)->pdata[0];
    g_assert_true(area->level == 0 && area->x == 64 && area->y == 64 && area->width == 64);
    for (int i = 0; i < 3600; i++) {
        gboolean lost = i % 60 >= 16 && i % 60 < 32 && i / 60 >= 16 && i / 60 < 32;
        g_assert_cmpint(valid->pixels[i], ==, lost ? 0 : 255);
    }
}

/* ---- unreadable parts ---- */

/* Reads the whole level in pieces of `side` px at an odd offset and checks what is and is not there. */
static void assert_lost_tiles(Slide *slide, const Image *expected, int tile, const int *lost, int n, int side,
                              int tolerance)
{
    for (int y = -5; y < expected->height; y += side) {
        for (int x = -7; x < expected->width; x += side) {
            g_autoptr(Image) rgb = fixture_image(side, side, 3), valid = fixture_image(side, side, 1);
            read_area(slide, 0, x, y, rgb, valid);
            for (int i = 0; i < side * side; i++) {
                int px = x + i % side, py = y + i / side, columns = (expected->width + tile - 1) / tile;
                gboolean there = px >= 0 && py >= 0 && px < expected->width && py < expected->height;
                for (int k = 0; there && k < n; k++) {
                    there = py / tile * columns + px / tile != lost[k];
                }
                g_assert_cmpint(valid->pixels[i], ==, there ? 255 : 0);
                for (int c = 0; c < 3; c++) {
                    int want = there ? expected->pixels[3 * ((size_t)py * expected->width + px) + c] : 255;
                    g_assert_cmpint(abs(rgb->pixels[3 * i + c] - want), <=, there ? tolerance : 0);
                }
            }
        }
    }
}

static void assert_bad_areas(const Slide *slide, int tile, const int *lost, int n, int width, int height)
{
    const GPtrArray *areas = slide_bad_areas(slide);
    int columns = (width + tile - 1) / tile;
    g_assert_cmpuint(areas->len, ==, (guint)n);
    for (int k = 0; k < n; k++) {
        const BadArea *area = areas->pdata[k];
        g_assert_cmpint(area->level, ==, 0);
        g_assert_cmpint(area->x, ==, lost[k] % columns * tile);
        g_assert_cmpint(area->y, ==, lost[k] / columns * tile);
        g_assert_cmpint(area->width, ==, MIN(tile, width - area->x));
        g_assert_cmpint(area->height, ==, MIN(tile, height - area->y));
        g_assert_nonnull(area->reason);
    }
}

/* OpenSlide's error is sticky for a handle: only the bad tiles may be lost, whatever is read and in which pieces. */
static void test_bad_tiles_openslide(Place *place, gconstpointer unused)
{
    static const int lost[] = {3, 8, 23};
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    fixture_write(place->path, &(FixtureSpec){.compression = COMPRESSION_ADOBE_DEFLATE}, image);
    for (int k = 0; k < 3; k++) {
        fixture_break_tile(place->path, 0, lost[k]);
    }
    for (int side = 23; side < 500; side += 150) {
        g_autoptr(Slide) slide = open_slide(place->path, NULL);
        g_assert_false(slide_info(slide)->fast_path);
        assert_lost_tiles(slide, image, 64, lost, 3, side, 0);
        assert_bad_areas(slide, 64, lost, 3, 390, 250);
    }
}

static void test_bad_tiles_fast(Place *place, gconstpointer unused)
{
    static const int lost[] = {0, 8, 23}; /* the first too: it may not put the slide off the fast path */
    g_autoptr(Image) image = fixture_texture(390, 250, 5), decoded = fixture_image(390, 250, 3);
    fixture_write(place->path, &(FixtureSpec){.tile = 64}, image);
    g_autoptr(Slide) sound = open_slide(place->path, &openslide_only);
    read_area(sound, 0, 0, 0, decoded, NULL);
    for (int k = 0; k < 3; k++) {
        fixture_break_tile(place->path, 0, lost[k]);
    }
    for (int side = 23; side < 500; side += 150) {
        g_autoptr(Slide) slide = open_slide(place->path, NULL);
        g_assert_true(slide_info(slide)->fast_path);
        assert_lost_tiles(slide, decoded, 64, lost, 3, side, 0);
        assert_bad_areas(slide, 64, lost, 3, 390, 250);
    }
}

/* Damage in the middle of the stream: decoders would show grey or shifted blocks. */
static void test_damaged_stream(Place *place, gconstpointer unused)
{
    uint64_t offset, bytes;
    const uint8_t end[4] = {0xff, 0xd9, 0xff, 0xd9};
    g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3),
                     valid = fixture_image(200, 120, 1);
    fixture_write(place->path, &(FixtureSpec){.tile = 64}, image);
    fixture_tile_place(place->path, 0, 5, &offset, &bytes);
    fixture_patch(place->path, offset + bytes / 2, end, sizeof end);
    g_autoptr(Slide) slide = open_slide(place->path, NULL);
    read_area(slide, 0, 0, 0, rgb, valid);
    assert_bad_areas(slide, 64, (const int[]){5}, 1, 200, 120);
    g_assert_cmpint(valid->pixels[70 * 200 + 70], ==, 0);
    g_assert_cmpint(valid->pixels[60 * 200 + 70], ==, 255);
}

static void test_too_many_bad(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(160, 160, 5), rgb = fixture_image(160, 160, 3);
    g_autoptr(GError) error = NULL;
    fixture_write(place->path, &(FixtureSpec){.tile = 16, .compression = COMPRESSION_ADOBE_DEFLATE}, image);
    for (int t = 0; t < 100; t++) {
        fixture_break_tile(place->path, 0, t);
    }
    g_autoptr(Slide) slide = open_slide(place->path, NULL);
    /* Tiles below 64 px are salvaged in blocks of 256 px: one bad block. */
    read_area(slide, 0, 0, 0, rgb, NULL);
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 1);

    g_autoptr(Image) large = fixture_texture(640, 640, 5), large_rgb = fixture_image(640, 640, 3);
    fixture_write(place->path, &(FixtureSpec){.tile = 64, .compression = COMPRESSION_ADOBE_DEFLATE}, large);
    for (int t = 0; t < 100; t++) {
        fixture_break_tile(place->path, 0, t);
    }
    g_autoptr(Slide) hopeless = open_slide(place->path, NULL);
    g_assert_false(slide_read(hopeless, 0, 0, 0, large_rgb, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, place->path));
    g_assert_nonnull(strstr(error->message, "more than 64 areas"));
}

/* Tiles of zero bytes are parts that were never scanned: no data, and no error. */
static void test_sparse(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3),
                     valid = fixture_image(200, 120, 1);
    fixture_write(place->path, &(FixtureSpec){.sparse_tile = 2}, image);
    g_autoptr(Slide) slide = open_slide(place->path, NULL);
    g_assert_true(slide_info(slide)->fast_path);
    read_area(slide, 0, 0, 0, rgb, valid);
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 0);
    for (int i = 0; i < 200 * 120; i++) {
        gboolean there = !(i % 200 >= 128 && i % 200 < 192 && i / 200 < 64);
        g_assert_cmpint(valid->pixels[i], ==, there ? 255 : 0);
        g_assert_true(there || rgb->pixels[3 * i] == 255);
    }
    /* OpenSlide would paint a missing tile of an Aperio slide from another level: left to it. */
    fixture_write(place->path, &(FixtureSpec){.sparse_tile = 2, .description = "Aperio Image\r\nx|MPP = 0.5"},
                  image);
    g_autoptr(Slide) aperio = open_slide(place->path, NULL);
    g_assert_false(slide_info(aperio)->fast_path);
    read_area(aperio, 0, 0, 0, rgb, valid);
    g_assert_cmpint(valid->pixels[150], ==, 0);
}

/* ---- threads ---- */

typedef struct {
    Slide *slide;
    const Image *expected;
    int lost_x, lost_y;
} Crowd;

static gboolean read_and_compare(int64_t index, int worker, void *data, GError **error)
{
    const Crowd *crowd = data;
    Rng rng = rng_at(3, (uint64_t)index, 0);
    int x = (int)rng_below(&rng, 350), y = (int)rng_below(&rng, 220);
    g_autoptr(Image) rgb = fixture_image(50, 50, 3), valid = fixture_image(50, 50, 1);
    if (!slide_read(crowd->slide, 0, x, y, rgb, valid, error)) {
        return FALSE;
    }
    for (int i = 0; i < 2500; i++) {
        int px = x + i % 50, py = y + i / 50;
        gboolean there = px < 390 && py < 250 && !(px / 64 == crowd->lost_x && py / 64 == crowd->lost_y);
        g_assert_cmpint(valid->pixels[i], ==, there ? 255 : 0);
        g_assert_true(!there ||
                      memcmp(rgb->pixels + 3 * i, crowd->expected->pixels + 3 * (py * 390 + px), 3) == 0);
    }
    return TRUE;
}

/* The same pixels and the same bad areas with one thread and with eight. */
static void test_threads(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    for (int fast = 0; fast < 2; fast++) {
        g_autoptr(Image) decoded = fixture_image(390, 250, 3);
        fixture_write(place->path,
                      &(FixtureSpec){.compression = fast ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE},
                      image);
        g_autoptr(Slide) sound = open_slide(place->path, &openslide_only);
        read_area(sound, 0, 0, 0, decoded, NULL);
        fixture_break_tile(place->path, 0, 9);
        for (int threads = 1; threads <= 8; threads *= 8) {
            /* a cache of two tiles: tiles come and go all the time */
            g_autoptr(Slide) slide = open_slide(place->path, &(SlideOptions){.cache_bytes = 2 * 64 * 64 * 3});
            Crowd crowd = {slide, decoded, 2, 1};
            g_autoptr(GError) error = NULL;
            g_assert_cmpint(slide_info(slide)->fast_path, ==, fast);
            g_assert_true(pool_run(threads, FALSE, 400, read_and_compare, &crowd, &error));
            g_assert_no_error(error);
            assert_bad_areas(slide, 64, (const int[]){9}, 1, 390, 250);
        }
    }
}

/* ---- hostile files ---- */

/* Whatever bytes of a file are changed, reading it ends, with pixels or with an error. */
static void test_mutations(Place *place, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(150, 110, 5), rgb = fixture_image(170, 130, 3),
                     valid = fixture_image(170, 130, 1);
    int opened = 0, fast = 0, bad = 0, rounds = g_test_slow() ? 10000 : 120;
    for (int kind = 0; kind < 2; kind++) {
        g_autofree char *bytes = NULL;
        gsize size;
        Rng rng = rng_at(11, (uint64_t)kind, 0);
        fixture_write(place->path,
                      &(FixtureSpec){.tile = 48, .levels = 2, .compression = kind ? COMPRESSION_LZW : 0},
                      image);
        g_assert_true(g_file_get_contents(place->path, &bytes, &size, NULL));
        g_autofree char *changed = g_malloc(size);
        for (int round = 0; round < rounds; round++) {
            memcpy(changed, bytes, size);
            for (uint32_t n = 1 + rng_below(&rng, 6); n > 0; n--) {
                changed[rng_below(&rng, (uint32_t)size)] = (char)rng_u32(&rng);
            }
            g_assert_true(g_file_set_contents(place->path, changed, (gssize)size, NULL));
            g_autoptr(Slide) slide = slide_open(place->path, &(SlideOptions){.dct_levels = TRUE}, NULL);
            for (int l = 0; slide && l < slide_info(slide)->level_count; l++) {
                slide_read(slide, l, -5, -5, rgb, valid, NULL);
            }
            opened += slide != NULL;
            fast += slide && slide_info(slide)->fast_path;
            bad += slide && slide_bad_areas(slide)->len > 0;
        }
    }
    g_test_message("of %d mutations %d opened, %d by the fast path, %d had unreadable parts", 2 * rounds,
                   opened, fast, bad);
    g_assert_cmpint(bad, >, rounds / 10);
}

/* No library may write to the terminal what a file makes it say. */
static void test_silent(Place *place, gconstpointer unused)
{
    if (g_test_subprocess()) {
        g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3);
        g_autoptr(GError) error = NULL;
        for (int kind = 0; kind < 3; kind++) {
            static const int compressions[] = {COMPRESSION_JPEG, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE};
            fixture_write(place->path, &(FixtureSpec){.compression = compressions[kind]}, image);
            fixture_break_tile(place->path, 0, 3);
            for (int slow = 0; slow < 2; slow++) {
                g_autoptr(Slide) slide = open_slide(place->path, &(SlideOptions){.no_fast_path = slow});
                read_area(slide, 0, 0, 0, rgb, NULL);
            }
        }
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("");
}

/* ---- refusals and identity ---- */

static void test_refusals(Place *place, gconstpointer unused)
{
    g_autofree char *svs = g_build_filename(place->folder, "notes.svs", NULL);
    g_autoptr(GError) error = NULL, missing = NULL, flat = NULL;
    g_assert_true(g_file_set_contents(svs, "not a slide at all\n", -1, NULL));
    g_assert_null(slide_open(svs, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "notes.svs is not a whole-slide image"));
    g_assert_null(slide_open("/nowhere/at/all.svs", NULL, &missing));
    g_assert_error(missing, WSI_ERROR, WSI_ERROR_INPUT);
    /* A TIFF without tiles is a picture, not a slide. */
    TIFF *tiff = TIFFOpen(svs, "w");
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 8);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    g_assert_cmpint(TIFFWriteScanline(tiff, (uint8_t[8]){0}, 0, 0), ==, 1);
    TIFFClose(tiff);
    g_assert_null(slide_open(svs, NULL, &flat));
    g_assert_error(flat, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(flat->message, "tiled"));
}

static void test_fingerprint(Place *place, gconstpointer unused)
{
    g_autofree char *copy = g_build_filename(place->folder, "another name.tif", NULL), *bytes = NULL;
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    gsize size;
    fixture_write(place->path, &(FixtureSpec){0}, image);
    g_assert_true(g_file_get_contents(place->path, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(copy, bytes, (gssize)size, NULL));
    g_autoptr(Slide) a = open_slide(place->path, NULL), b = open_slide(copy, &openslide_only);
    g_assert_cmpstr(slide_info(a)->fingerprint, ==, slide_info(b)->fingerprint);
    g_assert_cmpuint(strlen(slide_info(a)->fingerprint), ==, 64);
    image->pixels[100] ^= 64;
    fixture_write(copy, &(FixtureSpec){.compression = COMPRESSION_NONE}, image);
    g_autoptr(Slide) c = open_slide(copy, NULL);
    g_assert_cmpstr(slide_info(a)->fingerprint, !=, slide_info(c)->fingerprint);
    g_autofree char *versions = tiler_versions();
    g_assert_true(g_str_has_prefix(versions, "OpenSlide "));
    g_assert_nonnull(strstr(versions, "libtiff "));
}

#define ADD(name, function) g_test_add(name, Place, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/slide/fast-path-has-openslide's-pixels", test_same_pixels);
    g_test_add_func("/slide/fast-path-on-real-slides", test_real_slides);
    ADD("/slide/borders", test_borders);
    ADD("/slide/mpp", test_mpp);
    ADD("/slide/mpp-aperio", test_aperio_mpp);
    ADD("/slide/true-downsamples", test_downsamples);
    ADD("/slide/scaled-levels", test_scaled_levels);
    ADD("/slide/scaled-levels-bad-tile", test_scaled_bad);
    ADD("/slide/bad-tiles-openslide", test_bad_tiles_openslide);
    ADD("/slide/bad-tiles-fast-path", test_bad_tiles_fast);
    ADD("/slide/damaged-stream", test_damaged_stream);
    ADD("/slide/too-many-bad", test_too_many_bad);
    ADD("/slide/sparse", test_sparse);
    ADD("/slide/threads", test_threads);
    ADD("/slide/mutations", test_mutations);
    ADD("/slide/silent", test_silent);
    ADD("/slide/refusals", test_refusals);
    ADD("/slide/fingerprint-and-versions", test_fingerprint);
    return g_test_run();
}

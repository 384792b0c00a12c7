/* Slides: geometry, resolution, reads at and beyond borders, both ways of reading; damage is in test_slide_damage.c. */
#include "tests/slide_file.h"
#include "tiler/tiler_versions.h"

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

static void test_same_pixels(SlideFile *slide_file, gconstpointer unused)
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
        fixture_write(slide_file->path, &cases[i].spec, image);
        compare_paths(slide_file->path, cases[i].fast);
    }
}

/* A view shows what a read copies, also when tiles are decoded repeatedly; it refuses rectangles that are not complete. */
static void test_views(SlideFile *slide_file, gconstpointer unused)
{
    const SlideOptions small_cache = {.cache_bytes = 1};
    g_autoptr(Image) image = fixture_texture(413, 301, 3);
    fixture_write(slide_file->path, &(FixtureSpec){.levels = 2}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, &small_cache);
    static const struct {
        int level, x, y, width, height;
        gboolean seen;
    } cases[] = {
        {0, 0, 0, 413, 301, TRUE}, {0, 63, 64, 2, 1, TRUE},      {1, 30, 40, 101, 90, TRUE},
        {0, 412, 300, 1, 1, TRUE}, {0, -1, 0, 10, 10, FALSE},    {0, 400, 0, 14, 10, FALSE},
        {0, 0, 300, 10, 2, FALSE}, {1, 200, 100, 20, 20, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const int width = cases[i].width, height = cases[i].height;
        MosaicView view;
        g_assert_cmpint(slide_view(slide, cases[i].level, cases[i].x, cases[i].y, width, height, &view), ==,
                        cases[i].seen);
        if (!cases[i].seen) {
            continue;
        }
        g_autoptr(Image) rgb = fixture_image(width, height, 3);
        read_area(slide, cases[i].level, cases[i].x, cases[i].y, rgb, NULL);
        for (int part = 0, begin = 0; part < view.mosaic.parts; begin = view.mosaic.ends[part++]) {
            for (int y = 0; y < height; y++) {
                size_t bytes = 3 * (size_t)(view.mosaic.ends[part] - begin);
                g_assert_cmpmem(view.mosaic.rows[part * height + y], bytes,
                                rgb->pixels + 3 * ((size_t)y * (size_t)width + (size_t)begin), bytes);
            }
        }
        g_assert_cmpint(view.mosaic.ends[view.mosaic.parts - 1], ==, width);
        slide_release(slide, &view);
    }
    g_autoptr(Slide) slow = open_slide(slide_file->path, &openslide_only);
    MosaicView none;
    g_assert_false(slide_view(slow, 0, 0, 0, 10, 10, &none));
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

/* Sets a tag of one short value in all directories of a little-endian classic TIFF. */
static void set_tag(const char *path, uint16_t tag, uint16_t value)
{
    g_autofree char *text = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    const uint8_t *bytes = (const uint8_t *)text;
    uint32_t at;
    for (memcpy(&at, bytes + 4, 4); at; memcpy(&at, bytes + at, 4)) {
        uint16_t entries, one;
        memcpy(&entries, bytes + at, 2);
        for (at += 2; entries > 0; entries--, at += 12) {
            memcpy(&one, bytes + at, 2);
            if (one == tag) {
                fixture_patch(path, at + 8, &value, sizeof value);
            }
        }
    }
}

/* Subsampled JPEG is YCbCr, whatever the directory says: by the fast path, and by OpenSlide, which shows the samples as they are. */
static void test_proved_colours(SlideFile *slide_file, gconstpointer unused)
{
    static const FixtureSpec specs[] = {{.levels = 2},
                                        {.sparse_tile = 2, .description = "Aperio Image\r\nx|MPP = 0.5"}};
    g_autoptr(Image) image = fixture_texture(390, 250, 5), right = fixture_image(390, 250, 3),
                     rgb = fixture_image(390, 250, 3), readable = fixture_image(390, 250, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        for (int slow = 0; slow < 2; slow++) {
            const SlideOptions options = {.no_fast_path = slow};
            fixture_write(slide_file->path, &specs[i], image);
            g_autoptr(Slide) sound = open_slide(slide_file->path, &options);
            read_area(sound, 0, 0, 0, right, NULL);
            set_tag(slide_file->path, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
            g_autoptr(Slide) slide = open_slide(slide_file->path, &options);
            g_assert_cmpint(slide_info(slide)->fast_path, ==, i == 0 && !slow);
            read_area(slide, 0, 0, 0, rgb, readable);
            assert_same(rgb, right);
            g_assert_cmpuint(slide_info(slide)->notes->len, ==, (guint)slide_info(slide)->level_count);
            g_assert_nonnull(strstr(slide_info(slide)->notes->pdata[0], "read as YCbCr"));
            g_assert_cmpuint(slide_info(sound)->notes->len, ==, 0);
        }
    }
}

/* ---- borders ---- */

static void test_borders(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(150, 100, 5);
    fixture_write(slide_file->path, &(FixtureSpec){.compression = COMPRESSION_NONE}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
    static const int64_t corners[][2] = {
        {-20, -10}, {140, 90}, {-7, 95}, {149, -39},          {60, 60},
        {-40, 0},   {150, 0},  {0, 100}, {G_MAXINT64 / 2, 0}, {0, G_MININT64 / 2}};
    for (size_t k = 0; k < G_N_ELEMENTS(corners); k++) {
        int64_t x0 = corners[k][0], y0 = corners[k][1];
        g_autoptr(Image) rgb = fixture_image(40, 40, 3), readable = fixture_image(40, 40, 1);
        read_area(slide, 0, x0, y0, rgb, readable);
        for (int i = 0; i < 40 * 40; i++) {
            int64_t x = x0 + i % 40, y = y0 + i / 40;
            gboolean inside = x >= 0 && x < 150 && y >= 0 && y < 100;
            g_assert_cmpint(readable->pixels[i], ==, inside ? 255 : 0);
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
    g_assert_cmpstr(slide_mpp_source_name(slide_info(slide)->mpp_source), ==, slide_mpp_source_name(source));
    g_assert_cmpfloat_with_epsilon(slide_info(slide)->mpp_x, x, 1e-6 * x + 1e-12);
    g_assert_cmpfloat_with_epsilon(slide_info(slide)->mpp_y, y, 1e-6 * y + 1e-12);
}

static void test_mpp(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    fixture_write(slide_file->path, &(FixtureSpec){.per_unit = 40000}, image);
    assert_mpp(slide_file->path, NULL, MPP_TIFF_TAGS, 0.25, 0.25);
    assert_mpp(slide_file->path, &(SlideOptions){.mpp_x = 0.3, .mpp_y = 0.4}, MPP_OVERRIDE, 0.3, 0.4);
    assert_mpp(slide_file->path, &(SlideOptions){.mpp_y = 0.4}, MPP_OVERRIDE, 0.25, 0.4);
    fixture_write(slide_file->path, &(FixtureSpec){.per_unit = 50800, .unit = RESUNIT_INCH}, image);
    assert_mpp(slide_file->path, NULL, MPP_TIFF_TAGS, 0.5, 0.5);
    fixture_write(slide_file->path, &(FixtureSpec){.per_unit = 40000, .unit = RESUNIT_NONE}, image);
    assert_mpp(slide_file->path, NULL, MPP_NONE, 0, 0);
    fixture_write(slide_file->path, &(FixtureSpec){.per_unit = 72, .unit = RESUNIT_INCH},
                  image); /* what editors write */
    assert_mpp(slide_file->path, NULL, MPP_NONE, 0, 0);
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    assert_mpp(slide_file->path, NULL, MPP_NONE, 0, 0);
    assert_mpp(slide_file->path, &(SlideOptions){.use_objective = TRUE}, MPP_NONE, 0, 0);
    assert_mpp(slide_file->path, &(SlideOptions){.mpp_x = 0.4}, MPP_OVERRIDE, 0.4, 0.4);
    for (int k = 0; k < 3; k++) {
        const SlideOptions bad = {.mpp_x = (double[]){-1, NAN, INFINITY}[k], .mpp_y = 1};
        g_autoptr(GError) error = NULL;
        g_assert_null(slide_open(slide_file->path, &bad, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
}

static void test_aperio_mpp(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    fixture_write(
        slide_file->path,
        &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20|MPP = 0.4990", .per_unit = 40000},
        image);
    assert_mpp(slide_file->path, NULL, MPP_FILE, 0.499, 0.499);
    fixture_write(slide_file->path, &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20"}, image);
    assert_mpp(slide_file->path, NULL, MPP_NONE, 0, 0);
    assert_mpp(slide_file->path, &(SlideOptions){.use_objective = TRUE}, MPP_OBJECTIVE, 0.5, 0.5);
    /* The resolution tags of an Aperio slide come from its thumbnail program and are not used. */
    fixture_write(slide_file->path,
                  &(FixtureSpec){.description = "Aperio Image\r\nx|AppMag = 20", .per_unit = 40000}, image);
    assert_mpp(slide_file->path, NULL, MPP_NONE, 0, 0);
}

/* ---- levels ---- */

/* OpenSlide says 2.0066 for 301 / 150 and 4.03; the true factors are 2, 4 and 8. */
static void test_downsamples(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(301, 251, 5);
    fixture_write(slide_file->path, &(FixtureSpec){.levels = 5, .tile = 16}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
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
    g_autoptr(Image) readable = fixture_image(small->width, small->height, 1);
    double sum = 0;
    read_area(slide, level, 0, 0, small, readable);
    read_area(slide, 0, 0, 0, large, NULL);
    g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
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

static void test_scaled_levels(SlideFile *slide_file, gconstpointer unused)
{
    const SlideOptions options = {.dct_levels = TRUE};
    g_autoptr(Image) image = fixture_texture(413, 301, 3);
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    g_autoptr(Slide) plain = open_slide(slide_file->path, NULL),
                     slide = open_slide(slide_file->path, &options);
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
    TIFF *tiff = TIFFOpen(slide_file->path, "w");
    fixture_directory(tiff, &(FixtureSpec){0}, large, 0);
    fixture_directory(tiff, &(FixtureSpec){0}, quarter, 1);
    TIFFClose(tiff);
    g_autoptr(Slide) gaps = open_slide(slide_file->path, &options);
    g_assert_cmpint(slide_info(gaps)->level_count, ==, 6);
    for (int l = 0; l < 6; l++) {
        g_assert_cmpfloat(slide_info(gaps)->levels[l].downsample_x, ==, expected[l]);
        g_assert_cmpint(slide_info(gaps)->levels[l].scaled, ==, l >= 2);
    }
}

/* A bad stored tile is reported once, for all levels that read it. */
static void test_scaled_bad(SlideFile *slide_file, gconstpointer unused)
{
    const SlideOptions options = {.dct_levels = TRUE};
    g_autoptr(Image) image = fixture_texture(413, 301, 3), rgb = fixture_image(60, 60, 3),
                     readable = fixture_image(60, 60, 1);
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    fixture_break_tile(slide_file->path, 0, 8); /* of 7 columns: 64.. x 64.. */
    g_autoptr(Slide) slide = open_slide(slide_file->path, &options);
    for (int l = 0; l < 3; l++) {
        read_area(slide, l, 0, 0, rgb, readable);
    }
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 1);
    const BadArea *area = slide_bad_areas(slide)->pdata[0];
    g_assert_true(area->level == 0 && area->x == 64 && area->y == 64 && area->width == 64);
    for (int i = 0; i < 3600; i++) {
        gboolean lost = i % 60 >= 16 && i % 60 < 32 && i / 60 >= 16 && i / 60 < 32;
        g_assert_cmpint(readable->pixels[i], ==, lost ? 0 : 255);
    }
}

/* ---- refusals and identity ---- */

static void test_refusals(SlideFile *slide_file, gconstpointer unused)
{
    g_autofree char *svs = g_build_filename(slide_file->folder, "notes.svs", NULL);
    g_autoptr(GError) error = NULL, missing = NULL, flat = NULL;
    g_assert_true(g_file_set_contents(svs, "not a slide at all\n", -1, NULL));
    g_assert_null(slide_open(svs, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "notes.svs is not a whole-slide image"));
    g_assert_null(slide_open("/nowhere/at/all.svs", NULL, &missing));
    g_assert_error(missing, WSI_ERROR, WSI_ERROR_ABSENT);
    /* A TIFF without tiles is an image, not a slide. */
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

/* The level as fixture_write() makes it. */
static Image *level_of(const Image *image, int level)
{
    Image *copy = fixture_image(image->width, image->height, 3);
    memcpy(copy->pixels, image->pixels, image_bytes(image));
    for (; level > 0; level--) {
        Image *half = fixture_halve(copy, TRUE);
        image_free(copy);
        copy = half;
    }
    return copy;
}

/* A level smaller than its tiles is not used unless it is JPEG, since libtiff 4.5 scrambles it for OpenSlide. */
static void test_small_levels(SlideFile *slide_file, gconstpointer unused)
{
    static const struct {
        FixtureSpec spec;
        int width, height, levels; /* 0: refused */
    } cases[] = {
        {{.levels = 5, .compression = COMPRESSION_LZW},
         413,
         301,
         3}, /* 103 x 75, then 51 x 37 in tiles of 64 */
        {{.levels = 2, .compression = COMPRESSION_ADOBE_DEFLATE}, 413, 65, 1}, /* only too low */
        {{.levels = 2, .compression = COMPRESSION_NONE}, 128, 128, 2},
        {{.compression = COMPRESSION_NONE}, 63, 301, 0},
        {{.levels = 5}, 413, 301, 5},
        {{.levels = 2}, 63, 33, 2},
    };
    const SlideOptions slow = {.no_fast_path = TRUE};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Image) image = fixture_texture(cases[i].width, cases[i].height, 3);
        fixture_write(slide_file->path, &cases[i].spec, image);
        g_autoptr(Slide) slide = slide_open(slide_file->path, &slow, &error);
        if (cases[i].levels == 0) {
            g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
            g_assert_nonnull(strstr(error->message, "63 x 301 px in tiles of 64 x 64 px"));
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpint(slide_info(slide)->level_count, ==, cases[i].levels);
        const SlideLevel *last = &slide_info(slide)->levels[cases[i].levels - 1];
        g_autoptr(Image) rgb = fixture_image((int)last->width, (int)last->height, 3);
        g_autoptr(Image) readable = fixture_image((int)last->width, (int)last->height, 1);
        read_area(slide, cases[i].levels - 1, 0, 0, rgb, readable);
        g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
        g_autoptr(Image) expected = level_of(image, cases[i].levels - 1);
        int most = 0;
        for (size_t k = 0; k < image_bytes(rgb); k++) {
            most = MAX(most, abs(rgb->pixels[k] - expected->pixels[k]));
        }
        if (cases[i].spec.compression) { /* JPEG loses */
            g_assert_cmpint(most, ==, 0);
        }
    }
}

static void test_fingerprint(SlideFile *slide_file, gconstpointer unused)
{
    g_autofree char *copy = g_build_filename(slide_file->folder, "another name.tif", NULL), *bytes = NULL;
    g_autoptr(Image) image = fixture_texture(100, 80, 5);
    gsize size;
    fixture_write(slide_file->path, &(FixtureSpec){0}, image);
    g_assert_true(g_file_get_contents(slide_file->path, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(copy, bytes, (gssize)size, NULL));
    g_autoptr(Slide) a = open_slide(slide_file->path, NULL), b = open_slide(copy, &openslide_only);
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

#define ADD(name, function) g_test_add(name, SlideFile, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/slide/fast-path-has-openslide's-pixels", test_same_pixels);
    g_test_add_func("/slide/fast-path-on-real-slides", test_real_slides);
    ADD("/slide/proved-colours", test_proved_colours);
    ADD("/slide/views", test_views);
    ADD("/slide/borders", test_borders);
    ADD("/slide/mpp", test_mpp);
    ADD("/slide/mpp-aperio", test_aperio_mpp);
    ADD("/slide/true-downsamples", test_downsamples);
    ADD("/slide/scaled-levels", test_scaled_levels);
    ADD("/slide/scaled-levels-bad-tile", test_scaled_bad);
    ADD("/slide/refusals", test_refusals);
    ADD("/slide/levels-smaller-than-their-tiles", test_small_levels);
    ADD("/slide/fingerprint-and-versions", test_fingerprint);
    return g_test_run();
}

/* Damaged and hostile slides: only damaged parts are lost, they are reported, and nothing crashes. */
#include "base/pool.h"
#include "tests/slide_file.h"

/* ---- unreadable parts ---- */

/* Reads the whole level in pieces of `side` px at an odd offset and checks what is and is not there. */
static void assert_lost_tiles(Slide *slide, const Image *expected, int tile, const int *lost, int n, int side,
                              int tolerance)
{
    for (int y = -5; y < expected->height; y += side) {
        for (int x = -7; x < expected->width; x += side) {
            g_autoptr(Image) rgb = fixture_image(side, side, 3), readable = fixture_image(side, side, 1);
            read_area(slide, 0, x, y, rgb, readable);
            for (int i = 0; i < side * side; i++) {
                int px = x + i % side, py = y + i / side, columns = (expected->width + tile - 1) / tile;
                gboolean there = px >= 0 && py >= 0 && px < expected->width && py < expected->height;
                for (int k = 0; there && k < n; k++) {
                    there = py / tile * columns + px / tile != lost[k];
                }
                g_assert_cmpint(readable->pixels[i], ==, there ? 255 : 0);
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

/* OpenSlide's error is sticky for a handle: only the bad tiles may be lost, whatever is read in whatever pieces. */
static void test_bad_tiles_openslide(SlideFile *slide_file, gconstpointer unused)
{
    static const int lost[] = {3, 8, 23};
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    fixture_write(slide_file->path, &(FixtureSpec){.compression = COMPRESSION_ADOBE_DEFLATE}, image);
    for (int k = 0; k < 3; k++) {
        fixture_break_tile(slide_file->path, 0, lost[k]);
    }
    for (int side = 23; side < 500; side += 150) {
        g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
        g_assert_false(slide_info(slide)->fast_path);
        assert_lost_tiles(slide, image, 64, lost, 3, side, 0);
        assert_bad_areas(slide, 64, lost, 3, 390, 250);
    }
}

static void test_bad_tiles_fast(SlideFile *slide_file, gconstpointer unused)
{
    static const int lost[] = {0, 8, 23}; /* the first too: it may not put the slide off the fast path */
    g_autoptr(Image) image = fixture_texture(390, 250, 5), decoded = fixture_image(390, 250, 3);
    fixture_write(slide_file->path, &(FixtureSpec){.tile = 64}, image);
    g_autoptr(Slide) sound = open_slide(slide_file->path, &openslide_only);
    read_area(sound, 0, 0, 0, decoded, NULL);
    for (int k = 0; k < 3; k++) {
        fixture_break_tile(slide_file->path, 0, lost[k]);
    }
    for (int side = 23; side < 500; side += 150) {
        g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
        g_assert_true(slide_info(slide)->fast_path);
        assert_lost_tiles(slide, decoded, 64, lost, 3, side, 0);
        assert_bad_areas(slide, 64, lost, 3, 390, 250);
    }
}

/* Damage in the middle of the stream: decoders would show grey or shifted blocks. */
static void test_damaged_stream(SlideFile *slide_file, gconstpointer unused)
{
    uint64_t offset, bytes;
    const uint8_t end[4] = {0xff, 0xd9, 0xff, 0xd9};
    g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3),
                     readable = fixture_image(200, 120, 1);
    fixture_write(slide_file->path, &(FixtureSpec){.tile = 64}, image);
    fixture_tile_position(slide_file->path, 0, 5, &offset, &bytes);
    fixture_patch(slide_file->path, offset + bytes / 2, end, sizeof end);
    g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
    read_area(slide, 0, 0, 0, rgb, readable);
    assert_bad_areas(slide, 64, (const int[]){5}, 1, 200, 120);
    g_assert_cmpint(readable->pixels[70 * 200 + 70], ==, 0);
    g_assert_cmpint(readable->pixels[60 * 200 + 70], ==, 255);
}

static void test_too_many_bad(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(160, 160, 5), rgb = fixture_image(160, 160, 3);
    g_autoptr(GError) error = NULL;
    fixture_write(slide_file->path, &(FixtureSpec){.tile = 16, .compression = COMPRESSION_ADOBE_DEFLATE},
                  image);
    for (int t = 0; t < 100; t++) {
        fixture_break_tile(slide_file->path, 0, t);
    }
    g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
    /* Tiles below 64 px are salvaged in blocks of 256 px: one bad block. */
    read_area(slide, 0, 0, 0, rgb, NULL);
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 1);

    g_autoptr(Image) large = fixture_texture(640, 640, 5), large_rgb = fixture_image(640, 640, 3);
    fixture_write(slide_file->path, &(FixtureSpec){.tile = 64, .compression = COMPRESSION_ADOBE_DEFLATE},
                  large);
    for (int t = 0; t < 100; t++) {
        fixture_break_tile(slide_file->path, 0, t);
    }
    g_autoptr(Slide) hopeless = open_slide(slide_file->path, NULL);
    g_assert_false(slide_read(hopeless, 0, 0, 0, large_rgb, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, slide_file->path));
    g_assert_nonnull(strstr(error->message, "more than 64 areas"));
}

/* Tiles of zero bytes are parts that were never scanned: no data, and no error. */
static void test_sparse(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3),
                     readable = fixture_image(200, 120, 1);
    fixture_write(slide_file->path, &(FixtureSpec){.sparse_tile = 2}, image);
    g_autoptr(Slide) slide = open_slide(slide_file->path, NULL);
    g_assert_true(slide_info(slide)->fast_path);
    read_area(slide, 0, 0, 0, rgb, readable);
    g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 0);
    for (int i = 0; i < 200 * 120; i++) {
        gboolean there = !(i % 200 >= 128 && i % 200 < 192 && i / 200 < 64);
        g_assert_cmpint(readable->pixels[i], ==, there ? 255 : 0);
        g_assert_true(there || rgb->pixels[3 * i] == 255);
    }
    /* OpenSlide paints a missing tile of an Aperio slide from another level, so such a slide is left to it. */
    fixture_write(slide_file->path,
                  &(FixtureSpec){.sparse_tile = 2, .description = "Aperio Image\r\nx|MPP = 0.5"}, image);
    g_autoptr(Slide) aperio = open_slide(slide_file->path, NULL);
    g_assert_false(slide_info(aperio)->fast_path);
    read_area(aperio, 0, 0, 0, rgb, readable);
    g_assert_cmpint(readable->pixels[150], ==, 0);
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
    g_autoptr(Image) rgb = fixture_image(50, 50, 3), readable = fixture_image(50, 50, 1);
    if (!slide_read(crowd->slide, 0, x, y, rgb, readable, error)) {
        return FALSE;
    }
    for (int i = 0; i < 2500; i++) {
        int px = x + i % 50, py = y + i / 50;
        gboolean there = px < 390 && py < 250 && !(px / 64 == crowd->lost_x && py / 64 == crowd->lost_y);
        g_assert_cmpint(readable->pixels[i], ==, there ? 255 : 0);
        g_assert_true(!there ||
                      memcmp(rgb->pixels + 3 * i, crowd->expected->pixels + 3 * (py * 390 + px), 3) == 0);
    }
    return TRUE;
}

/* The same pixels and the same bad areas with one thread and with eight. */
static void test_threads(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    for (int fast = 0; fast < 2; fast++) {
        g_autoptr(Image) decoded = fixture_image(390, 250, 3);
        fixture_write(slide_file->path,
                      &(FixtureSpec){.compression = fast ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE},
                      image);
        g_autoptr(Slide) sound = open_slide(slide_file->path, &openslide_only);
        read_area(sound, 0, 0, 0, decoded, NULL);
        fixture_break_tile(slide_file->path, 0, 9);
        for (int threads = 1; threads <= 8; threads *= 8) {
            /* a cache of two tiles, so that tiles are replaced all the time */
            g_autoptr(Slide) slide =
                open_slide(slide_file->path, &(SlideOptions){.cache_bytes = 2 * 64 * 64 * 3});
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

/* With any bytes of a file changed, reading it ends with pixels or an error. */
static void test_mutations(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(150, 110, 5), rgb = fixture_image(170, 130, 3),
                     readable = fixture_image(170, 130, 1);
    int opened = 0, fast = 0, bad = 0, rounds = g_test_slow() ? 10000 : 120;
    for (int kind = 0; kind < 2; kind++) {
        g_autofree char *bytes = NULL;
        gsize size;
        Rng rng = rng_at(11, (uint64_t)kind, 0);
        fixture_write(slide_file->path,
                      &(FixtureSpec){.tile = 48, .levels = 2, .compression = kind ? COMPRESSION_LZW : 0},
                      image);
        g_assert_true(g_file_get_contents(slide_file->path, &bytes, &size, NULL));
        g_autofree char *changed = g_malloc(size);
        for (int round = 0; round < rounds; round++) {
            memcpy(changed, bytes, size);
            for (uint32_t n = 1 + rng_below(&rng, 6); n > 0; n--) {
                changed[rng_below(&rng, (uint32_t)size)] = (char)rng_u32(&rng);
            }
            g_assert_true(g_file_set_contents(slide_file->path, changed, (gssize)size, NULL));
            g_autoptr(Slide) slide = slide_open(slide_file->path, &(SlideOptions){.dct_levels = TRUE}, NULL);
            for (int l = 0; slide && l < slide_info(slide)->level_count; l++) {
                slide_read(slide, l, -5, -5, rgb, readable, NULL);
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

/* No library may write messages about a file to the terminal. */
static void test_silent(SlideFile *slide_file, gconstpointer unused)
{
    if (g_test_subprocess()) {
        g_autoptr(Image) image = fixture_texture(200, 120, 5), rgb = fixture_image(200, 120, 3);
        g_autoptr(GError) error = NULL;
        for (int kind = 0; kind < 3; kind++) {
            static const int compressions[] = {COMPRESSION_JPEG, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE};
            fixture_write(slide_file->path, &(FixtureSpec){.compression = compressions[kind]}, image);
            fixture_break_tile(slide_file->path, 0, 3);
            for (int slow = 0; slow < 2; slow++) {
                g_autoptr(Slide) slide = open_slide(slide_file->path, &(SlideOptions){.no_fast_path = slow});
                read_area(slide, 0, 0, 0, rgb, NULL);
            }
        }
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("");
}

#define ADD(name, function) g_test_add(name, SlideFile, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/slide-damage/bad-tiles-openslide", test_bad_tiles_openslide);
    ADD("/slide-damage/bad-tiles-fast-path", test_bad_tiles_fast);
    ADD("/slide-damage/damaged-stream", test_damaged_stream);
    ADD("/slide-damage/too-many-bad", test_too_many_bad);
    ADD("/slide-damage/sparse", test_sparse);
    ADD("/slide-damage/threads", test_threads);
    ADD("/slide-damage/mutations", test_mutations);
    ADD("/slide-damage/silent", test_silent);
    return g_test_run();
}

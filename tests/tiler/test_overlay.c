/* Overlays, as overlay.h specifies them. */
#include "tests/fixture_tiff.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/heatmap/overlay.h"

/* The resolution that is nearest by ratio, of levels and halved levels; of equal ones that of the coarsest level. */
static void test_frame(void)
{
    static const struct {
        double mpp_x, mpp_y, downsamples[4], wanted;
        int level, factor;
    } cases[] = {
        {0.25, 0.25, {1, 2, 4, 8}, 2, 3, 1},      {0.25, 0.25, {1, 2, 4, 8}, 0, 0, 1},
        {0.25, 0.25, {1, 4, 16}, 2, 1, 2},        {0.25, 0.25, {1}, 2, 0, 8},
        {0.5, 0.5, {1, 4.0003, 16.002}, 2, 1, 1}, {0.23, 0.23, {1, 4, 16}, 2, 1, 2},
        {0.25, 0.25, {1, 4, 16.01}, 4, 2, 1},     {4, 4, {1, 4}, 2, 0, 1},
        {0.5, 0.5, {1, 2, 4, 8}, 0.7, 0, 1},      {0.5, 0.5, {1, 2, 4, 8}, 0.72, 1, 1},
        {0.25, 1, {1, 2, 4, 8}, 2, 2, 1}, /* 0.5 um/px by area */
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        SlideLevel levels[4];
        SlideInfo info = {.mpp_x = cases[i].mpp_x, .mpp_y = cases[i].mpp_y, .levels = levels};
        for (int k = 0; k < 4 && cases[i].downsamples[k] > 0; k++, info.level_count++) {
            double down = cases[i].downsamples[k];
            levels[k] = (SlideLevel){.width = (int64_t)(100001 / down),
                                     .height = (int64_t)(50001 / down),
                                     .downsample_x = down,
                                     .downsample_y = down};
        }
        OverlayFrame frame = overlay_frame(&info, cases[i].wanted);
        g_test_message("case %u", i);
        g_assert_cmpint(frame.level, ==, cases[i].level);
        g_assert_cmpint(frame.factor, ==, cases[i].factor);
        double scale = cases[i].downsamples[frame.level] * frame.factor;
        g_assert_cmpfloat_with_epsilon(frame.mpp_x, cases[i].mpp_x * scale, 1e-12);
        g_assert_cmpfloat_with_epsilon(frame.mpp_y, cases[i].mpp_y * scale, 1e-12);
        /* The whole level is covered, and not a px more. */
        g_assert_cmpint(frame.width, ==, (levels[frame.level].width + frame.factor - 1) / frame.factor);
        g_assert_cmpint(frame.height, ==, (levels[frame.level].height + frame.factor - 1) / frame.factor);
    }
}

enum { WIDTH = 1400, HEIGHT = 1100, COLUMNS = 70, ROWS = 50, GREY = 200 };

typedef struct {
    char *folder, *path;
    Slide *slide;
    Map *map;
    Image *known;
    Ring ring;
} Fixture;

static const double square[] = {20, 10, 40, 10, 40, 30, 20, 30};

/* A grey slide of 0.5 um/px, and a map with a ramp, a gap that is known to have no value and one that could not be read. */
static void set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    fixture->folder = fixture_folder();
    fixture->path = g_build_filename(fixture->folder, "slide.tif", NULL);
    g_autoptr(Image) grey = fixture_constant(WIDTH, HEIGHT, GREY, GREY, GREY);
    fixture_write(fixture->path,
                  &(FixtureSpec){.compression = COMPRESSION_ADOBE_DEFLATE, .levels = 2, .per_unit = 20000},
                  grey);
    fixture->slide = slide_open(fixture->path, NULL, &error);
    g_assert_no_error(error);
    fixture->map = map_new(COLUMNS, ROWS, &error);
    fixture->known = fixture_constant(COLUMNS, ROWS, 0, 0, 0);
    fixture->known->channels = 1;
    for (int y = 0; y < ROWS; y++) {
        for (int x = 0; x < COLUMNS; x++) {
            gboolean gap = x < 12 || (x >= 50 && y >= 40), lost = x >= 50 && y >= 40 && x < 60;
            fixture->map->values[y * COLUMNS + x] = gap ? NAN : (float)(x + 2 * y) / 20;
            fixture->known->pixels[y * COLUMNS + x] = lost ? 0 : 255;
        }
    }
    fixture->ring = (Ring){square, 4};
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    slide_free(fixture->slide);
    map_free(fixture->map);
    image_free(fixture->known);
    g_free(fixture->path);
    fixture_remove(fixture->folder);
}

static OverlaySpec spec_of(const Fixture *fixture)
{
    return (OverlaySpec){.map = fixture->map,
                         .known = fixture->known,
                         .colours = "viridis",
                         .low = 2,
                         .high = 3,
                         .opacity = 0.5,
                         .rings = &fixture->ring,
                         .ring_count = 1,
                         .quality = 98,
                         .threads = 1,
                         .description = "test"};
}

static Image *written(const Fixture *fixture, const OverlaySpec *spec, int level, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(fixture->folder, "overlay.tif", NULL);
    overlay_write(path, fixture->slide, spec, sha256, &error);
    g_assert_no_error(error);
    g_autoptr(Slide) overlay = slide_open(path, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(slide_info(overlay)->level_count, >, level);
    const SlideLevel *size = &slide_info(overlay)->levels[level];
    Image *rgb = fixture_image((int)size->width, (int)size->height, 3);
    slide_read(overlay, level, 0, 0, rgb, NULL, &error);
    g_assert_no_error(error);
    return rgb;
}

/* In cells: how far a point is from the outline of the square. */
static double from_square(double u, double v)
{
    double dx = fmax(fmax(20 - u, u - 40), 0), dy = fmax(fmax(10 - v, v - 30), 0);
    double inside = fmin(fmin(u - 20, 40 - u), fmin(v - 10, 30 - v));
    return inside > 0 ? inside : hypot(dx, dy);
}

/* The pixel by the definition: -1 for "anything" next to lines and steps, where JPEG blurs. */
static int expected(const Fixture *fixture, double u, double v, int channel)
{
    const Map *map = fixture->map;
    int column = (int)u, row = (int)v;
    gboolean lost = !fixture->known->pixels[row * COLUMNS + column];
    /* Steps of the map: the gap on the left; the rectangles on the right. */
    gboolean step =
        fabs(u - 12) < 0.5 || (u > 49.5 && v > 39.5 && (v < 40.5 || u < 50.5 || fabs(u - 60) < 0.5));
    if (lost || step || from_square(u, v) < 0.3) {
        return -1;
    }
    if (isnan(map->values[row * COLUMNS + column])) {
        return GREY;
    }
    /* The ramp is linear, except where the nearest centre is that of a cell without data, or outside of the map. */
    double x = CLAMP(u, u < 12.5 ? 12.5 : 0.5, u > 49.5 && v > 39.5 ? 49.5 : COLUMNS - 0.5),
           y = CLAMP(v, 0.5, ROWS - 0.5);
    double value = (x - 0.5 + 2 * (y - 0.5)) / 20;
    const uint8_t *colour = colour_map_find("viridis")[(int)(CLAMP(value - 2, 0, 1) * 255 + 0.5)];
    return (colour[channel] + GREY) / 2;
}

static void test_pixels(Fixture *fixture, gconstpointer data)
{
    OverlaySpec spec = spec_of(fixture);
    g_autoptr(Image) rgb = written(fixture, &spec, 0, NULL);
    g_assert_cmpint(rgb->width, ==, WIDTH);
    g_assert_cmpint(rgb->height, ==, HEIGHT);
    int64_t compared = 0, greys = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            double u = (x + 0.5) * COLUMNS / WIDTH, v = (y + 0.5) * ROWS / HEIGHT;
            const uint8_t *got = rgb->pixels + 3 * ((size_t)y * WIDTH + x);
            for (int c = 0; c < 3; c++) {
                int wanted = expected(fixture, u, v, c);
                compared += wanted >= 0;
                if (wanted >= 0 && abs(wanted - got[c]) > 9) {
                    g_error("(%d, %d) %d: %d, not %d", x, y, c, got[c], wanted);
                }
            }
            if (!fixture->known->pixels[(int)v * COLUMNS + (int)u]) {
                greys += abs(got[0] - 96) < 12 || abs(got[0] - 160) < 12;
            }
        }
    }
    g_assert_cmpint(compared, >, (int64_t)WIDTH * HEIGHT * 2);
    /* 10 x 10 cells of 20 x 22 px, in stripes. */
    g_assert_cmpint(greys, >, 10 * 10 * 20 * 22 * 3 / 4);
}

/* On each level the pixel next to the line is black, and a line is as wide as on level 0. */
static void test_lines(Fixture *fixture, gconstpointer data)
{
    for (int level = 0; level < 2; level++) {
        OverlaySpec spec = spec_of(fixture);
        g_autoptr(Image) rgb = written(fixture, &spec, level, NULL);
        int y = 20 * HEIGHT / ROWS >> level, crossing = (20 * WIDTH / COLUMNS) >> level, black = 0, white = 0;
        for (int x = crossing - 8; x < crossing + 8; x++) {
            const uint8_t *got = rgb->pixels + 3 * ((size_t)y * rgb->width + x);
            black += got[0] < 40 && got[1] < 40 && got[2] < 40;
            white += got[0] > 215 && got[1] > 215 && got[2] > 215;
        }
        g_assert_cmpint(black, >=, 1);
        g_assert_cmpint(black, <=, 2);
        g_assert_cmpint(white, >=, 2);
        g_assert_cmpint(white, <=, 4);
    }
}

static void test_threads(Fixture *fixture, gconstpointer data)
{
    char one[65], three[65];
    OverlaySpec spec = spec_of(fixture);
    spec.mpp = 1.2; /* level 1 */
    g_autoptr(Image) a = written(fixture, &spec, 0, one);
    spec.threads = 3;
    g_autoptr(Image) b = written(fixture, &spec, 0, three);
    g_assert_cmpstr(one, ==, three);
    spec.mpp = 2; /* level 1, halved */
    g_autoptr(Image) c = written(fixture, &spec, 0, NULL);
    g_assert_cmpint(a->width, ==, 700);
    g_assert_cmpint(c->width, ==, 350);
}

static gboolean stop(void *data, int64_t done, int64_t total, GError **error)
{
    return done < 512 || wsi_error_input(error, "stopped at row %d of %d", (int)done, (int)total);
}

/* What stops it is reported, and leaves nothing. */
static void test_refused(Fixture *fixture, gconstpointer data)
{
    OverlaySpec stopped = spec_of(fixture), colours = stopped, range = stopped;
    stopped.tick = stop;
    colours.colours = "jet";
    range.high = 0;
    const OverlaySpec *specs[] = {&stopped, &colours, &range};
    const char *messages[] = {"stopped at row 512 of 1100", "*no colour map \"jet\"*viridis*", "*2 .. 0*"};
    g_autofree char *path = g_build_filename(fixture->folder, "overlay.tif", NULL);
    for (int i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(overlay_write(path, fixture->slide, specs[i], NULL, &error));
        g_assert_true(g_pattern_match_simple(messages[i], error->message));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/overlay/frame", test_frame);
    g_test_add("/overlay/pixels", Fixture, NULL, set_up, test_pixels, tear_down);
    g_test_add("/overlay/lines", Fixture, NULL, set_up, test_lines, tear_down);
    g_test_add("/overlay/threads", Fixture, NULL, set_up, test_threads, tear_down);
    g_test_add("/overlay/refused", Fixture, NULL, set_up, test_refused, tear_down);
    return g_test_run();
}

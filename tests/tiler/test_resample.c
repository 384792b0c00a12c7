/* Resampling against Pillow (tests/golden/resample, written by tools/golden_resample.py), and its own contract. */
#include "tiler/raster/resample.h"
#include "base/csv.h"
#include "tests/fixture_tiff.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>

static Image *read_golden(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename("tests/golden/resample", name, NULL);
    Image *image = imagefile_read(path, &error);
    g_assert_no_error(error);
    return image;
}

static Image *first_channel(const Image *rgb)
{
    Image *grey = fixture_image(rgb->width, rgb->height, 1);
    for (size_t i = 0; i < image_bytes(grey); i++) {
        grey->pixels[i] = rgb->pixels[3 * i];
    }
    return grey;
}

static Image *resampled(const Image *source, const Rect *box, Filter filter, int width, int height)
{
    g_autoptr(GError) error = NULL;
    Image *out = fixture_image(width, height, source->channels);
    g_assert_true(resample(source, box, filter, out, &error));
    g_assert_no_error(error);
    return out;
}

static int largest_difference(const Image *a, const Image *b)
{
    int most = 0;
    g_assert_cmpuint(image_bytes(a), ==, image_bytes(b));
    for (size_t i = 0; i < image_bytes(a); i++) {
        most = MAX(most, abs(a->pixels[i] - b->pixels[i]));
    }
    return most;
}

/* Within one grey level (rounding) of Pillow, for colour and for grey. */
static void test_pillow(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Csv) cases = csv_read("tests/golden/resample/cases.csv", &error);
    g_assert_no_error(error);
    int most = 0;
    for (int row = 0; row < csv_rows(cases); row++) {
        double number[6];
        Filter filter;
        for (int k = 0; k < 6; k++) {
            g_assert_true(csv_number(cases, row, 2 + k, &number[k], NULL));
        }
        g_assert_true(filter_parse(csv_get(cases, row, 1), &filter));
        const Rect box = {number[0], number[1], number[2], number[3]};
        g_autoptr(Image) source = read_golden(csv_get(cases, row, 0)),
                         expected = read_golden(csv_get(cases, row, 8));
        g_autoptr(Image) out = resampled(source, &box, filter, (int)number[4], (int)number[5]);
        g_autoptr(Image) grey = first_channel(source), expected_grey = first_channel(expected);
        g_autoptr(Image) grey_out = resampled(grey, &box, filter, (int)number[4], (int)number[5]);
        int difference = MAX(largest_difference(out, expected), largest_difference(grey_out, expected_grey));
        if (difference > 1) {
            g_test_message("%s: %d grey levels off", csv_get(cases, row, 8), difference);
            g_test_fail();
        }
        most = MAX(most, difference);
    }
    g_test_message("%d cases, at most %d grey level from Pillow", csv_rows(cases), most);
}

/* ---- the definition, in doubles ---- */

static double kernel(Filter filter, double x)
{
    double a = G_PI * x;
    switch (filter) {
    case FILTER_LANCZOS3:
        return x == 0 ? 1 : fabs(x) < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
    case FILTER_AREA:
        return x > -0.5 && x <= 0.5;
    default:
        return MAX(0, 1 - fabs(x));
    }
}

/* Weights of all source pixels for output i; they sum to 1. */
static void exact_weights(Filter filter, double start, double length, int outputs, int i, double *weights,
                          int sources)
{
    double scale = length / outputs, stretch = MAX(scale, 1), centre = start + (i + 0.5) * scale, sum = 0;
    for (int k = 0; k < sources; k++) {
        weights[k] = kernel(filter, (k + 0.5 - centre) / stretch);
        sum += weights[k];
    }
    for (int k = 0; k < sources; k++) {
        weights[k] /= sum;
    }
}

/* Whole weights for rows and floats for columns leave each pixel within 0.05 grey level before it is rounded. */
static void test_definition(void)
{
    enum { WIDTH = 150, HEIGHT = 130, ACROSS = 31, DOWN = 37 };
    static const Rect boxes[] = {
        {20.3, 15.1, 62, 74}, {0, 0, 150, 130}, {70.7, 50.2, 15.5, 21.3}, {10, 20, 31, 37}};
    g_autoptr(Image) source = fixture_texture(WIDTH, HEIGHT, 8);
    double worst = 0;
    for (Filter filter = FILTER_LANCZOS3; filter <= FILTER_BILINEAR; filter++) {
        for (size_t b = 0; b < G_N_ELEMENTS(boxes); b++) {
            static double across[ACROSS][WIDTH], down[DOWN][HEIGHT];
            g_autoptr(Image) out = resampled(source, &boxes[b], filter, ACROSS, DOWN);
            for (int i = 0; i < ACROSS; i++) {
                exact_weights(filter, boxes[b].x, boxes[b].width, ACROSS, i, across[i], WIDTH);
            }
            for (int i = 0; i < DOWN; i++) {
                exact_weights(filter, boxes[b].y, boxes[b].height, DOWN, i, down[i], HEIGHT);
            }
            for (int i = 0; i < ACROSS * DOWN; i++) {
                double sum = 0;
                for (int y = 0; y < HEIGHT; y++) {
                    double line = 0;
                    for (int x = 0; x < WIDTH; x++) {
                        line += across[i % ACROSS][x] * source->pixels[3 * (y * WIDTH + x) + 1];
                    }
                    sum += down[i / ACROSS][y] * line;
                }
                worst = MAX(worst, fabs(CLAMP(sum, 0, 255) - out->pixels[3 * i + 1]));
            }
        }
    }
    g_test_message("at most %.3f grey levels from the definition", worst);
    g_assert_cmpfloat(worst, <, 0.55);
}

/* A mosaic, with rows in any order in memory, gives the same as the image. */
static void test_mosaic(void)
{
    enum { WIDTH = 700, HEIGHT = 90, PARTS = 4 };
    static const int ends[PARTS] = {1, 8, 523, WIDTH};
    static const uint8_t *rows[PARTS * HEIGHT];
    static uint8_t memory[PARTS][HEIGHT][3 * WIDTH];
    g_autoptr(Image) source = fixture_texture(WIDTH, HEIGHT, 12);
    for (int part = 0; part < PARTS; part++) {
        int begin = part ? ends[part - 1] : 0;
        for (int y = 0; y < HEIGHT; y++) {
            rows[part * HEIGHT + y] =
                memcpy(memory[part][HEIGHT - 1 - y], source->pixels + 3 * (y * WIDTH + begin),
                       3 * (size_t)(ends[part] - begin));
        }
    }
    const Mosaic mosaic = {WIDTH, HEIGHT, 3, PARTS, ends, rows};
    static const Rect boxes[] = {
        {0, 0, 700, 90}, {2.5, 3.5, 90, 60}, {500, 10, 170.3, 44.4}, {9.9, 30, 30, 30}};
    for (size_t i = 0; i < G_N_ELEMENTS(boxes); i++) {
        g_autoptr(Image) whole = resampled(source, &boxes[i], FILTER_LANCZOS3, 65, 40);
        g_autoptr(Image) out = fixture_image(65, 40, 3);
        g_assert_true(resample_mosaic(&mosaic, &boxes[i], FILTER_LANCZOS3, out, NULL));
        g_assert_cmpint(largest_difference(out, whole), ==, 0);
    }
}

/* With all pixels readable, resample_readable() gives the same as resample(). */
static void test_all_readable(void)
{
    g_autoptr(Image) source = fixture_texture(120, 90, 1), readable = fixture_image(120, 90, 1),
                     out_readable = fixture_image(33, 21, 1);
    g_autoptr(Image) masked = fixture_image(33, 21, 3);
    const Rect box = {4.3, 5.1, 99.2, 70.7};
    memset(readable->pixels, 255, image_bytes(readable));
    for (Filter filter = FILTER_LANCZOS3; filter <= FILTER_BILINEAR; filter++) {
        g_autoptr(Image) plain = resampled(source, &box, filter, 33, 21);
        g_assert_true(resample_readable(source, readable, &box, filter, masked, out_readable, NULL));
        g_assert_cmpint(largest_difference(plain, masked), <=, 1);
        g_assert_null(memchr(out_readable->pixels, 0, image_bytes(out_readable)));
    }
}

/* A constant image stays constant up to the last pixel, whatever the pixels without data hold. */
static void test_nothing_bleeds(void)
{
    g_autoptr(Image) source = fixture_constant(200, 150, 181, 77, 143), readable = fixture_image(200, 150, 1);
    g_autoptr(Image) out = fixture_image(41, 37, 3), out_readable = fixture_image(41, 37, 1);
    Rng rng = rng_at(1, 0, 0);
    for (int y = 0; y < 150; y++) {
        for (int x = 0; x < 200; x++) {
            size_t at = (size_t)y * 200 + (size_t)x;
            gboolean has_data = hypot(x - 90, y - 70) < 60 && (x / 7 + y / 5) % 4 != 0;
            readable->pixels[at] = has_data ? 255 : 0;
            for (int c = 0; c < 3 && !has_data; c++) {
                source->pixels[3 * at + c] = (uint8_t)rng_u32(&rng);
            }
        }
    }
    for (Filter filter = FILTER_LANCZOS3; filter <= FILTER_BILINEAR; filter++) {
        int seen = 0;
        g_assert_true(resample_readable(source, readable, &(Rect){0.4, 0.7, 199, 149}, filter, out,
                                        out_readable, NULL));
        for (size_t i = 0; i < image_bytes(out_readable); i++) {
            const uint8_t *pixel = out->pixels + 3 * i;
            if (out_readable->pixels[i]) {
                seen++;
                g_assert_true(pixel[0] == 181 && pixel[1] == 77 && pixel[2] == 143);
            } else {
                g_assert_true(pixel[0] == 255 && pixel[1] == 255 && pixel[2] == 255);
            }
        }
        g_assert_cmpint(seen, >, 300);
    }
}

/* Zone plate: frequencies above the new Nyquist frequency must vanish, not return as low frequencies.
 * Contrast of the image beyond 1.5 times that frequency, in grey levels (standard deviation); the plate itself has 71. */
static double aliasing(Filter filter)
{
    enum { SIDE = 512, SCALE = 4, OUT = SIDE / SCALE };
    g_autoptr(Image) plate = fixture_image(SIDE, SIDE, 1);
    for (int i = 0; i < SIDE * SIDE; i++) {
        double x = i % SIDE - 256, y = i / SIDE - 256; /* frequency r / SIDE cycles a px: 0.5 at the rim */
        plate->pixels[i] = (uint8_t)lround(127.5 + 100 * cos(M_PI * (x * x + y * y) / SIDE));
    }
    g_autoptr(Image) out = resampled(plate, &(Rect){0, 0, SIDE, SIDE}, filter, OUT, OUT);
    double sum = 0, squares = 0;
    int count = 0;
    for (int i = 0; i < OUT * OUT; i++) {
        double radius = hypot(i % OUT - OUT / 2 + 0.5, i / OUT - OUT / 2 + 0.5) * SCALE;
        if (radius > 1.5 * SIDE / (2.0 * SCALE) && radius < SIDE / 2 - 8) {
            sum += out->pixels[i];
            squares += (double)out->pixels[i] * out->pixels[i];
            count++;
        }
    }
    return sqrt(squares / count - sum / count * (sum / count));
}

static void test_zone_plate(void)
{
    double lanczos = aliasing(FILTER_LANCZOS3), area = aliasing(FILTER_AREA),
           bilinear = aliasing(FILTER_BILINEAR);
    g_test_message("aliases in grey levels: lanczos3 %.2f, bilinear %.2f, area %.2f", lanczos, bilinear,
                   area);
    g_assert_cmpfloat(lanczos, <, 1.2);
    g_assert_cmpfloat(bilinear, <, 2.0);
    g_assert_cmpfloat(area, <, 12.0);
}

/* The position of the box is exact: shifting it by d px moves a linear ramp by d times its slope. */
static void test_sub_pixel(void)
{
    g_autoptr(Image) ramp = fixture_image(200, 16, 1);
    for (int i = 0; i < 200 * 16; i++) {
        ramp->pixels[i] = (uint8_t)(20 + i % 200);
    }
    for (double shift = 0; shift < 2; shift += 0.25) {
        g_autoptr(Image) out = resampled(ramp, &(Rect){40 + shift, 2, 100, 10}, FILTER_LANCZOS3, 40, 4);
        for (int i = 0; i < 40; i++) {
            double centre =
                40 + shift + (i + 0.5) * 2.5; /* of the source pixel that holds 20 + centre - 0.5 */
            g_assert_cmpfloat(fabs(out->pixels[40 + i] - (20 + centre - 0.5)), <=, 0.6);
        }
    }
}

/* A tile's pixels do not depend on how large a part of the slide was read, or resampled at once. */
static void test_parts_agree(void)
{
    g_autoptr(Image) source = fixture_texture(300, 200, 4);
    g_autoptr(Image) whole = resampled(source, &(Rect){10, 10, 280, 180}, FILTER_LANCZOS3, 112, 72);
    for (int part = 0; part < 4; part++) {
        int x = part % 2 * 56, y = part / 2 * 36;
        g_autoptr(Image) out =
            resampled(source, &(Rect){10 + x * 2.5, 10 + y * 2.5, 140, 90}, FILTER_LANCZOS3, 56, 36);
        for (int row = 0; row < 36; row++) {
            g_assert_cmpmem(out->pixels + (size_t)row * 56 * 3, 56 * 3,
                            whole->pixels + 3 * ((size_t)(y + row) * 112 + (size_t)x), 56 * 3);
        }
    }
}

static void test_names_and_errors(void)
{
    Filter filter;
    g_autoptr(Image) source = fixture_texture(10, 10, 4), out = fixture_image(5, 5, 3),
                     grey = fixture_image(5, 5, 1);
    for (Filter f = FILTER_LANCZOS3; f <= FILTER_BILINEAR; f++) {
        g_assert_true(filter_parse(filter_name(f), &filter));
        g_assert_cmpint(filter, ==, f);
        g_assert_cmpint(filter_margin(f, 0.5), <=, filter_margin(f, 4));
    }
    g_assert_false(filter_parse("cubic", &filter));
    const Rect bad[] = {{0, 0, 0, 5}, {0, 0, 5, -1}, {NAN, 0, 5, 5}, {0, 0, INFINITY, 5}, {1e12, 0, 5, 5}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(resample(source, &bad[i], FILTER_AREA, out, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
    }
    g_assert_false(resample(source, &(Rect){0, 0, 5, 5}, FILTER_AREA, grey, NULL));
    /* Boxes outside of the image take the nearest pixels, and read no other memory. */
    g_assert_true(resample(source, &(Rect){-100, -100, 5, 5}, FILTER_LANCZOS3, out, NULL));
    g_assert_true(resample(source, &(Rect){100, 100, 5, 5}, FILTER_LANCZOS3, out, NULL));
    g_assert_cmpint(abs(out->pixels[0] - source->pixels[3 * 99]), <=, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resample/pillow", test_pillow);
    g_test_add_func("/resample/definition", test_definition);
    g_test_add_func("/resample/mosaic", test_mosaic);
    g_test_add_func("/resample/all-readable", test_all_readable);
    g_test_add_func("/resample/nothing-bleeds", test_nothing_bleeds);
    g_test_add_func("/resample/zone-plate", test_zone_plate);
    g_test_add_func("/resample/sub-pixel", test_sub_pixel);
    g_test_add_func("/resample/parts-agree", test_parts_agree);
    g_test_add_func("/resample/names-and-errors", test_names_and_errors);
    return g_test_run();
}

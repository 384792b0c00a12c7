/* Augmentations against torchvision and torch (tests/golden/augment, written by tools/golden_augment.py), the distribution of
 * the noise, and what a draw depends on. */
#include "flows/augment/augment.h"
#include "base/csv.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define SIDE 9
#define VALUES (3 * SIDE * SIDE)

static Csv *golden;

/* Values of the file from `row` on. */
static void values_at(int row, float *x)
{
    for (int i = 0; i < VALUES; i++) {
        double value;
        g_assert_true(csv_number(golden, row + i, 3, &value, NULL));
        x[i] = (float)value;
    }
}

static void apply(const char *operation, double parameter, float *x)
{
    static const struct {
        const char *name;
        void (*run)(float *x, int size, double parameter);
    } in_place[] = {
        {"brightness", augment_brightness},
        {"contrast", augment_contrast},
        {"saturation", augment_saturation},
        {"hue", augment_hue},
    };
    float from[VALUES], room[SIDE * SIDE];
    for (size_t i = 0; i < G_N_ELEMENTS(in_place); i++) {
        if (g_str_equal(operation, in_place[i].name)) {
            in_place[i].run(x, SIDE, parameter);
            return;
        }
    }
    memcpy(from, x, sizeof from);
    if (g_str_equal(operation, "blur")) {
        augment_blur(x, SIDE, parameter, room);
    } else if (g_str_equal(operation, "rotate")) {
        augment_rotate(from, SIDE, parameter, x);
    } else if (!g_str_equal(operation, "input")) {
        gboolean h = g_str_has_prefix(operation, "hflip"), v = g_str_equal(operation, "vflip");
        augment_turn(from, SIDE, h, v, (int)parameter, x);
    }
}

static void test_operations_are_torchvisions(void)
{
    float input[VALUES], x[VALUES], want[VALUES];
    values_at(0, input);
    g_assert_cmpint(csv_rows(golden) % VALUES, ==, 0);
    g_assert_cmpint(csv_rows(golden) / VALUES, ==, 25);
    for (int row = 0; row < csv_rows(golden); row += VALUES) {
        const char *operation = csv_get(golden, row, 0);
        double parameter, worst = 0;
        g_assert_true(csv_number(golden, row, 1, &parameter, NULL));
        memcpy(x, input, sizeof x);
        apply(operation, parameter, x);
        values_at(row, want);
        for (int i = 0; i < VALUES; i++) {
            worst = fmax(worst, fabs((double)x[i] - (double)want[i]));
        }
        g_test_message("%s %g: %.1e", operation, parameter, worst);
        g_assert_cmpfloat(worst, <=, 1e-5);
    }
}

/* ---- stains ---- */

static void test_stain_of_nothing_changes_nothing(void)
{
    float input[VALUES], x[VALUES];
    const double ones[3] = {1, 1, 1}, zeros[3] = {0};
    values_at(0, input);
    memcpy(x, input, sizeof x);
    augment_stain(x, SIDE, ones, zeros);
    for (int i = 0; i < VALUES; i++) {
        g_assert_cmpfloat(fabs((double)x[i] - (double)input[i]), <, 1e-5);
    }
}

/* Pixels of pure haematoxylin: twice the amount squares the transmitted light; the factor of eosin changes nothing. */
static void test_twice_the_haematoxylin_passes_the_square(void)
{
    double vector[3] = {0.650, 0.704, 0.286}, norm = 0;
    const double factor[3] = {2, 0.3, 1}, zeros[3] = {0};
    float x[3 * 4];
    for (int c = 0; c < 3; c++) {
        norm += vector[c] * vector[c];
    }
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) {
            double passes = pow(10, -0.2 * i * vector[c] / sqrt(norm));
            x[4 * c + i] = (float)((passes * 256 - 1) / 255);
        }
    }
    augment_stain(x, 2, factor, zeros);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) {
            double passes = pow(10, -0.4 * i * vector[c] / sqrt(norm));
            g_assert_cmpfloat(fabs((double)x[4 * c + i] - (passes * 256 - 1) / 255), <, 1e-5);
        }
    }
}

/* ---- noise ---- */

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov against the normal distribution: 1.63 / sqrt(n) is exceeded by one seed in a hundred. */
static void test_noise_is_normal(void)
{
    const int size = 128, n = 3 * 128 * 128;
    const double sd = 0.1;
    g_autofree float *x = g_new(float, n);
    Rng rng = rng_at(5, 6, 7);
    double worst = 0;
    for (int i = 0; i < n; i++) {
        x[i] = 0.5f;
    }
    augment_noise(x, size, sd, &rng);
    qsort(x, (size_t)n, sizeof *x, ascending);
    for (int i = 0; i < n; i++) {
        double z = ((double)x[i] - 0.5) / sd, expected = 0.5 * erfc(-z / sqrt(2));
        worst = fmax(worst, fmax(fabs(expected - (double)i / n), fabs((i + 1.0) / n - expected)));
    }
    g_assert_cmpfloat(worst, <, 1.63 / sqrt(n));
    g_assert_cmpfloat((double)x[0], >=, 0);
    g_assert_cmpfloat((double)x[n - 1], >, 0.5 + 3.5 * sd); /* the tails exist */
}

/* ---- whole tiles ---- */

#define TILE 32
#define BYTES (TILE * TILE * 3)

static void paint(uint8_t *rgb)
{
    Rng rng = rng_at(1, 2, 3);
    for (int i = 0; i < BYTES; i++) {
        rgb[i] = (uint8_t)(60 + rng_below(&rng, 150));
    }
}

static AugmentSpec all_of_it(void)
{
    AugmentSpec spec = augment_default();
    spec.hflip = spec.vflip = 0.5;
    spec.rotate90 = spec.rotate = spec.jitter = spec.blur = spec.noise = spec.stain = 1;
    return spec;
}

static void augmented(const AugmentSpec *spec, uint64_t seed, uint64_t identity, uint32_t number,
                      uint8_t *rgb)
{
    AugmentScratch *scratch = augment_scratch_new(TILE, NULL);
    AugmentDraw draw = augment_draw(spec, seed, identity, number);
    paint(rgb);
    augment_apply(&draw, scratch, rgb);
    augment_scratch_free(scratch);
}

static void test_nothing_drawn_leaves_the_bytes(void)
{
    AugmentSpec spec = {0};
    uint8_t rgb[BYTES], clean[BYTES];
    AugmentScratch *scratch = augment_scratch_new(TILE, NULL);
    AugmentDraw draw = augment_draw(&spec, 1, 2, 3);
    g_assert_false(augment_any(&spec));
    for (int i = 0; i < BYTES; i++) {
        rgb[i] = clean[i] = (uint8_t)i; /* all values */
    }
    augment_apply(&draw, scratch, rgb);
    g_assert_cmpmem(rgb, BYTES, clean, BYTES);
    augment_scratch_free(scratch);
}

static void test_a_draw_is_a_function_of_seed_tile_and_number(void)
{
    AugmentSpec spec = all_of_it();
    uint8_t first[BYTES], again[BYTES], other[BYTES];
    augmented(&spec, 1, 2, 3, first);
    augmented(&spec, 1, 2, 3, again);
    g_assert_cmpmem(first, BYTES, again, BYTES);
    augmented(&spec, 2, 2, 3, other);
    g_assert_cmpint(memcmp(first, other, BYTES), !=, 0);
    augmented(&spec, 1, 3, 3, other);
    g_assert_cmpint(memcmp(first, other, BYTES), !=, 0);
    augmented(&spec, 1, 2, 4, other);
    g_assert_cmpint(memcmp(first, other, BYTES), !=, 0);
}

/* Buffers that were used for other tiles before give the same result. */
static void test_scratch_has_no_memory(void)
{
    AugmentSpec spec = all_of_it();
    uint8_t fresh[BYTES], used[BYTES];
    AugmentScratch *scratch = augment_scratch_new(TILE, NULL);
    for (uint32_t number = 0; number < 8; number++) {
        AugmentDraw draw = augment_draw(&spec, 1, 2, number);
        paint(used);
        augment_apply(&draw, scratch, used);
        augmented(&spec, 1, 2, number, fresh);
        g_assert_cmpmem(fresh, BYTES, used, BYTES);
    }
    augment_scratch_free(scratch);
}

/* The tile has no value below 60, so invented dark corners would show. */
static void test_no_black_corners(void)
{
    AugmentSpec spec = {.rotate = 1, .rotate_degrees = 180, .rotate90 = 1};
    uint8_t rgb[BYTES];
    for (uint32_t number = 0; number < 50; number++) {
        augmented(&spec, 1, 2, number, rgb);
        for (int i = 0; i < BYTES; i++) {
            g_assert_cmpint(rgb[i], >=, 60);
            g_assert_cmpint(rgb[i], <, 210);
        }
    }
}

static void test_draws_follow_their_ranges(void)
{
    AugmentSpec spec = augment_default();
    const int n = 4000;
    int flips = 0, turned = 0, jittered = 0, blurs = 0, noises = 0, first[AUGMENT_COLOURS] = {0};
    for (int i = 0; i < n; i++) {
        AugmentDraw d = augment_draw(&spec, 9, (uint64_t)i, 1);
        flips += d.hflip;
        turned += d.degrees != 0;
        jittered += d.jitter;
        blurs += d.sigma > 0;
        noises += d.noise_sd > 0;
        first[d.order[0]]++;
        g_assert_false(d.vflip || d.stain || d.quarters);
        g_assert_cmpint((1 << d.order[0]) | (1 << d.order[1]) | (1 << d.order[2]) | (1 << d.order[3]), ==,
                        15);
        g_assert_cmpfloat(fabs(d.degrees), <=, 15);
        g_assert_cmpfloat(fabs(d.factor[AUGMENT_BRIGHTNESS] - 1), <=, 0.1);
        g_assert_cmpfloat(fabs(d.factor[AUGMENT_HUE]), <=, 0.02);
        g_assert_true(d.sigma == 0 || (d.sigma >= 0.1 && d.sigma <= 1));
        g_assert_true(d.noise_sd >= 0 && d.noise_sd <= 0.02);
    }
    const int count[] = {flips, turned, jittered, blurs, noises, first[0], first[1], first[2], first[3]};
    const double expected[] = {0.5, 0.5, 0.8, 0.2, 0.2, 0.25, 0.25, 0.25, 0.25};
    for (size_t i = 0; i < G_N_ELEMENTS(count); i++) {
        double deviation = sqrt(n * expected[i] * (1 - expected[i]));
        g_assert_cmpfloat(fabs(count[i] - n * expected[i]), <, 4 * deviation);
    }
}

static void test_identity_is_pixels_and_group(void)
{
    uint8_t rgb[BYTES];
    paint(rgb);
    uint64_t identity = augment_identity(rgb, BYTES, "a");
    g_assert_cmpuint(identity, ==, augment_identity(rgb, BYTES, "a"));
    g_assert_cmpuint(identity, !=, augment_identity(rgb, BYTES, "b"));
    g_assert_cmpuint(identity, !=, augment_identity(rgb, BYTES, NULL));
    rgb[BYTES - 1] ^= 1;
    g_assert_cmpuint(identity, !=, augment_identity(rgb, BYTES, "a"));
}

static void test_impossible_values_are_refused(void)
{
    g_autoptr(GError) error = NULL, nan = NULL;
    AugmentSpec spec = augment_default();
    g_assert_true(augment_check(&spec, &error));
    spec.hue = 0.6;
    g_assert_false(augment_check(&spec, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "hue"));
    spec.hue = 0;
    spec.noise = NAN;
    g_assert_false(augment_check(&spec, &nan));
    g_assert_nonnull(strstr(nan->message, "noise"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    golden = csv_read("tests/golden/augment/cases.csv", NULL);
    g_assert_nonnull(golden);
    g_test_add_func("/augment/torchvision", test_operations_are_torchvisions);
    g_test_add_func("/augment/stain/nothing", test_stain_of_nothing_changes_nothing);
    g_test_add_func("/augment/stain/twice", test_twice_the_haematoxylin_passes_the_square);
    g_test_add_func("/augment/noise", test_noise_is_normal);
    g_test_add_func("/augment/nothing", test_nothing_drawn_leaves_the_bytes);
    g_test_add_func("/augment/function", test_a_draw_is_a_function_of_seed_tile_and_number);
    g_test_add_func("/augment/scratch", test_scratch_has_no_memory);
    g_test_add_func("/augment/corners", test_no_black_corners);
    g_test_add_func("/augment/ranges", test_draws_follow_their_ranges);
    g_test_add_func("/augment/identity", test_identity_is_pixels_and_group);
    g_test_add_func("/augment/refused", test_impossible_values_are_refused);
    int status = g_test_run();
    csv_free(golden);
    return status;
}

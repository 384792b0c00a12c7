/* The mean densities that pixel_class.c uses, against plain means over squares: in small images, whose densities are kept, and in large ones, which
 * take two passes; with holes and borders. */
#include "tiler/tissue/pixel_class.h"
#include "tests/fixture_tiff.h"

static const float TISSUE = 0.012F, SURE = 0.024F, GREY = 0.15F; /* as pixel_class.c has them */
static const double SMOOTH_UM = 8;

/* Dark enough that nothing counts as background, so nothing is subtracted; colours on both sides of the bounds. */
static Image *image(int width, int height, uint64_t seed)
{
    Image *image = fixture_image(width, height, 3);
    Rng rng = rng_at(seed, 0, 0);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = image->pixels + 3 * ((size_t)y * (size_t)width + (size_t)x);
            double tint = 40 * sin(x * 0.021 + y * 0.013) + 8 * rng_normal(&rng);
            gboolean black = (x / 9 + y / 5) % 17 == 0 || (x > width - 7 && y % 50 < 30);
            pixel[0] = (uint8_t)(black ? 20 : CLAMP(100 + tint, 50, 160));
            pixel[1] = (uint8_t)(black ? 9 : CLAMP(100 - tint / 2, 50, 160));
            pixel[2] = (uint8_t)(black ? 30 : CLAMP(110 + 5 * rng_normal(&rng), 50, 160));
        }
    }
    return image;
}

static gboolean is_readable(const Image *rgb, const Image *readable, size_t at)
{
    const uint8_t *p = rgb->pixels + 3 * at;
    return (!readable || readable->pixels[at]) && MAX(p[0], MAX(p[1], p[2])) >= 45;
}

/* Mean densities over the readable pixels of the square around (x, y). */
static void mean_density(const Image *rgb, const Image *readable, int x, int y, int radius,
                         const double *density, double out[3])
{
    int count = 0;
    out[0] = out[1] = out[2] = 0;
    for (int j = MAX(0, y - radius); j <= MIN(rgb->height - 1, y + radius); j++) {
        for (int i = MAX(0, x - radius); i <= MIN(rgb->width - 1, x + radius); i++) {
            size_t at = (size_t)j * (size_t)rgb->width + (size_t)i;
            if (is_readable(rgb, readable, at)) {
                for (int c = 0; c < 3; c++) {
                    out[c] += density[rgb->pixels[3 * at + (size_t)c]];
                }
                count++;
            }
        }
    }
    for (int c = 0; c < 3 && count; c++) {
        out[c] /= count;
    }
}

/* found: pixels without and with tissue; pixels too close to a bound are not checked. */
static void compare(const Image *rgb, const Image *readable, double mpp, int step, int found[2])
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) flags = pixel_class_image(rgb, readable, mpp, TRUE, NULL, NULL, &error);
    g_assert_no_error(error);
    double density[256];
    int radius = (int)lround(SMOOTH_UM / mpp);
    for (int i = 0; i < 256; i++) {
        density[i] = -log10((i + 1) / 256.0);
    }
    for (size_t at = 0; at < image_bytes(flags); at += (size_t)step) {
        if (!is_readable(rgb, readable, at)) {
            g_assert_cmpint(flags->pixels[at], ==, 0);
            continue;
        }
        double od[3], margin = 1e-4;
        mean_density(rgb, readable, (int)(at % (size_t)rgb->width), (int)(at / (size_t)rgb->width), radius,
                     density, od);
        double red = od[1] - od[0], blue = od[1] - od[2];
        double chroma = MAX(MAX(fabs(red), fabs(blue)), fabs(red - blue)),
               most = MAX(od[0], MAX(od[1], od[2]));
        double bounds[3] = {chroma - TISSUE, chroma - SURE, chroma - GREY * most};
        if (fabs(bounds[0]) < margin || fabs(bounds[1]) < margin || fabs(bounds[2]) < margin) {
            continue;
        }
        gboolean tissue = bounds[0] > 0 && bounds[2] > 0;
        g_assert_cmpint((flags->pixels[at] & PIXEL_TISSUE) != 0, ==, tissue);
        g_assert_cmpint((flags->pixels[at] & PIXEL_SURE_TISSUE) != 0, ==, bounds[1] > 0 && bounds[2] > 0);
        g_assert_cmpint(flags->pixels[at] & PIXEL_READABLE, ==, PIXEL_READABLE);
        found[tissue]++;
    }
}

static void test_means(void)
{
    static const struct {
        int width, height, step;
        double mpp;
    } cases[] = {
        {300, 256, 7, 0.5},     /* a tile */
        {300, 7, 1, 0.5},       /* lower than a square */
        {9, 300, 1, 0.5},       /* narrower */
        {1100, 1000, 13, 2},    /* gone through twice */
        {2100, 520, 11, 20},    /* no smoothing */
        {1300, 900, 701, 0.06}, /* squares of 267 px, in coarser numbers */
    };
    int found[2] = {0, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Image) rgb = image(cases[i].width, cases[i].height, i);
        g_autoptr(Image) readable = fixture_image(cases[i].width, cases[i].height, 1);
        for (size_t k = 0; k < image_bytes(readable); k++) {
            size_t x = k % (size_t)cases[i].width, y = k / (size_t)cases[i].width;
            readable->pixels[k] = (x / 31 + y / 23) % 5 ? 255 : 0;
        }
        compare(rgb, NULL, cases[i].mpp, cases[i].step, found);
        compare(rgb, readable, cases[i].mpp, cases[i].step, found);
    }
    g_test_message("%d pixels without, %d with tissue", found[0], found[1]);
    g_assert_cmpint(MIN(found[0], found[1]), >, 5000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stain/means-over-squares", test_means);
    return g_test_run();
}

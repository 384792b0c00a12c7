/* Planes of floats as pyramid_spec.h specifies them: every level is computed straight from level 0. */
#include "tiler/pyramid/pyramid.h"
#include "base/rng.h"
#include <math.h>
#include <tiffio.h>
#include <glib/gstdio.h>

enum { WIDTH = 771, HEIGHT = 1030, PLANES = 3 };
static const PyramidPlane planes[PLANES] = {{"mean", 0xFF0000, PYRAMID_MEAN, TRUE},
                                            {"maximum", 0x00FF00, PYRAMID_MAXIMUM, TRUE},
                                            {"no NaN", 0x0000FF, PYRAMID_MEAN, FALSE}};

/* Mostly without data, in patches and single pixels, so that quarters hold different numbers of values. */
static Map *random_map(uint64_t seed, gboolean nan)
{
    Map *map = map_new(WIDTH, HEIGHT, NULL);
    Rng rng = rng_at(seed, 0, 0);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            gboolean patch = (x / 300 + y / 200) % 2, keep = rng_below(&rng, patch ? 30 : 2) == 0;
            float value = (float)rng_uniform(&rng) - 0.5f;
            map->values[(size_t)y * WIDTH + x] = keep || !nan ? value : NAN;
        }
    }
    return map;
}

/* Mean or maximum over the block of level 0 that pixel (x, y) of level k covers. */
static double by_definition(const Map *map, PyramidRule rule, int k, int x, int y)
{
    double sum = 0, most = NAN;
    int64_t count = 0;
    for (int64_t v = (int64_t)y << k; v < MIN((int64_t)(y + 1) << k, HEIGHT); v++) {
        for (int64_t u = (int64_t)x << k; u < MIN((int64_t)(x + 1) << k, WIDTH); u++) {
            double value = map->values[v * WIDTH + u];
            if (!isnan(value)) {
                sum += value;
                most = fmax(most, value);
                count++;
            }
        }
    }
    return rule == PYRAMID_MAXIMUM ? most : count ? sum / (double)count : NAN;
}

/* Checks the current directory. */
static void check_level(TIFF *tiff, const Map *map, PyramidRule rule, int k)
{
    uint32_t width = 0, height = 0, tile = 0;
    uint16_t format = 0, samples = 0;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile);
    TIFFGetField(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    g_assert_cmpint(width, ==, (WIDTH + (1 << k) - 1) >> k);
    g_assert_cmpint(height, ==, (HEIGHT + (1 << k) - 1) >> k);
    g_assert_cmpint(format, ==, SAMPLEFORMAT_IEEEFP);
    g_assert_cmpint(samples, ==, 1);
    g_autofree float *values = g_new(float, (size_t)tile *tile);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            if (x % tile == 0) {
                g_assert_cmpint(TIFFReadTile(tiff, values, x, y, 0, 0), >, 0);
            }
            double got = values[(size_t)(y % tile) * tile + x % tile],
                   wanted = by_definition(map, rule, k, (int)x, (int)y);
            gboolean same = isnan(wanted) ? isnan(got) : fabs(got - wanted) <= (rule ? 0 : 1e-6);
            if (!same) {
                g_error("level %d, %u, %u is %g, not %g", k, x, y, got, wanted);
            }
        }
    }
}

static void test_planes(void)
{
    g_autofree char *folder = g_dir_make_tmp("wsiflow-planes-XXXXXX", NULL),
                    *path = g_build_filename(folder, "planes.tif", NULL);
    g_autoptr(Map) score = random_map(1, TRUE);
    g_autoptr(Map) other = random_map(2, FALSE);
    const Map *const maps[PLANES] = {score, score, other};
    GError *error = NULL;
    PyramidSpec spec = {.layout = PYRAMID_OME,
                        .pixels = PYRAMID_FLOAT,
                        .width = WIDTH,
                        .height = HEIGHT,
                        .mpp_x = 2,
                        .mpp_y = 3,
                        .tile = 64,
                        .min_size = 8,
                        .planes = planes,
                        .plane_count = PLANES};
    char sha256[2][65];
    for (int threads = 1; threads <= 2; threads++) {
        spec.threads = threads;
        g_assert_true(pyramid_write_maps(path, &spec, maps, PLANES, sha256[threads - 1], &error));
        g_assert_no_error(error);
    }
    g_assert_cmpstr(sha256[0], ==, sha256[1]);
    TIFF *tiff = TIFFOpen(path, "r");
    g_assert_nonnull(tiff);
    g_assert_cmpint(TIFFNumberOfDirectories(tiff), ==,
                    PLANES); /* reduced levels stay out of the main chain */
    for (int p = 0; p < PLANES; p++) {
        uint16_t subs = 0;
        toff_t *offsets = NULL;
        g_assert_true(TIFFSetDirectory(tiff, (tdir_t)p));
        check_level(tiff, maps[p], planes[p].rule, 0);
        g_assert_true(TIFFGetField(tiff, TIFFTAG_SUBIFD, &subs, &offsets));
        g_assert_cmpint(subs, ==, 8);
        g_autofree toff_t *own = g_memdup2(offsets, subs * sizeof *offsets);
        for (int k = 0; k < subs; k++) {
            g_assert_true(TIFFSetSubDirectory(tiff, own[k]));
            check_level(tiff, maps[p], planes[p].rule, k + 1);
        }
    }
    TIFFClose(tiff);
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TIFFSetWarningHandler(NULL); /* of the tag GDAL_NODATA, which libtiff does not know */
    g_test_add_func("/pyramid/planes", test_planes);
    return g_test_run();
}

/* Pyramids as pyramid.h specifies them, read by libtiff's decoders and compared with levels made in a
 * simple way. */
#include "tiler/pyramid/pyramid.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <tiffio.h>
#include <glib/gstdio.h>

static char *folder;

static char *path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* ---- a raster of any sample type, as doubles ---- */

typedef struct {
    int width, height, channels;
    double *values;
    double
        *weights; /* of a level: how many values of level 0 are in each; NULL: one in each that is not NaN */
} Raster;

static Raster raster_new(int width, int height, int channels)
{
    return (Raster){width, height, channels, g_new0(double, (size_t)width *height *channels), NULL};
}

static void raster_clear(Raster *raster)
{
    g_free(raster->values);
    g_free(raster->weights);
}

static double *at(const Raster *raster, int x, int y, int c)
{
    return raster->values + ((size_t)y * raster->width + x) * raster->channels + c;
}

static int channels_of(PyramidPixels pixels)
{
    return pixels == PYRAMID_RGB_JPEG || pixels == PYRAMID_RGB_LOSSLESS ? 3 : 1;
}

/* Random pixels with flat areas; maps get areas without data. */
static Raster random_raster(PyramidPixels pixels, int width, int height, uint64_t seed)
{
    Raster raster = raster_new(width, height, channels_of(pixels));
    Rng rng = rng_at(seed, (uint64_t)width, (uint32_t)height);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            gboolean flat = (x / 256 + y / 256) % 2;
            for (int c = 0; c < raster.channels; c++) {
                double value = flat ? 7 : rng_below(&rng, 256);
                if (pixels == PYRAMID_FLOAT) {
                    value = !flat && rng_below(&rng, 5) == 0 ? NAN : flat ? NAN : (float)(value / 255 - 0.25);
                }
                *at(&raster, x, y, c) = value;
            }
        }
    }
    return raster;
}

/* The next level by its definition: of the pixels that exist the mean (ties to even), the maximum, or the mean of the values of level 0
 * without NaN. */
static Raster half(const Raster *from, PyramidPixels pixels)
{
    Raster to = raster_new((from->width + 1) / 2, (from->height + 1) / 2, from->channels);
    to.weights = g_new0(double, (size_t)to.width *to.height *to.channels);
    for (int y = 0; y < to.height; y++) {
        for (int x = 0; x < to.width; x++) {
            for (int c = 0; c < to.channels; c++) {
                double sum = 0, count = 0, most = -INFINITY;
                for (int k = 0; k < 4; k++) {
                    int u = 2 * x + k % 2, v = 2 * y + k / 2;
                    double value = u < from->width && v < from->height ? *at(from, u, v, c) : NAN;
                    if (!isnan(value)) {
                        size_t i = (size_t)(at(from, u, v, c) - from->values);
                        double weight = pixels == PYRAMID_FLOAT && from->weights ? from->weights[i] : 1;
                        sum += weight * value;
                        count += weight;
                        most = MAX(most, value);
                    }
                }
                double mean = count > 0 ? sum / count : NAN;
                to.weights[at(&to, x, y, c) - to.values] = count;
                *at(&to, x, y, c) = pixels == PYRAMID_LABEL   ? most
                                    : pixels == PYRAMID_FLOAT ? (float)mean
                                                              : rint(mean);
            }
        }
    }
    return to;
}

/* Packs rows for a source, as 8 bit or float. */
static void *pack(const Raster *raster, PyramidPixels pixels)
{
    size_t samples = (size_t)raster->width * raster->height * raster->channels;
    void *packed = g_malloc(samples * (pixels == PYRAMID_FLOAT ? sizeof(float) : 1));
    for (size_t i = 0; i < samples; i++) {
        if (pixels == PYRAMID_FLOAT) {
            ((float *)packed)[i] = (float)raster->values[i];
        } else {
            ((uint8_t *)packed)[i] = (uint8_t)raster->values[i];
        }
    }
    return packed;
}

/* ---- writing ---- */

typedef struct {
    const uint8_t *rows; /* all of them */
    size_t row_bytes;
    int64_t next, fail_at;
    int tile;
} Feed;

/* Also checks the contract with the source. */
static gboolean feed(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    Feed *source = data;
    g_assert_cmpint(y, ==, source->next);
    g_assert_cmpint(rows, <=, source->tile);
    source->next += rows;
    if (y <= source->fail_at && source->fail_at < y + rows) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST, "the source failed");
        return FALSE;
    }
    memcpy(pixels, source->rows + (size_t)y * source->row_bytes, (size_t)rows * source->row_bytes);
    return TRUE;
}

static gboolean write_raster(const char *path, const Raster *raster, PyramidSpec spec, char sha256[65],
                             GError **error)
{
    g_autofree void *packed = pack(raster, spec.pixels);
    spec.width = raster->width;
    spec.height = raster->height;
    Feed source = {packed, (size_t)raster->width * raster->channels * (spec.pixels == PYRAMID_FLOAT ? 4 : 1),
                   0, -1, spec.tile ? spec.tile : 256};
    return pyramid_write(path, &spec, feed, &source, sha256, error);
}

/* ---- reading ---- */

/* The current directory. */
static Raster read_directory(TIFF *tiff)
{
    uint32_t width = 0, height = 0, tile_width = 0, tile_height = 0;
    uint16_t samples, bits, compression;
    g_assert_true(TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) &&
                  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height));
    g_assert_true(TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width) &&
                  TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height));
    g_assert_true(TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples) &&
                  TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &bits));
    g_assert_true(TIFFGetField(tiff, TIFFTAG_COMPRESSION, &compression));
    if (compression == COMPRESSION_JPEG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    Raster raster = raster_new((int)width, (int)height, samples);
    g_autofree uint8_t *tile = g_malloc(TIFFTileSize(tiff));
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            if (x % tile_width == 0 && y % tile_height == 0) {
                g_assert_cmpint(TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, 0), tile, -1), ==,
                                TIFFTileSize(tiff));
                for (uint32_t v = y; v < MIN(y + tile_height, height); v++) {
                    for (uint32_t i = 0; i < MIN(tile_width, width - x) * samples; i++) {
                        size_t from = (size_t)(v - y) * tile_width * samples + i;
                        raster.values[((size_t)v * width + x) * samples + i] =
                            bits == 32 ? ((float *)tile)[from] : tile[from];
                    }
                }
            }
        }
    }
    return raster;
}

/* All levels, of either layout; the caller owns the rasters. */
static GArray *read_levels(const char *path, PyramidLayout layout)
{
    GArray *levels = g_array_new(FALSE, FALSE, sizeof(Raster));
    TIFF *tiff = TIFFOpen(path, "r");
    g_assert_nonnull(tiff);
    uint16_t subs = 0;
    toff_t *offsets = NULL, *own = NULL;
    Raster first = read_directory(tiff);
    g_array_append_val(levels, first);
    if (TIFFGetField(tiff, TIFFTAG_SUBIFD, &subs, &offsets)) {
        g_assert_cmpint(layout, ==, PYRAMID_OME);
        own = g_memdup2(offsets, subs * sizeof *offsets);
        g_assert_cmpint(TIFFNumberOfDirectories(tiff), ==, 1); /* reduced levels stay out of the main chain */
    }
    for (int k = 0; own ? k < subs : TIFFReadDirectory(tiff); k++) {
        g_assert_true(!own || TIFFSetSubDirectory(tiff, own[k]));
        Raster level = read_directory(tiff);
        g_array_append_val(levels, level);
    }
    g_free(own);
    TIFFClose(tiff);
    return levels;
}

static void free_levels(GArray *levels)
{
    for (guint i = 0; i < levels->len; i++) {
        g_free(g_array_index(levels, Raster, i).values);
    }
    g_array_unref(levels);
}

static void assert_same(const Raster *got, const Raster *wanted)
{
    g_assert_cmpint(got->width, ==, wanted->width);
    g_assert_cmpint(got->height, ==, wanted->height);
    g_assert_cmpint(got->channels, ==, wanted->channels);
    for (size_t i = 0; i < (size_t)got->width * got->height * got->channels; i++) {
        if (got->values[i] != wanted->values[i] && !(isnan(got->values[i]) && isnan(wanted->values[i]))) {
            g_error("sample %zu is %g, not %g", i, got->values[i], wanted->values[i]);
        }
    }
}

/* ---- tests ---- */

/* Every level of every lossless kind follows the definition, at sizes near that of a tile. */
static void test_levels(void)
{
    static const int sizes[][2] = {{1, 1}, {1, 700}, {255, 257}, {256, 256}, {513, 300}, {770, 1023}};
    static const PyramidPixels kinds[] = {PYRAMID_RGB_LOSSLESS, PYRAMID_LABEL, PYRAMID_FLOAT};
    g_autofree char *path = path_of("levels.tif");
    for (guint s = 0; s < G_N_ELEMENTS(sizes) * G_N_ELEMENTS(kinds) * 2; s++) {
        const int *size = sizes[s / 2 / G_N_ELEMENTS(kinds)];
        PyramidSpec spec = {.layout = s % 2 ? PYRAMID_OME : PYRAMID_MULTI_IFD,
                            .pixels = kinds[s / 2 % G_N_ELEMENTS(kinds)],
                            .mpp_x = 0.25,
                            .mpp_y = 0.25,
                            .tile = 64,
                            .min_size = 16};
        Raster wanted = random_raster(spec.pixels, size[0], size[1], s);
        GError *error = NULL;
        g_assert_true(write_raster(path, &wanted, spec, NULL, &error));
        g_assert_no_error(error);
        GArray *levels = read_levels(path, spec.layout);
        for (guint k = 0; k < levels->len; k++) {
            assert_same(&g_array_index(levels, Raster, k), &wanted);
            Raster next = half(&wanted, spec.pixels);
            gboolean small = wanted.width <= 16 && wanted.height <= 16;
            int tile = CLAMP(MIN(size[0], size[1]) / 16 * 16, 16, 64);
            gboolean less_than_a_tile =
                spec.layout == PYRAMID_MULTI_IFD && MIN(next.width, next.height) < tile;
            g_assert_cmpint(small || less_than_a_tile, ==, k + 1 == levels->len);
            raster_clear(&wanted);
            wanted = next;
        }
        raster_clear(&wanted);
        free_levels(levels);
    }
}

/* Tiles of one value are encoded once, but a tile that is padded at the border is not such a tile. */
static void test_constant_tiles(void)
{
    g_autofree char *path = path_of("levels.tif");
    for (int pixels = PYRAMID_RGB_JPEG; pixels <= PYRAMID_FLOAT; pixels++) {
        PyramidSpec spec = {
            .pixels = (PyramidPixels)pixels, .mpp_x = 1, .mpp_y = 1, .tile = 64, .min_size = 256};
        Raster wanted = raster_new(100, 192, channels_of(spec.pixels));
        for (int y = 0; y < 192; y++) {
            for (int i = 0; i < 100 * wanted.channels; i++) {
                gboolean left = i < 64 * wanted.channels;
                wanted.values[(size_t)y * 100 * wanted.channels + i] = y < 64 && left ? 100
                                                                       : y < 128      ? 200
                                                                                      : 100;
            }
        }
        GError *error = NULL;
        g_assert_true(write_raster(path, &wanted, spec, NULL, &error));
        g_assert_no_error(error);
        GArray *levels = read_levels(path, PYRAMID_MULTI_IFD);
        assert_same(&g_array_index(levels, Raster, 0), &wanted);
        free_levels(levels);
        g_free(wanted.values);
    }
}

/* JPEG is close to the original, also in tiles that the image fills only in part. */
static void test_jpeg(void)
{
    g_autofree char *path = path_of("jpeg.tif");
    for (int quality = 80; quality <= 95; quality += 15) {
        Raster wanted = raster_new(300, 270, 3);
        for (int y = 0; y < 270; y++) {
            for (int x = 0; x < 300; x++) {
                *at(&wanted, x, y, 0) = 180 + 60 * sin(x / 9.0);
                *at(&wanted, x, y, 1) = 120 + 60 * sin(y / 11.0);
                *at(&wanted, x, y, 2) = 200;
            }
        }
        PyramidSpec spec = {.pixels = PYRAMID_RGB_JPEG, .mpp_x = 1, .mpp_y = 1, .quality = quality};
        GError *error = NULL;
        g_assert_true(write_raster(path, &wanted, spec, NULL, &error));
        g_assert_no_error(error);
        TIFF *tiff = TIFFOpen(path, "r");
        uint16_t across = 0, down = 0, photometric = 0;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_YCBCRSUBSAMPLING, &across, &down);
        TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
        TIFFClose(tiff);
        g_assert_cmpint(photometric, ==, PHOTOMETRIC_YCBCR);
        g_assert_cmpint(across, ==, quality >= 90 ? 1 : 2);
        g_assert_cmpint(down, ==, across);
        GArray *levels = read_levels(path, PYRAMID_MULTI_IFD);
        const Raster *got = &g_array_index(levels, Raster, 0);
        for (size_t i = 0; i < (size_t)300 * 270 * 3; i++) {
            g_assert_cmpfloat(fabs(got->values[i] - wanted.values[i]), <, quality >= 90 ? 8 : 24);
        }
        free_levels(levels);
        g_free(wanted.values);
    }
}

/* One pixel of lesion is still there at the top of the pyramid. */
static void test_small_lesion(void)
{
    g_autofree char *path = path_of("lesion.tif");
    g_autoptr(Image) mask = image_new(3000, 2000, 1, NULL);
    GError *error = NULL;
    mask->pixels[(size_t)1234 * 3000 + 2345] = 255;
    PyramidSpec spec = {.layout = PYRAMID_OME,
                        .pixels = PYRAMID_LABEL,
                        .width = 3000,
                        .height = 2000,
                        .mpp_x = 0.25,
                        .mpp_y = 0.25,
                        .min_size = 4};
    g_assert_true(pyramid_write_image(path, &spec, mask, NULL, &error));
    g_assert_no_error(error);
    GArray *levels = read_levels(path, PYRAMID_OME);
    const Raster *top = &g_array_index(levels, Raster, levels->len - 1);
    g_assert_cmpint(top->width, <=, 4);
    g_assert_cmpfloat(*at(top, 2345 >> (levels->len - 1), 1234 >> (levels->len - 1), 0), ==, 255);
    free_levels(levels);
}

/* Every directory has resolution, reduced flag, sample format and software, and no date or host. */
static void test_tags(void)
{
    g_autofree char *path = path_of("tags.tif");
    Raster raster = random_raster(PYRAMID_FLOAT, 1000, 600, 1);
    GError *error = NULL;
    PyramidSpec spec = {.pixels = PYRAMID_FLOAT,
                        .mpp_x = 0.2431,
                        .mpp_y = 0.2429,
                        .tile = 128,
                        .min_size = 64,
                        .description = "scores \xC3\xA4"};
    g_assert_true(write_raster(path, &raster, spec, NULL, &error));
    g_assert_no_error(error);
    g_free(raster.values);
    TIFF *tiff = TIFFOpen(path, "r");
    int level = 0;
    do {
        uint32_t subfile = 99;
        uint16_t unit = 0, format = 0;
        float x = 0, y = 0;
        char *text = NULL;
        TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &subfile);
        TIFFGetField(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
        TIFFGetField(tiff, TIFFTAG_SAMPLEFORMAT, &format);
        TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x);
        TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y);
        g_assert_cmpint(subfile, ==, level ? FILETYPE_REDUCEDIMAGE : 0);
        g_assert_cmpint(unit, ==, RESUNIT_CENTIMETER);
        g_assert_cmpint(format, ==, SAMPLEFORMAT_IEEEFP);
        g_assert_cmpfloat_with_epsilon(10000 / x / (0.2431 * (1 << level)), 1, 2e-7);
        g_assert_cmpfloat_with_epsilon(10000 / y / (0.2429 * (1 << level)), 1, 2e-7);
        g_assert_true(TIFFGetField(tiff, TIFFTAG_SOFTWARE, &text));
        g_assert_cmpstr(text, ==, "wsiflow " WSIFLOW_VERSION);
        g_assert_cmpint(TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text), ==, level == 0);
        g_assert_true(level || g_str_equal(text, "scores ??"));
        g_assert_false(TIFFGetField(tiff, TIFFTAG_DATETIME, &text) ||
                       TIFFGetField(tiff, TIFFTAG_HOSTCOMPUTER, &text));
        level++;
    } while (TIFFReadDirectory(tiff));
    TIFFClose(tiff);
    g_assert_cmpint(level, ==, 3); /* 1000 x 600, 500 x 300, 250 x 150 */
}

/* The same bytes for any number of threads, and the hash is the file's. */
static void test_deterministic(void)
{
    g_autofree char *path = path_of("threads.tif");
    for (int pixels = PYRAMID_RGB_JPEG; pixels <= PYRAMID_FLOAT; pixels++) {
        Raster raster = random_raster((PyramidPixels)pixels, 1100, 900, 3);
        char first[65] = "", sha256[65], on_disk[65];
        for (int threads = 0; threads <= 3; threads++) {
            GError *error = NULL;
            PyramidSpec spec = {.layout = PYRAMID_OME,
                                .pixels = (PyramidPixels)pixels,
                                .mpp_x = 1,
                                .mpp_y = 1,
                                .threads = threads};
            g_assert_true(write_raster(path, &raster, spec, sha256, &error));
            g_assert_no_error(error);
            g_assert_true(durable_hash_file(path, on_disk, NULL, NULL));
            g_assert_cmpstr(sha256, ==, on_disk);
            g_assert_true(!threads || g_str_equal(sha256, first));
            g_strlcpy(first, sha256, sizeof first);
        }
        g_free(raster.values);
    }
}

static int files_in(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    int count = 0;
    while (g_dir_read_name(dir)) {
        count++;
    }
    g_dir_close(dir);
    return count;
}

/* An error of the source is passed on unchanged, and no file is left. */
static void test_source_fails(void)
{
    g_autofree char *empty = path_of("empty"), *path = g_build_filename(empty, "failed.tif", NULL);
    Raster raster = random_raster(PYRAMID_LABEL, 300, 900, 5);
    g_autofree uint8_t *packed = pack(&raster, PYRAMID_LABEL);
    g_assert_cmpint(g_mkdir(empty, 0777), ==, 0);
    for (int64_t fail_at = 0; fail_at < 900; fail_at += 300) {
        Feed source = {packed, 300, 0, fail_at, 256};
        PyramidSpec spec = {.pixels = PYRAMID_LABEL, .width = 300, .height = 900, .mpp_x = 1, .mpp_y = 1};
        g_autoptr(GError) error = NULL;
        g_assert_false(pyramid_write(path, &spec, feed, &source, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_LOST);
        g_assert_cmpint(files_in(empty), ==, 0);
    }
    g_free(raster.values);
    g_rmdir(empty);
}

/* When the disk is full at any byte, there is an error, and no file is left. */
static void test_disk_full(void)
{
    g_autofree char *empty = path_of("empty"), *path = g_build_filename(empty, "full.tif", NULL);
    Raster raster = random_raster(PYRAMID_LABEL, 800, 800, 6);
    struct rlimit before, full;
    g_assert_cmpint(g_mkdir(empty, 0777), ==, 0);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; bytes < 300000; bytes += 37777) { /* the whole file is larger */
        PyramidSpec spec = {.pixels = PYRAMID_LABEL, .mpp_x = 1, .mpp_y = 1, .tile = 64, .min_size = 64};
        g_autoptr(GError) error = NULL;
        full = (struct rlimit){bytes, before.rlim_max};
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &full), ==, 0);
        gboolean ok = write_raster(path, &raster, spec, NULL, &error);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
        g_assert_false(ok);
        g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
        g_assert_cmpint(files_in(empty), ==, 0);
    }
    signal(SIGXFSZ, SIG_DFL);
    g_free(raster.values);
    g_rmdir(empty);
}

/* Writes one file of each kind for test_pyramid_readers.sh into WSIFLOW_SAMPLES; pixels follow formulas that
 * it knows. */
static void test_samples(void)
{
    static const char *const layouts[] = {"multi", "ome"}, *const kinds[] = {"jpeg", "lossless", "label",
                                                                             "float"};
    for (int i = 0; i < 9; i++) {
        gboolean small = i == 8; /* less than a tile */
        static const PyramidPlane plane = {"anomaly", 0xFF8000, PYRAMID_MEAN, TRUE};
        static const char *const notes[] = {"no_data", "NaN & <nothing>", NULL};
        gboolean ome_float = i == 4 + PYRAMID_FLOAT;
        PyramidSpec spec = {.layout = small ? PYRAMID_MULTI_IFD : (PyramidLayout)(i / 4),
                            .pixels = small ? PYRAMID_RGB_LOSSLESS : (PyramidPixels)(i % 4),
                            .mpp_x = 0.243,
                            .mpp_y = 0.2431,
                            .description = "Anomaly <score> & caf\xC3\xA9",
                            .planes = ome_float ? &plane : NULL,
                            .plane_count = ome_float,
                            .comment = "a <comment>",
                            .notes = notes,
                            .threads = 2};
        int channels = channels_of(spec.pixels);
        Raster raster = raster_new(small ? 188 : 1501, small ? 130 : 1037, channels);
        for (int y = 0; y < raster.height; y++) {
            for (int x = 0; x < raster.width; x++) {
                for (int c = 0; c < channels; c++) {
                    double value = (x / 3 + y / 2 * (c + 1)) % 200 + 20;
                    value = spec.pixels == PYRAMID_LABEL ? (x / 100 + y / 100) % 3 * 100 : value;
                    value = spec.pixels == PYRAMID_FLOAT ? x < 100 ? NAN : (float)(value / 256) : value;
                    *at(&raster, x, y, c) = value;
                }
            }
        }
        g_autofree char *name =
            small ? g_strdup("multi_small.tif") : g_strdup_printf("%s_%s.tif", layouts[i / 4], kinds[i % 4]);
        g_autofree char *path = g_build_filename(g_getenv("WSIFLOW_SAMPLES"), name, NULL);
        GError *error = NULL;
        g_assert_true(write_raster(path, &raster, spec, NULL, &error));
        g_assert_no_error(error);
        g_free(raster.values);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("wsiflow-pyramid-XXXXXX", NULL);
    g_test_add_func("/pyramid/levels", test_levels);
    g_test_add_func("/pyramid/constant-tiles", test_constant_tiles);
    g_test_add_func("/pyramid/jpeg", test_jpeg);
    g_test_add_func("/pyramid/small-lesion", test_small_lesion);
    g_test_add_func("/pyramid/tags", test_tags);
    g_test_add_func("/pyramid/deterministic", test_deterministic);
    g_test_add_func("/pyramid/source-fails", test_source_fails);
    g_test_add_func("/pyramid/disk-full", test_disk_full);
    if (g_getenv("WSIFLOW_SAMPLES")) {
        g_test_add_func("/pyramid/samples", test_samples);
    }
    int failed = g_test_run();
    static const char *const left[] = {"levels.tif", "jpeg.tif", "lesion.tif", "tags.tif", "threads.tif"};
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autofree char *path = path_of(left[i]);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing else was left behind */
    g_free(folder);
    return failed;
}

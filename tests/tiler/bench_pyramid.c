/* How fast images, pyramids and synthetic slides are written; megapixels are those of level 0, all levels
 * are written. `bench pyramid_KIND` is a pyramid of stained tissue (or of scores), on all processors; `bench
 * pyramid_mask` one that is nearly empty, as lesion masks are, with its highest memory; `bench png_tiles`
 * 256-px tiles on one processor; `bench synth_slide` a whole synthetic slide of 12288 x 9216 px.
 *
 * For tools/bench_pyramid, which compares with libvips:
 *   bench_pyramid --make  jpeg|float OUT.raw WIDTH HEIGHT            pixels to write pyramids of
 *   bench_pyramid --write jpeg|float IN.raw WIDTH HEIGHT OUT THREADS one pyramid of them */
#include "tiler/imagefile/imagefile.h"
#include "tiler/pyramid/pyramid.h"
#include "tiler/synth/synth.h"
#include "tiler/synth/synth_plan.h"
#include "base/pool.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <glib/gstdio.h>

enum { SIDE = 4096, TILE = 256 };

static double seconds_since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) / 1e6;
}

static const char *only; /* the one measurement asked for, or NULL */

static gboolean wanted(const char *name)
{
    return !only || g_str_has_prefix(only, name);
}

static void check(gboolean ok, GError *error)
{
    if (!ok) {
        g_error("%s", error->message);
    }
}

/* SIDE x SIDE pixels of tissue. */
static Image *paint_tissue(void)
{
    SynthSpec spec = {.seed = 1, .width = 3 * SIDE, .height = 3 * SIDE, .mpp = 0.5};
    GError *error = NULL;
    Image *tissue = image_new(SIDE, SIDE, 3, &error);
    g_autoptr(SynthPlan) plan = synth_plan_new(&spec, &error);
    SynthPainter *painter = plan ? synth_painter_new(plan, TILE, &error) : NULL;
    check(tissue && painter, error);
    for (int i = 0; i < SIDE / TILE * (SIDE / TILE); i++) {
        int x = i % (SIDE / TILE) * TILE, y = i / (SIDE / TILE) * TILE;
        synth_paint(painter, SIDE + x, SIDE + y, TILE, TILE, tissue->pixels + ((size_t)y * SIDE + x) * 3,
                    SIDE * 3);
    }
    synth_painter_free(painter);
    return tissue;
}

static void bench_image(const char *name, const char *path, PyramidPixels pixels, const Image *image)
{
    GError *error = NULL;
    if (!wanted(name)) {
        return;
    }
    PyramidSpec spec = {.pixels = pixels,
                        .width = SIDE,
                        .height = SIDE,
                        .mpp_x = 0.5,
                        .mpp_y = 0.5,
                        .quality = 85,
                        .threads = pool_processors()};
    gint64 start = g_get_monotonic_time();
    check(pyramid_write_image(path, &spec, image, NULL, &error), error);
    printf("bench %s %.0f MP/s\n", name, SIDE * SIDE / 1e6 / seconds_since(start));
}

static void bench_scores(const char *path, const Image *tissue)
{
    GError *error = NULL;
    g_autoptr(Map) map = map_new(SIDE, SIDE, &error);
    check(map != NULL, error);
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
        map->values[i] =
            tissue->pixels[3 * i] > 230 ? map->values[i] : (float)tissue->pixels[3 * i + 1] / 255;
    }
    PyramidSpec spec = {.layout = PYRAMID_OME,
                        .pixels = PYRAMID_FLOAT,
                        .width = SIDE,
                        .height = SIDE,
                        .mpp_x = 8,
                        .mpp_y = 8,
                        .threads = pool_processors()};
    gint64 start = g_get_monotonic_time();
    check(pyramid_write_map(path, &spec, map, NULL, &error), error);
    printf("bench pyramid_scores %.0f MP/s\n", SIDE * SIDE / 1e6 / seconds_since(start));
}

enum { MASK_SIDE = 65536 };

/* A band across, the rest empty. */
static gboolean mask_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    memset(pixels, 0, (size_t)rows * MASK_SIDE);
    for (int r = 0; r < rows; r++) {
        memset((uint8_t *)pixels + (size_t)r * MASK_SIDE + (y + r) / 2, 255, 3000);
    }
    return TRUE;
}

static void bench_mask(const char *path)
{
    GError *error = NULL;
    PyramidSpec spec = {.pixels = PYRAMID_LABEL,
                        .width = MASK_SIDE,
                        .height = MASK_SIDE,
                        .mpp_x = 0.25,
                        .mpp_y = 0.25,
                        .threads = pool_processors()};
    gint64 start = g_get_monotonic_time();
    check(pyramid_write(path, &spec, mask_rows, NULL, NULL, &error), error);
    printf("bench pyramid_mask %.0f MP/s\n", (double)MASK_SIDE * MASK_SIDE / 1e6 / seconds_since(start));
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("bench pyramid_mask_memory %.0f MB\n", (double)usage.ru_maxrss / 1024);
}

static void bench_png(const Image *tissue)
{
    enum { TILES = 64 };
    GError *error = NULL;
    g_autoptr(Image) tile = image_new(TILE, TILE, 3, &error);
    check(tile != NULL, error);
    double seconds = 0, bytes = 0;
    for (int t = 0; t < TILES; t++) {
        for (int y = 0; y < TILE; y++) {
            memcpy(tile->pixels + (size_t)y * TILE * 3,
                   tissue->pixels + ((size_t)(t / 16 * TILE + y) * SIDE + (size_t)t % 16 * TILE) * 3,
                   TILE * 3);
        }
        g_autoptr(GByteArray) out = g_byte_array_new();
        gint64 start = g_get_monotonic_time();
        check(imagefile_encode_png(tile, out, &error), error);
        seconds += seconds_since(start);
        bytes += out->len;
    }
    printf("bench png_tiles %.1f MP/s\n", TILES * TILE * TILE / 1e6 / seconds);
    printf("bench png_tiles_size %.2f bytes/px\n", bytes / (TILES * TILE * TILE));
}

static void bench_synth(const char *path)
{
    GError *error = NULL;
    SynthSpec spec = {.seed = 2, .width = 12288, .height = 9216, .mpp = 0.5, .lesions = 2, .pen = TRUE};
    gint64 start = g_get_monotonic_time();
    g_autoptr(GPtrArray) outlines = synth_slide(path, &spec, pool_processors(), &error);
    check(outlines != NULL, error);
    printf("bench synth_slide %.2f s\n", seconds_since(start));
}

static void bench_tissue(const char *path)
{
    g_autoptr(Image) tissue = paint_tissue();
    bench_image("pyramid_jpeg", path, PYRAMID_RGB_JPEG, tissue);
    bench_image("pyramid_lossless", path, PYRAMID_RGB_LOSSLESS, tissue);
    if (wanted("pyramid_scores")) {
        bench_scores(path, tissue);
    }
    if (wanted("png_tiles")) {
        bench_png(tissue);
    }
}

/* ---- one pyramid of a file of pixels ---- */

typedef struct {
    const uint8_t *pixels;
    size_t row_bytes;
} RawPixels;

static gboolean raw_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    const RawPixels *raw = data;
    memcpy(pixels, raw->pixels + (size_t)y * raw->row_bytes, (size_t)rows * raw->row_bytes);
    return TRUE;
}

/* The pixels of tissue, or scores made of them, repeated in x and y. */
static void make_raw(gboolean jpeg, const char *path, int width, int height)
{
    g_autoptr(Image) tissue = paint_tissue();
    FILE *out = fopen(path, "wb");
    g_assert_nonnull(out);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const uint8_t *rgb = tissue->pixels + 3 * ((size_t)(y % SIDE) * SIDE + x % SIDE);
            /* Scores change slowly from cell to cell, and glass has none. */
            float score = rgb[0] > 230 ? NAN : (float)(rgb[1] + 2 * sin(x * 0.01) + 0.01 * rgb[2]) / 32;
            fwrite(jpeg ? (const void *)rgb : &score, jpeg ? 3 : sizeof score, 1, out);
        }
    }
    g_assert_cmpint(fclose(out), ==, 0);
}

static void write_raw(gboolean jpeg, const char *from, int width, int height, const char *to, int threads)
{
    GError *error = NULL;
    GMappedFile *file = g_mapped_file_new(from, FALSE, &error);
    check(file != NULL, error);
    RawPixels raw = {(const uint8_t *)g_mapped_file_get_contents(file), (size_t)width * (jpeg ? 3 : 4)};
    g_assert_cmpint((gint64)g_mapped_file_get_length(file), ==, (gint64)raw.row_bytes * height);
    PyramidSpec spec = {.layout = jpeg ? PYRAMID_MULTI_IFD : PYRAMID_OME,
                        .pixels = jpeg ? PYRAMID_RGB_JPEG : PYRAMID_FLOAT,
                        .width = width,
                        .height = height,
                        .mpp_x = 0.5,
                        .mpp_y = 0.5,
                        .quality = 85,
                        .threads = threads};
    check(pyramid_write(to, &spec, raw_rows, &raw, NULL, &error), error);
    g_mapped_file_unref(file);
}

static int number(const char *text)
{
    return (int)g_ascii_strtoll(text, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc == 6 && g_str_equal(argv[1], "--make")) {
        make_raw(g_str_equal(argv[2], "jpeg"), argv[3], number(argv[4]), number(argv[5]));
        return 0;
    }
    if (argc == 8 && g_str_equal(argv[1], "--write")) {
        write_raw(g_str_equal(argv[2], "jpeg"), argv[3], number(argv[4]), number(argv[5]), argv[6],
                  number(argv[7]));
        return 0;
    }
    static const char *const of_tissue[] = {"pyramid_jpeg", "pyramid_lossless", "pyramid_scores",
                                            "png_tiles"};
    g_autofree char *folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "bench.tif", NULL);
    gboolean needs_tissue = FALSE;
    only = argc > 1 ? argv[1] : NULL;
    for (guint i = 0; i < G_N_ELEMENTS(of_tissue); i++) {
        needs_tissue |= wanted(of_tissue[i]);
    }
    if (wanted("pyramid_mask")) {
        bench_mask(path); /* first: its memory is the process's highest */
    }
    if (needs_tissue) {
        bench_tissue(path);
    }
    if (wanted("synth_slide")) {
        bench_synth(path);
    }
    g_unlink(path);
    g_rmdir(folder);
    return 0;
}

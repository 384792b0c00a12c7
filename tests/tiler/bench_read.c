/* Reading and cutting, in level-0 megapixels per second of processor time (not elapsed time, since other programs may use the machine).
 *   read_fast, read_openslide  256 x 256 px in order, each tile of the file once
 *   cut_4x, cut_4x_dct         tiles of 256 px at 3.9 times the slide's um/px, Lanczos; without and with levels by the DCT
 *   resample_lanczos3_4x       the resampling alone, in source pixels; resample_area_4x likewise
 *   tissue                     a mask of an image at 8 um/px, in mask pixels
 * The slide is $WSIFLOW_BENCH_SLIDE, or a synthetic one of level 0 alone (JPEG, 4:2:0, 256-px tiles). */
#include "tiler/cut/cut.h"
#include "tiler/tissue/tissue.h"
#include "tests/fixture_slide.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(GError *error)
{
    fprintf(stderr, "bench_read: %s\n", error->message);
    exit(1);
}

static Slide *open_slide(const char *path, gboolean openslide, gboolean dct)
{
    GError *error = NULL;
    const SlideOptions options = {.no_fast_path = openslide, .dct_levels = dct, .mpp_x = 0.25, .mpp_y = 0.25};
    Slide *slide = slide_open(path, &options, &error);
    if (!slide) {
        fail(error);
    }
    return slide;
}

static Image *new_image(int width, int height)
{
    GError *error = NULL;
    Image *image = image_new(width, height, 3, &error);
    if (!image) {
        fail(error);
    }
    return image;
}

static double level0_megapixels(const Slide *slide)
{
    return (double)slide_info(slide)->levels[0].width * (double)slide_info(slide)->levels[0].height * 1e-6;
}

static double read_rate(const char *path, gboolean openslide)
{
    GError *error = NULL;
    g_autoptr(Slide) slide = open_slide(path, openslide, FALSE);
    g_autoptr(Image) rgb = new_image(256, 256);
    double start = processor_seconds();
    for (int64_t y = 0; y < slide_info(slide)->levels[0].height; y += 256) {
        for (int64_t x = 0; x < slide_info(slide)->levels[0].width; x += 256) {
            if (!slide_read(slide, 0, x, y, rgb, NULL, &error)) {
                fail(error);
            }
        }
    }
    return level0_megapixels(slide) / (processor_seconds() - start);
}

static double cut_rate(const char *path, gboolean dct)
{
    GError *error = NULL;
    g_autoptr(Slide) slide = open_slide(path, FALSE, dct);
    g_autoptr(Image) rgb = new_image(256, 256);
    const CutSpec spec = {256, 0.25 * 3.9, FILTER_LANCZOS3};
    double side = 256 * 3.9, start = processor_seconds();
    for (double y = 0; y < (double)slide_info(slide)->levels[0].height; y += side) {
        for (double x = 0; x < (double)slide_info(slide)->levels[0].width; x += side) {
            if (!cut_tile(slide, &spec, x, y, rgb, NULL, NULL, &error)) {
                fail(error);
            }
        }
    }
    return level0_megapixels(slide) / (processor_seconds() - start);
}

static double resample_rate(Filter filter)
{
    g_autoptr(Image) source = new_image(2048, 2048), out = new_image(512, 512);
    double start = processor_seconds();
    for (int round = 0; round < 4; round++) {
        resample(source, &(Rect){0, 0, 2048, 2048}, filter, out, NULL);
    }
    return 4 * 2048 * 2048e-6 / (processor_seconds() - start);
}

static double tissue_rate(const char *path)
{
    GError *error = NULL;
    g_autoptr(Slide) slide = open_slide(path, FALSE, FALSE);
    g_autoptr(Image) image = new_image(2048, 2048);
    if (!slide_read(slide, 0, 0, 0, image, NULL, &error)) {
        fail(error);
    }
    double start = processor_seconds();
    image_free(tissue_of_image(image, NULL, 8, NULL, NULL, &error));
    return 2048 * 2048e-6 / (processor_seconds() - start);
}

static void report(const char *wanted, const char *name, double rate)
{
    if (!wanted || strcmp(wanted, name) == 0) {
        printf("bench %s %.1f MP/s\n", name, rate);
    }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : NULL, *given = g_getenv("WSIFLOW_BENCH_SLIDE");
    char *folder = fixture_folder();
    g_autofree char *path = given ? g_strdup(given) : g_build_filename(folder, "slide.tif", NULL);
    if (!given) {
        fixture_flat_slide(folder, path);
    }
    report(wanted, "read_fast", read_rate(path, FALSE));
    report(wanted, "read_openslide", read_rate(path, TRUE));
    report(wanted, "cut_4x", cut_rate(path, FALSE));
    report(wanted, "cut_4x_dct", cut_rate(path, TRUE));
    report(wanted, "resample_lanczos3_4x", resample_rate(FILTER_LANCZOS3));
    report(wanted, "resample_area_4x", resample_rate(FILTER_AREA));
    report(wanted, "tissue", tissue_rate(path));
    fixture_remove(folder);
    return 0;
}

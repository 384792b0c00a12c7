/* `bench overlay_large`: an overlay of 120,000 x 100,000 px at level 0, mostly glass, on all processors; megapixels of level 0 a second, and the
 * highest memory of the process, with the map. */
#include "tiler/heatmap/overlay.h"
#include "tiler/pyramid/pyramid.h"
#include "base/pool.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 120000, HEIGHT = 100000, CELL = 32, COLUMNS = WIDTH / CELL, ROWS = HEIGHT / CELL };

static void check(gboolean ok, GError *error)
{
    if (!ok) {
        g_error("%s", error->message);
    }
}

/* Tissue is a disc in the middle, of a twentieth of the area. */
static gboolean is_tissue(double x, double y)
{
    return hypot(x - WIDTH / 2.0, y - HEIGHT / 2.0) < 13800;
}

static gboolean slide_rows(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    int64_t *at = data;
    at[0] = y;
    at[1] = rows;
    return TRUE;
}

static gboolean slide_part(void *data, int64_t x, int width, void *pixels, size_t stride, gboolean *constant,
                           GError **error)
{
    const int64_t *at = data;
    *constant = !is_tissue((double)x + width / 2.0, (double)at[0] + (double)at[1] / 2);
    for (int row = 0; row < (*constant ? 1 : at[1]); row++) {
        uint8_t *out = (uint8_t *)pixels + (size_t)row * stride;
        for (int i = 0; i < (*constant ? 3 : 3 * width); i++) {
            double wave = sin((double)(x + i / 3) * 0.31) * cos((double)(at[0] + row) * 0.23);
            out[i] = *constant ? 240 : (uint8_t)(190 + 40 * wave - (i % 3 == 1 ? 60 : 0));
        }
    }
    return TRUE;
}

/* In a process of its own, whose memory does not count. */
static void write_slide(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        GError *error = NULL;
        int64_t at[2];
        PyramidSpec spec = {.pixels = PYRAMID_RGB_JPEG,
                            .width = WIDTH,
                            .height = HEIGHT,
                            .mpp_x = 0.25,
                            .mpp_y = 0.25,
                            .quality = 80,
                            .threads = pool_processors(),
                            .part = slide_part};
        check(pyramid_write(path, &spec, slide_rows, at, NULL, &error), error);
        _exit(0);
    }
    int status = 1;
    g_assert_true(waitpid(child, &status, 0) == child && status == 0);
}

static void measure(const char *slide_path, const char *path)
{
    GError *error = NULL;
    g_autoptr(Map) map = map_new(COLUMNS, ROWS, &error);
    check(map != NULL, error);
    for (int y = 0; y < ROWS; y++) {
        for (int x = 0; x < COLUMNS; x++) {
            if (is_tissue((x + 0.5) * CELL, (y + 0.5) * CELL)) {
                map->values[(size_t)y * COLUMNS + x] = (float)(3 + 3 * sin(x * 0.05) * sin(y * 0.04));
            }
        }
    }
    const double square[] = {1800, 1500, 1900, 1500, 1900, 1600, 1800, 1600};
    const OverlayRing ring = {square, 4};
    const OverlaySpec spec = {.map = map,
                              .colours = "viridis",
                              .low = 0,
                              .high = 6,
                              .opacity = 0.6,
                              .rings = &ring,
                              .ring_count = 1,
                              .quality = 85,
                              .threads = pool_processors(),
                              .description = "bench"};
    const SlideOptions options = {.mpp_x = 0.25, .mpp_y = 0.25};
    gint64 start = g_get_monotonic_time();
    g_autoptr(Slide) slide = slide_open(slide_path, &options, &error);
    check(slide && overlay_write(path, slide, &spec, NULL, &error), error);
    double seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("bench overlay_large %.0f MP/s\n", (double)WIDTH * HEIGHT / 1e6 / seconds);
    printf("bench overlay_large_memory %.0f MB\n", (double)usage.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !g_str_equal(argv[1], "overlay_large")) {
        return 0;
    }
    g_autofree char *folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
    g_autofree char *slide = g_build_filename(folder, "slide.tif", NULL),
                    *path = g_build_filename(folder, "overlay.tif", NULL);
    write_slide(slide);
    measure(slide, path);
    g_unlink(slide);
    g_unlink(path);
    g_rmdir(folder);
    return 0;
}

/* Score maps and their images, as blend.h and heatmap.h specify them. */
#include "tiler/heatmap/blend.h"
#include "tiler/heatmap/colour_map.h"
#include "tiler/heatmap/heatmap.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static Map *constant_map(int width, int height, float value)
{
    Map *map = map_new(width, height, NULL);
    for (int i = 0; i < width * height; i++) {
        map->values[i] = value;
    }
    return map;
}

/* Size x resolution of the map equals that of the slide, separately in x and y. */
static void test_geometry(void)
{
    static const struct {
        double width, height, mpp_x, mpp_y, cell;
        int columns, rows;
    } cases[] = {{1000, 500, 0.5, 0.5, 8, 63, 32},
                 {1024, 512, 0.25, 0.5, 8, 32, 32},
                 {3, 3, 0.2, 0.2, 8, 1, 1},
                 {97792, 221184, 0.243, 0.2431, 16, 1486, 3361}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_autoptr(Blend) blend =
            blend_new(cases[i].width, cases[i].height, cases[i].mpp_x, cases[i].mpp_y, cases[i].cell, &error);
        g_assert_no_error(error);
        g_autoptr(Map) map = blend_finish(blend, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpint(map->width, ==, cases[i].columns);
        g_assert_cmpint(map->height, ==, cases[i].rows);
        g_assert_true(isnan(map->values[0]));
    }
    static const double wrong[][5] = {
        {0, 5, 1, 1, 1}, {5, 5, 0, 1, 1}, {5, 5, 1, NAN, 1}, {5, 5, 1, 1, -1}, {1e6, 1e6, 1, 1, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(blend_new(wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], wrong[i][4], &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
}

/* A map pixel belongs to a tile when its centre is in the half-open footprint.  All other pixels have no
 * data. */
static void test_footprint(void)
{
    g_autoptr(Blend) blend = blend_new(100, 80, 1, 1, 10, NULL); /* 10 x 8 cells, centres at 5, 15, ... */
    g_autoptr(Map) tile = constant_map(4, 4, 0.3f);
    blend_add(blend, &(Rect){15, 25, 30, 20}, tile, NULL); /* x: 15, 25, 35 (not 45); y: 25, 35 (not 45) */
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 10; x++) {
            float value = map->values[y * 10 + x];
            gboolean inside = x >= 1 && x <= 3 && y >= 2 && y <= 3;
            g_assert_true(inside ? value == 0.3f : isnan(value)); /* one tile alone: exactly its value */
        }
    }
}

/* Overlapping tiles with equal values keep these values; a ramp over the slide stays that ramp. */
static void test_ramp(void)
{
    const double slide = 2048, tile_px = 256, step = 192;
    g_autoptr(Blend) blend = blend_new(slide, slide, 0.5, 0.5, 8, NULL); /* 16 level-0 px a cell */
    for (double ty = 0; ty + tile_px <= slide; ty += step) {
        for (double tx = 0; tx + tile_px <= slide; tx += step) {
            g_autoptr(Map) tile = map_new(32, 32, NULL);
            for (int i = 0; i < 32 * 32; i++) {
                double x = tx + (i % 32 + 0.5) * 8, y = ty + (i / 32 + 0.5) * 8;
                tile->values[i] = (float)(0.001 * x - 0.0005 * y);
            }
            blend_add(blend, &(Rect){tx, ty, tile_px, tile_px}, tile, NULL);
        }
    }
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    for (int y = 0; y < 120; y++) {
        for (int x = 0; x < 120; x++) {
            double wanted = 0.001 * (x + 0.5) * 16 - 0.0005 * (y + 0.5) * 16;
            g_assert_cmpfloat(fabs(map->values[y * map->width + x] - wanted), <, 1e-6);
        }
    }
}

/* Two tiles with different values fade into each other: without a step, with their own values at the ends, and symmetric in the
 * middle. */
static void test_seam(void)
{
    g_autoptr(Blend) blend = blend_new(384, 256, 1, 1, 1, NULL);
    g_autoptr(Map) left = constant_map(8, 8, 0), right = constant_map(8, 8, 1);
    blend_add(blend, &(Rect){0, 0, 256, 256}, left, NULL);
    blend_add(blend, &(Rect){128, 0, 256, 256}, right, NULL);
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    const float *row = map->values + (size_t)100 * 384;
    g_assert_cmpfloat(row[127], ==, 0);
    g_assert_cmpfloat(row[256], ==, 1);
    for (int x = 1; x < 384; x++) {
        g_assert_cmpfloat(row[x], >=, row[x - 1]);
        g_assert_cmpfloat(row[x] - row[x - 1], <, 0.03);
    }
    g_assert_cmpfloat(fabs(row[191] + row[192] - 1), <, 1e-6);
}

/* A map pixel that is coarser than the tile's map is the mean of what it covers, not one sample of it. */
static void test_fine_tile(void)
{
    g_autoptr(Blend) blend = blend_new(64, 64, 1, 1, 16, NULL);
    g_autoptr(Map) tile = map_new(64, 64, NULL);
    for (int i = 0; i < 64 * 64; i++) {
        tile->values[i] = (float)((i % 64 + i / 64) % 2); /* a chequerboard */
    }
    blend_add(blend, &(Rect){0, 0, 64, 64}, tile, NULL);
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    for (int i = 0; i < 16; i++) {
        g_assert_cmpfloat(fabs(map->values[i] - 0.5), <, 1e-6);
    }
}

/* Pixels without data in a tile or in the readable mask, and pixels outside the tissue, have no data in the map; NaN does not
 * spread. */
static void test_no_data(void)
{
    g_autoptr(Blend) blend = blend_new(40, 40, 1, 1, 10, NULL);
    g_autoptr(Map) tile = constant_map(4, 4, 0.5f);
    g_autoptr(Image) readable = image_new(2, 2, 1, NULL), tissue = image_new(4, 4, 1, NULL);
    tile->values[0] = NAN;
    memcpy(readable->pixels, (uint8_t[]){255, 0, 255, 255}, 4);
    memset(tissue->pixels, 255, 16);
    tissue->pixels[3 * 4 + 1] = 0;
    blend_add(blend, &(Rect){0, 0, 40, 40}, tile, readable);
    g_autoptr(Map) map = blend_finish(blend, tissue, NULL);
    for (int y = 0; y < 4; y++) {
        for (int x = 0; x < 4; x++) {
            gboolean empty = (x == 0 && y == 0) || (x >= 2 && y < 2) || (x == 1 && y == 3);
            g_assert_true(empty ? isnan(map->values[y * 4 + x]) : map->values[y * 4 + x] == 0.5f);
        }
    }
}

/* A tile pixel without data covers its own area in the map, and not more. */
static void test_no_data_area(void)
{
    g_autoptr(Blend) blend = blend_new(40, 40, 1, 1, 1, NULL);
    g_autoptr(Map) tile = constant_map(4, 4, 0.5f);
    tile->values[5] = NAN;
    blend_add(blend, &(Rect){0, 0, 40, 40}, tile, NULL);
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    for (int y = 0; y < 40; y++) {
        for (int x = 0; x < 40; x++) {
            gboolean empty = x / 10 == 1 && y / 10 == 1;
            g_assert_true(empty ? isnan(map->values[y * 40 + x]) : map->values[y * 40 + x] == 0.5f);
        }
    }
}

/* Of tiles across the border of the slide the part inside counts. */
static void test_border(void)
{
    g_autoptr(Blend) blend = blend_new(100, 100, 1, 1, 10, NULL);
    g_autoptr(Map) tile = constant_map(3, 3, 2);
    blend_add(blend, &(Rect){80, 90, 256, 256}, tile, NULL);
    blend_add(blend, &(Rect){-200, -200, 210, 210}, tile, NULL);
    blend_add(blend, &(Rect){500, 500, 10, 10}, tile, NULL);
    g_autoptr(Map) map = blend_finish(blend, NULL, NULL);
    int found = 0;
    for (int i = 0; i < 100; i++) {
        found += map->values[i] == 2;
    }
    g_assert_cmpint(found, ==, 3); /* (8, 9), (9, 9) and (0, 0) */
}

static double lightness(const uint8_t *colour)
{
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2];
}

static Image *colour_ramp(const char *name)
{
    g_autoptr(Map) map = map_new(256, 1, NULL);
    for (int i = 0; i < 256; i++) {
        map->values[i] = (float)i / 255;
    }
    return heatmap_colour(map, 0, 1, name, NULL, 1, NULL);
}

/* The published colours, at indices that are not in the tables of colour_map.c; the lightness of viridis and inferno
 * increases throughout. */
static void test_colour_maps(void)
{
    static const struct {
        const char *name;
        int at, colour[3];
    } known[] = {{"turbo", 0, {48, 18, 59}},       {"turbo", 8, {57, 42, 115}},
                 {"turbo", 64, {40, 188, 235}},    {"turbo", 96, {50, 242, 152}},
                 {"turbo", 128, {164, 252, 60}},   {"turbo", 160, {238, 207, 58}},
                 {"turbo", 192, {251, 126, 33}},   {"turbo", 224, {208, 47, 5}},
                 {"turbo", 255, {122, 4, 3}},      {"viridis", 0, {68, 1, 84}},
                 {"viridis", 43, {68, 58, 131}},   {"viridis", 128, {33, 145, 140}},
                 {"viridis", 200, {112, 207, 87}}, {"viridis", 255, {253, 231, 37}},
                 {"inferno", 0, {0, 0, 4}},        {"inferno", 40, {47, 10, 91}},
                 {"inferno", 100, {144, 37, 104}}, {"inferno", 128, {188, 55, 84}},
                 {"inferno", 220, {250, 196, 42}}, {"inferno", 245, {242, 242, 125}},
                 {"inferno", 255, {252, 255, 164}}};
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autoptr(Image) ramp = colour_ramp(known[i].name);
        for (int c = 0; c < 3; c++) {
            g_assert_cmpint(abs(ramp->pixels[3 * known[i].at + c] - known[i].colour[c]), <=, 3);
        }
    }
    for (int m = 0; m < 2; m++) {
        g_autoptr(Image) ramp = colour_ramp(m ? "viridis" : "inferno");
        for (int i = 8; i < 256; i++) {
            g_assert_cmpfloat(lightness(ramp->pixels + 3 * i), >, lightness(ramp->pixels + 3 * (i - 8)));
        }
    }
    g_assert_true(colour_map_find("turbo") && colour_map_find("viridis") && colour_map_find("inferno"));
    g_assert_null(colour_map_find("jet"));
}

/* Values outside of the range take the end colours; NaN shows the base; opacity mixes. */
static void test_colour(void)
{
    g_autoptr(Map) map = map_new(5, 1, NULL);
    memcpy(map->values, (float[]){-7, 0, 1, 9, NAN}, 5 * sizeof(float));
    g_autoptr(Image) base = image_new(5, 1, 3, NULL);
    memset(base->pixels, 100, 15);
    g_autoptr(Image) plain = heatmap_colour(map, 0, 1, "viridis", NULL, 1, NULL);
    g_autoptr(Image) over = heatmap_colour(map, 0, 1, "viridis", base, 0.5, NULL);
    g_assert_cmpmem(plain->pixels, 3, plain->pixels + 3, 3);
    g_assert_cmpmem(plain->pixels + 6, 3, plain->pixels + 9, 3);
    g_assert_cmpmem(plain->pixels + 12, 3, "\xff\xff\xff", 3);
    g_assert_cmpmem(over->pixels + 12, 3, "ddd", 3);
    for (int i = 0; i < 12; i++) {
        g_assert_cmpint(abs(2 * over->pixels[i] - plain->pixels[i] - 100), <=, 1);
    }
    g_autoptr(GError) name = NULL, range = NULL, size = NULL;
    g_assert_null(heatmap_colour(map, 0, 1, "jet", NULL, 1, &name));
    g_assert_error(name, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(name->message, "turbo, viridis, inferno"));
    g_assert_null(heatmap_colour(map, 1, 1, "turbo", NULL, 1, &range));
    g_assert_error(range, WSI_ERROR, WSI_ERROR_INPUT);
    base->width = 4;
    g_assert_null(heatmap_colour(map, 0, 1, "turbo", base, 1, &size));
    g_assert_error(size, WSI_ERROR, WSI_ERROR_INTERNAL);
}

static gboolean has_colour(const Image *image, const uint8_t colour[3])
{
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        if (memcmp(image->pixels + 3 * i, colour, 3) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The overview shows both images, all of the colour bar and the texts, at any shape and however long the
 * texts are. */
static void test_overview(void)
{
    static const int sizes[][2] = {{40, 30}, {300, 20}, {10, 400}, {1, 1}};
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(Map) map = constant_map(sizes[i][0], sizes[i][1], 0.5f);
        g_autoptr(Image) slide = image_new(sizes[i][0] * 2, sizes[i][1] * 2, 3, NULL);
        memset(slide->pixels, 77, image_bytes(slide));
        GError *error = NULL;
        g_autoptr(Image) out = heatmap_overview(map, 0, 1, "viridis", slide, NULL, 200, "tumor_001",
                                                "For research use only.", &error);
        g_assert_no_error(error);
        g_assert_cmpint(out->height, >=, MIN(200, 200 * sizes[i][1] / sizes[i][0]));
        g_assert_true(has_colour(out, (uint8_t[]){77, 77, 77}));
        for (int v = 0; v <= 255; v += 255) {
            g_autoptr(Image) ramp = colour_ramp("viridis");
            g_assert_true(has_colour(out, ramp->pixels + 3 * v)); /* both ends of the bar */
        }
        g_autoptr(Image) other = heatmap_overview(map, 0, 1, "viridis", slide, NULL, 200, "tumor_002",
                                                  "For research use only.", &error);
        g_assert_cmpint(other->width, ==, out->width);
        g_assert_true(memcmp(other->pixels, out->pixels, image_bytes(out)) !=
                      0); /* the title is in the image */
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/heatmap/geometry", test_geometry);
    g_test_add_func("/heatmap/footprint", test_footprint);
    g_test_add_func("/heatmap/ramp", test_ramp);
    g_test_add_func("/heatmap/seam", test_seam);
    g_test_add_func("/heatmap/fine-tile", test_fine_tile);
    g_test_add_func("/heatmap/no-data", test_no_data);
    g_test_add_func("/heatmap/no-data-area", test_no_data_area);
    g_test_add_func("/heatmap/border", test_border);
    g_test_add_func("/heatmap/colour-maps", test_colour_maps);
    g_test_add_func("/heatmap/colour", test_colour);
    g_test_add_func("/heatmap/overview", test_overview);
    return g_test_run();
}

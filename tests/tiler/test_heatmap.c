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

/* ---- how colours look ---- */

enum { NORMAL_VISION, PROTANOPIA, DEUTERANOPIA, TRITANOPIA, VISIONS };

/* Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15 (2009), table 1:
 * severity 1, on linear RGB. */
static const double seen_as[VISIONS][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
};

/* CIELAB (D65) of an sRGB colour, as somebody with this vision sees it. */
static void to_lab(const double rgb[3], int vision, double lab[3])
{
    static const double to_xyz[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                        {0.2126729, 0.7151522, 0.0721750},
                                        {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    double linear[3], seen[3], f[3];
    for (int c = 0; c < 3; c++) {
        double v = rgb[c] / 255;
        linear[c] = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
    }
    for (int c = 0; c < 3; c++) {
        const double *row = seen_as[vision][c];
        seen[c] = CLAMP(row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2], 0, 1);
    }
    for (int c = 0; c < 3; c++) {
        double v = (to_xyz[c][0] * seen[0] + to_xyz[c][1] * seen[1] + to_xyz[c][2] * seen[2]) / white[c];
        f[c] = v > 216.0 / 24389 ? cbrt(v) : (24389.0 / 27 * v + 16) / 116;
    }
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

/* The colour at a place of a map, blended over `under` with an opacity. */
static void blended_lab(const uint8_t (*table)[3], int index, const double under[3], double opacity,
                        int vision, double lab[3])
{
    double rgb[3];
    for (int c = 0; c < 3; c++) {
        rgb[c] = opacity * table[index][c] + (1 - opacity) * under[c];
    }
    to_lab(rgb, vision, lab);
}

static double distance(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* How much the lightness falls on the way from low to high. */
static double lightness_falls(const char *name, int vision)
{
    const uint8_t(*table)[3] = colour_map_find(name);
    double falls = 0, before = 0;
    for (int i = 0; i < 256; i++) {
        double lab[3];
        blended_lab(table, i, (double[3]){0}, 1, vision, lab);
        falls += i ? MAX(0, before - lab[0]) : 0;
        before = lab[0];
    }
    return falls;
}

/* The largest step of 1/16 of the map, by the smallest. */
static double uneven(const char *name)
{
    const uint8_t(*table)[3] = colour_map_find(name);
    double least = INFINITY, most = 0;
    for (int i = 0; i + 16 < 256; i += 16) {
        double a[3], b[3];
        blended_lab(table, i, (double[3]){0}, 1, NORMAL_VISION, a);
        blended_lab(table, i + 16, (double[3]){0}, 1, NORMAL_VISION, b);
        least = MIN(least, distance(a, b));
        most = MAX(most, distance(a, b));
    }
    return most / least;
}

/* How far the colours from a third of the map up, blended over tissue of H&E slides with the default opacity, stay from all tissue. */
static double from_tissue(const char *name)
{
    static const double tissue[][3] = {
        {232, 178, 204}, /* eosin */ {241, 214, 226},  /* pale stroma */
        {112, 76, 142},  /* nuclei */ {150, 112, 170}, /* lymphocytes */
        {200, 90, 110},  /* blood */ {243, 243, 243},  /* glass */
    };
    const uint8_t(*table)[3] = colour_map_find(name);
    double least = INFINITY;
    for (int i = 85; i < 256; i++) {
        for (guint under = 0; under < G_N_ELEMENTS(tissue); under++) {
            for (guint other = 0; other < G_N_ELEMENTS(tissue); other++) {
                double over[3], bare[3];
                blended_lab(table, i, tissue[under], 0.6, NORMAL_VISION, over);
                to_lab(tissue[other], NORMAL_VISION, bare);
                least = MIN(least, distance(over, bare));
            }
        }
    }
    return least;
}

/* Why viridis is the default: its lightness increases for every kind of colour vision, its steps are even, and from the threshold on it is
 * nowhere like a colour of an H&E slide. */
static void test_default_colours(void)
{
    static const char *const names[] = {"viridis", "inferno", "turbo"};
    for (guint m = 0; m < G_N_ELEMENTS(names); m++) {
        double falls[VISIONS];
        for (int vision = 0; vision < VISIONS; vision++) {
            falls[vision] = lightness_falls(names[m], vision);
        }
        g_test_message("%s: lightness falls by %.1f %.1f %.1f %.1f; unevenness %.1f; from tissue %.1f",
                       names[m], falls[0], falls[1], falls[2], falls[3], uneven(names[m]),
                       from_tissue(names[m]));
        for (int vision = 0; vision < VISIONS; vision++) {
            g_assert_true(g_str_equal(names[m], "turbo") ? falls[vision] > 60 : falls[vision] < 0.6);
        }
    }
    g_assert_cmpfloat(uneven("viridis"), <, 2.3);
    g_assert_cmpfloat(uneven("turbo"), >, 3.5);
    g_assert_cmpfloat(from_tissue("viridis"), >, 18);
    g_assert_cmpfloat(from_tissue("inferno"), <, 10);
}

static Image *colour_ramp(const char *name)
{
    g_autoptr(Map) map = map_new(256, 1, NULL);
    for (int i = 0; i < 256; i++) {
        map->values[i] = (float)i / 255;
    }
    return heatmap_colour(map, 0, 1, name, NULL, 1, NULL);
}

/* The published colours, at indices that are not in the tables of colour_map.c. */
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
    g_assert_nonnull(strstr(name->message, "viridis, inferno, turbo"));
    g_assert_null(heatmap_colour(map, 1, 1, "turbo", NULL, 1, &range));
    g_assert_error(range, WSI_ERROR, WSI_ERROR_INPUT);
    base->width = 4;
    g_assert_null(heatmap_colour(map, 0, 1, "turbo", base, 1, &size));
    g_assert_error(size, WSI_ERROR, WSI_ERROR_INTERNAL);
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
    g_test_add_func("/heatmap/default-colours", test_default_colours);
    g_test_add_func("/heatmap/colour", test_colour);
    return g_test_run();
}

/* Files of regions: a known square of high scores comes out at the same um in each of them, on a slide with a bounds offset and pixels that
 * are not square.  Measurements against hand-computed ones, ids that stay, suppression of maxima against all pairs. */
#include "pipeline/scoring/region_files.h"
#include "base/error.h"
#include "base/rng.h"
#include "flows/models/tile_score.h"
#include "pipeline/scoring/detections.h"
#include "tests/test_folder.h"
#include "tiler/patches/patchset.h"
#include "tiler/tissue/quality.h"
#include <math.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

/* 3000 x 1000 um; QuPath's image begins at (300, 200). */
static const SlideLevel level0 = {.width = 6000, .height = 4000};
static const SlideInfo info = {
    .mpp_x = 0.5, .mpp_y = 0.25, .bounds = {300, 200, 5000, 3000}, .level_count = 1, .levels = &level0};
static const RegionOptions plain = {
    .slide = "a", .threshold = 2.5, .threshold_source = "model", .radius_um = 50};

/* Cells of 10 um; those of [1000, 1200) x [400, 500) um are 5, in level-0 px [2000, 2400) x [1600, 2000).  A single cell of 9 at (2005, 105)
 * um has a cell without data next to it. */
static Map *square_map(void)
{
    Map *map = map_new(300, 100, NULL);
    for (int i = 0; i < 300 * 100; i++) {
        int x = i % 300, y = i / 300;
        map->values[i] = x >= 100 && x < 120 && y >= 40 && y < 50 ? 5 : 0;
    }
    map->values[10 * 300 + 200] = 9;
    map->values[10 * 300 + 201] = NAN;
    return map;
}

static json_t *write_files(const Folder *folder, const RegionOptions *options, char sha256[REGION_FILES][65])
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Map) map = square_map();
    json_t *facts = NULL;
    gboolean good = region_files_write(folder->path, options, &info, map, &facts, sha256, &error);
    g_assert_no_error(error);
    g_assert_true(good);
    return facts;
}

static json_t *load(const Folder *folder, const char *name)
{
    g_autofree char *path = inside(folder, name);
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(json);
    return json;
}

static double number(const json_t *feature, const char *name)
{
    const json_t *measured = json_object_get(json_object_get(feature, "properties"), "measurements");
    const json_t *value = json_object_get(measured, name);
    return value ? json_number_value(value) : NAN;
}

/* Smallest and largest coordinate of the outer ring. */
static void box(const json_t *feature, double low[2], double high[2])
{
    const json_t *ring =
        json_array_get(json_object_get(json_object_get(feature, "geometry"), "coordinates"), 0);
    for (int c = 0; c < 2; c++) {
        low[c] = INFINITY;
        high[c] = -INFINITY;
        for (size_t i = 0; i < json_array_size(ring); i++) {
            double value = json_number_value(json_array_get(json_array_get(ring, i), c));
            low[c] = fmin(low[c], value);
            high[c] = fmax(high[c], value);
        }
    }
}

static void assert_square(const json_t *feature, double offset_x, double offset_y)
{
    /* Half a cell is 10 px in x and 20 px in y; the level is half way between the values, so the sides are exact. */
    double low[2], high[2];
    box(feature, low, high);
    g_assert_cmpfloat_with_epsilon(low[0], 2000 - offset_x, 1e-9);
    g_assert_cmpfloat_with_epsilon(high[0], 2400 - offset_x, 1e-9);
    g_assert_cmpfloat_with_epsilon(low[1], 1600 - offset_y, 1e-9);
    g_assert_cmpfloat_with_epsilon(high[1], 2000 - offset_y, 1e-9);
}

static void test_regions(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65], again[REGION_FILES][65];
    json_auto_t *facts = write_files(folder, &plain, sha256);
    json_auto_t *json = load(folder, "regions.geojson");
    const json_t *features = json_object_get(json, "features");
    g_assert_cmpuint(json_array_size(features), ==, 2);
    const json_t *first = json_array_get(features, 0), *second = json_array_get(features, 1);
    /* By the maximum: the single cell comes first.  To the right it ends on the border of the cell, since there is no data beyond. */
    double low[2], high[2];
    box(first, low, high);
    g_assert_cmpfloat_with_epsilon(high[0], 201 * 20 - 300, 1e-9);
    g_assert_cmpfloat(number(first, "Score maximum"), ==, 9);
    g_assert_cmpfloat(number(first, "Rank"), ==, 1);
    assert_square(second, 300, 200);
    g_assert_cmpfloat(number(second, "Score mean"), ==, 5);
    g_assert_cmpfloat_with_epsilon(number(second, "Area µm^2"), 20000, 200);
    g_assert_true(isnan(number(second, "Tiles")));
    const json_t *own = json_object_get(json, "wsiflow");
    g_assert_cmpfloat(json_number_value(json_object_get(own, "offset_x_px")), ==, 300);
    g_assert_cmpfloat(json_number_value(json_object_get(own, "offset_y_px")), ==, 200);
    g_assert_cmpint(json_integer_value(json_object_get(facts, "regions")), ==, 2);
    json_auto_t *same = write_files(folder, &plain, again);
    for (int i = 0; i < REGION_FILES - 1; i++) {
        g_assert_cmpstr(sha256[i], ==, again[i]);
    }
}

/* Another slide has other ids, and level 0 is a choice. */
static void test_frame(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    RegionOptions options = plain;
    json_auto_t *facts = write_files(folder, &options, sha256);
    json_auto_t *json = load(folder, "regions.geojson");
    options.level0 = TRUE;
    options.slide = "b";
    json_auto_t *facts_b = write_files(folder, &options, sha256);
    json_auto_t *other = load(folder, "regions.geojson");
    const json_t *a = json_array_get(json_object_get(json, "features"), 1),
                 *b = json_array_get(json_object_get(other, "features"), 1);
    assert_square(b, 0, 0);
    const char *id = json_string_value(json_object_get(a, "id"));
    g_assert_true(g_uuid_string_is_valid(id));
    g_assert_cmpint(id[14], ==, '5');
    g_assert_cmpstr(id, !=, json_string_value(json_object_get(b, "id")));
    g_assert_cmpstr(json_string_value(json_object_get(facts_b, "frame")), ==, "level0");
}

static void test_least_area(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    RegionOptions options = plain;
    options.min_area_um2 = 1000;
    json_auto_t *facts = write_files(folder, &options, sha256);
    json_auto_t *json = load(folder, "regions.geojson");
    g_assert_cmpuint(json_array_size(json_object_get(json, "features")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(facts, "regions_dropped")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(facts, "detections")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(facts, "detections_dropped")), ==, 1);
    const json_t *kept = json_array_get(json_object_get(json, "features"), 0);
    g_assert_cmpfloat(json_number_value(json_object_get(facts, "area_um2")), ==, number(kept, "Area µm^2"));
    g_assert_cmpfloat(json_number_value(json_object_get(facts, "dropped_um2")), >, 0);
    g_autofree char *path = inside(folder, "detections.csv");
    assert_content(path, "5,2010,1620\n");
}

/* A maximum that is not shown hides none that is. */
static void test_dropped_maximum(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    RegionOptions options = plain;
    options.radius_um = 3000; /* from the single cell of 9 to the square */
    json_auto_t *both = write_files(folder, &options, sha256);
    g_autofree char *path = inside(folder, "detections.csv");
    assert_content(path, "9,4010,420\n");
    options.min_area_um2 = 1000;
    json_auto_t *facts = write_files(folder, &options, sha256);
    assert_content(path, "5,2010,1620\n");
}

/* The mask covers the slide: its pixels at the square's um are 1, those next to it 0. */
static void test_mask(Folder *folder, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    char sha256[REGION_FILES][65];
    json_auto_t *facts = write_files(folder, &plain, sha256);
    g_autofree char *path = inside(folder, "predicted_mask.tif");
    g_autoptr(Slide) mask = slide_open(path, NULL, &error);
    g_assert_no_error(error);
    const SlideInfo *of = slide_info(mask);
    g_assert_cmpfloat_with_epsilon(of->mpp_x * (double)of->levels[0].width, 3000, 0.01);
    g_assert_cmpfloat_with_epsilon(of->mpp_y * (double)of->levels[0].height, 1000, 0.01);
    g_autoptr(Image) pixels = image_new(300, 100, 3, NULL);
    g_assert_true(slide_read(mask, 0, 0, 0, pixels, NULL, &error));
    for (int i = 0; i < 300 * 100; i++) {
        double x_um = (i % 300 + 0.5) * of->mpp_x, y_um = (i / 300 + 0.5) * of->mpp_y;
        gboolean square = x_um > 1000 && x_um < 1200 && y_um > 400 && y_um < 500;
        g_assert_cmpint(pixels->pixels[3 * i], ==, square || i == 10 * 300 + 200);
    }
    g_assert_cmpfloat(json_number_value(json_object_get(facts, "no_data_fraction")), ==, 1.0 / 30000);
}

static void test_detections(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    json_auto_t *facts = write_files(folder, &plain, sha256);
    g_autofree char *path = inside(folder, "detections.csv");
    /* The px of level 0 below the centres of cells (200, 10) and, of equal ones the first, (100, 40). */
    assert_content(path, "9,4010,420\n5,2010,1620\n");
}

/* ---- tables ---- */

static void append_tile(GString *text, double x, double y, double score)
{
    g_string_append_printf(text, "%g,%g,200,400", x, y);
    for (int s = 0; s < TILE_SCORES; s++) {
        isnan(score) ? g_string_append_c(text, ',') : (void)g_string_append_printf(text, ",%g", score + s);
    }
    g_string_append_c(text, '\n');
}

static GString *table_start(void)
{
    GString *text = g_string_new("x,y,width,height");
    for (int s = 0; s < TILE_SCORES; s++) {
        g_string_append_printf(text, ",%s", tile_score_column(s));
    }
    g_string_append_c(text, '\n');
    return text;
}

static char *write_table(const Folder *folder, GString *text)
{
    char *path = inside(folder, "scores.csv");
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    g_string_free(text, TRUE);
    return path;
}

/* Tiles of 100 um: four cover the square, one of which could not be read; one only touches it. */
static char *write_scores(const Folder *folder)
{
    GString *text = table_start();
    append_tile(text, 2000, 1600, 3);
    append_tile(text, 2200, 1600, 2);
    append_tile(text, 2100, 1800, NAN);
    append_tile(text, 1900, 1900, 1);
    append_tile(text, 2400, 1600, 0);
    return write_table(folder, text);
}

static void add_patch(GPtrArray *patches, int64_t x, int64_t y, unsigned flags)
{
    Patch *patch = g_new0(Patch, 1);
    *patch = (Patch){.file = g_strdup("f"),
                     .slide = g_strdup("a"),
                     .x = x,
                     .y = y,
                     .mpp = 0.5,
                     .side = 200,
                     .label = g_strdup("good"),
                     .split = g_strdup("test"),
                     .flags = flags};
    g_ptr_array_add(patches, patch);
}

static char *write_patches(const Folder *folder)
{
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    add_patch(patches, 2000, 1600, QUALITY_PEN);
    add_patch(patches, 2200, 1600, QUALITY_PEN | QUALITY_BLUR);
    add_patch(patches, 2000, 1200, QUALITY_DARK);
    add_patch(patches, 1900, 1900, 0);
    add_patch(patches, 2300, 1900, 0);
    char *path = inside(folder, "patches.csv");
    g_assert_true(patchset_write_manifest(path, patches, NULL, NULL));
    return path;
}

static void test_tiles_below(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    g_autofree char *scores = write_scores(folder), *patches = write_patches(folder);
    RegionOptions options = plain;
    options.scores = scores;
    options.patches = patches;
    json_auto_t *facts = write_files(folder, &options, sha256);
    json_auto_t *json = load(folder, "regions.geojson");
    const json_t *features = json_object_get(json, "features"), *square = json_array_get(features, 1);
    g_assert_cmpfloat(number(square, "Tiles"), ==, 4);
    g_assert_cmpfloat(number(square, "Tiles with known flags"), ==, 4);
    g_assert_cmpfloat(number(square, "Fraction of tiles with pen"), ==, 0.5);
    g_assert_cmpfloat(number(square, "Fraction of tiles with blur"), ==, 0.25);
    g_assert_cmpfloat(number(json_array_get(features, 0), "Tiles"), ==, 0);
    g_assert_true(isnan(number(json_array_get(features, 0), "Fraction of tiles with pen")));
}

static json_t *load_gzip(const Folder *folder, const char *name)
{
    g_autofree char *path = inside(folder, name);
    g_autoptr(GString) text = g_string_new(NULL);
    gzFile file = gzopen(path, "rb");
    char part[4096];
    for (int n; (n = gzread(file, part, sizeof part)) > 0;) {
        g_string_append_len(text, part, n);
    }
    gzclose(file);
    json_t *json = json_loads(text->str, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(json);
    return json;
}

static const char *class_of(const json_t *feature)
{
    const json_t *class = json_object_get(json_object_get(feature, "properties"), "classification");
    return json_string_value(json_object_get(class, "name"));
}

static void test_tile_objects(Folder *folder, gconstpointer unused)
{
    char sha256[REGION_FILES][65];
    g_autofree char *scores = write_scores(folder);
    RegionOptions options = plain;
    options.scores = scores;
    options.tiles = TRUE;
    json_auto_t *facts = write_files(folder, &options, sha256);
    json_auto_t *json = load_gzip(folder, "tiles.geojson.gz");
    const json_t *features = json_object_get(json, "features"), *first = json_array_get(features, 0);
    g_assert_cmpuint(json_array_size(features), ==, 4); /* not the one without a score */
    double low[2], high[2];
    box(first, low, high);
    g_assert_cmpfloat(low[0], ==, 1700);
    g_assert_cmpfloat(high[1], ==, 1800);
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(first, "properties"), "objectType")),
                    ==, "tile");
    g_assert_cmpstr(class_of(first), ==, "Anomaly");
    g_assert_cmpstr(class_of(json_array_get(features, 1)), ==, "Below threshold");
    for (int s = 0; s < TILE_SCORES; s++) {
        g_assert_cmpfloat(number(first, tile_score_column(s)), ==, 3 + s);
    }
}

/* 100,000 tiles with all scores in at most 3 s of processor time. */
static void test_many_tiles(Folder *folder, gconstpointer unused)
{
    enum { TILES = 100000 };
    char sha256[REGION_FILES][65];
    GString *text = table_start();
    for (int i = 0; i < TILES; i++) {
        append_tile(text, i % 400 * 14.8125, i / 400 * 15.7, i * 0.0123456789);
    }
    g_autofree char *scores = write_table(folder, text);
    RegionOptions options = plain;
    options.scores = scores;
    options.tiles = TRUE;
    clock_t start = clock();
    json_auto_t *facts = write_files(folder, &options, sha256);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    g_test_message("%.2f s", seconds);
    if (!g_getenv("WSIFLOW_ASAN")) {
        g_assert_cmpfloat(seconds, <, 3);
    }
}

/* ---- suppression ---- */

static void test_suppression(void)
{
    enum { WIDTH = 60, HEIGHT = 45 };
    const double radius = 47, cell_x = 10, cell_y = 13;
    for (uint64_t seed = 0; seed < 20; seed++) {
        g_autoptr(Map) map = map_new(WIDTH, HEIGHT, NULL);
        Rng rng = rng_at(seed, rng_name("detections"), 0);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            map->values[i] = rng_below(&rng, 20) ? (float)rng_below(&rng, 50) : NAN;
        }
        g_autoptr(GArray) all = detections_find(map, 20, 0, cell_x, cell_y);
        g_autoptr(GArray) found = detections_find(map, 20, radius, cell_x, cell_y);
        /* All pairs: a maximum is kept when none that was kept before is near. */
        g_autoptr(GArray) kept = g_array_new(FALSE, FALSE, sizeof(Detection));
        for (guint i = 0; i < all->len; i++) {
            const Detection *one = &g_array_index(all, Detection, i);
            gboolean near = FALSE;
            for (guint k = 0; k < kept->len; k++) {
                const Detection *other = &g_array_index(kept, Detection, k);
                near = near || hypot((one->column - other->column) * cell_x,
                                     (one->row - other->row) * cell_y) <= radius;
            }
            if (!near) {
                g_array_append_val(kept, *one);
            }
        }
        g_assert_cmpuint(found->len, ==, kept->len);
        g_assert_cmpmem(found->data, found->len * sizeof(Detection), kept->data,
                        kept->len * sizeof(Detection));
        g_assert_cmpuint(found->len, <, all->len);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*run)(Folder *folder, gconstpointer unused);
    } tests[] = {{"/region-files/regions", test_regions},
                 {"/region-files/frame", test_frame},
                 {"/region-files/least-area", test_least_area},
                 {"/region-files/dropped-maximum", test_dropped_maximum},
                 {"/region-files/mask", test_mask},
                 {"/region-files/detections", test_detections},
                 {"/region-files/tiles-below", test_tiles_below},
                 {"/region-files/tiles", test_tile_objects},
                 {"/region-files/many-tiles", test_many_tiles}};
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_test_add(tests[i].name, Folder, NULL, set_up, tests[i].run, tear_down);
    }
    g_test_add_func("/region-files/suppression", test_suppression);
    return g_test_run();
}

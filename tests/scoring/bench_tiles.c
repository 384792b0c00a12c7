/* tiles.geojson.gz of 100,000 scored tiles with all of their scores.
 *   tiles_100000   seconds from the table of scores to the file, with the regions of a map without any */
#include "flows/models/tile_score.h"
#include "base/rng.h"
#include "pipeline/scoring/region_files.h"
#include <glib/gstdio.h>
#include <stdio.h>

enum { TILES = 100000, ACROSS = 400, SIDE = 512 };

static void write_scores(const char *path)
{
    g_autoptr(GString) out = g_string_new("x,y,width,height");
    Rng rng = rng_at(3, 1, 0);
    for (int s = 0; s < TILE_SCORES; s++) {
        g_string_append_printf(out, ",%s", tile_score_column(s));
    }
    for (int i = 0; i < TILES; i++) {
        g_string_append_printf(out, "\n%d,%d,%d,%d", i % ACROSS * SIDE, i / ACROSS * SIDE, SIDE, SIDE);
        for (int s = 0; s < TILE_SCORES; s++) {
            g_string_append_printf(out, ",%.9g", rng_normal(&rng));
        }
    }
    g_string_append_c(out, '\n');
    g_assert_true(g_file_set_contents(path, out->str, (gssize)out->len, NULL));
}

static void measure(const char *folder, const char *scores)
{
    const SlideLevel level0 = {.width = ACROSS * SIDE, .height = TILES / ACROSS * SIDE};
    const SlideInfo info = {.mpp_x = 0.25, .mpp_y = 0.25, .level_count = 1, .levels = &level0};
    const RegionOptions options = {.slide = "a",
                                   .threshold = 2,
                                   .threshold_source = "model",
                                   .radius_um = 50,
                                   .tiles = TRUE,
                                   .scores = scores};
    g_autoptr(GError) error = NULL;
    g_autoptr(Map) map = map_new(ACROSS, TILES / ACROSS, &error);
    char sha256[REGION_FILES][65];
    json_t *facts = NULL;
    gint64 start = g_get_monotonic_time();
    if (!map || !region_files_write(folder, &options, &info, map, &facts, sha256, &error)) {
        g_error("%s", error->message);
    }
    printf("bench tiles_%d %.2f s\n", TILES, (double)(g_get_monotonic_time() - start) / 1e6);
    json_decref(facts);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !g_str_equal(argv[1], "tiles_100000")) {
        return 0;
    }
    g_autofree char *folder = g_dir_make_tmp("wsiflow-bench-XXXXXX", NULL);
    g_autofree char *scores = g_build_filename(folder, "scores.csv", NULL);
    write_scores(scores);
    measure(folder, scores);
    for (int i = 0; i < REGION_FILES; i++) {
        g_autofree char *path = g_build_filename(folder, region_files[i], NULL);
        g_unlink(path);
    }
    g_unlink(scores);
    g_rmdir(folder);
    return 0;
}

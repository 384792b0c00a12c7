/* Whose tiles are, and the draw of some of them: even by the L2 star discrepancy (Warnock's formula), a measure that knows nothing of curves. */
#include "pipeline/training/tile_origins.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define SIDE 256

static void add_tile(Origins *o, const char *slide, int column, int row)
{
    g_autofree char *name = g_strdup_printf("%d %d", column, row);
    const Origin origin = {slide, slide, name, {SIDE * (double)column - 64, SIDE * (double)row + 1000, SIDE}};
    tile_origins_add(o, &origin);
}

static void add_grid(Origins *o, const char *slide, int columns, int rows)
{
    for (int i = 0; i < columns * rows; i++) {
        add_tile(o, slide, i % columns, i / columns);
    }
}

/* x, y in 0..1, of the tiles chosen (or of all with NULL). */
static double discrepancy(const double (*p)[2], int n)
{
    double second = 0, third = 0;
    for (int i = 0; i < n; i++) {
        second += (1 - p[i][0] * p[i][0]) * (1 - p[i][1] * p[i][1]);
        for (int k = 0; k < n; k++) {
            third += (1 - fmax(p[i][0], p[k][0])) * (1 - fmax(p[i][1], p[k][1]));
        }
    }
    return sqrt(1.0 / 9 - second / (2.0 * n) + third / ((double)n * n));
}

static double discrepancy_of(const Origins *o, const guint *index, int n, int columns, int rows)
{
    g_autofree double(*p)[2] = g_malloc(sizeof *p * (size_t)n);
    for (int i = 0; i < n; i++) {
        const TilePosition *position = &g_array_index(o->position, TilePosition, index[i]);
        p[i][0] = ((position->x + 64) / SIDE + 0.5) / columns;
        p[i][1] = ((position->y - 1000) / SIDE + 0.5) / rows;
    }
    return discrepancy((const double(*)[2])p, n);
}

/* On a grid of 40 columns every 8th tile is of five columns.  The draw is evener than single random tiles are on average, on any grid. */
static void test_even_in_space(void)
{
    static const struct {
        int columns, rows, most;
    } cases[] = {{40, 25, 125}, {40, 25, 40}, {64, 64, 128}, {120, 9, 60}, {37, 41, 200}};
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        const int columns = cases[c].columns, rows = cases[c].rows, most = cases[c].most, n = columns * rows;
        double drawn = 0, random = 0, worst = 0, nth;
        g_autofree uint32_t *permutation = g_new(uint32_t, n);
        Origins o;
        tile_origins_init(&o);
        add_grid(&o, "s", columns, rows);
        for (int i = 0; i < most; i++) {
            permutation[i] = (uint32_t)((int64_t)i * n / most);
        }
        nth = discrepancy_of(&o, permutation, most, columns, rows);
        for (uint64_t seed = 0; seed < 20; seed++) {
            g_autoptr(GArray) chosen = tile_origins_draw(&o, (guint)most, seed);
            g_assert_cmpuint(chosen->len, ==, (guint)most);
            double one = discrepancy_of(&o, (const guint *)chosen->data, most, columns, rows);
            Rng rng = rng_at(seed, 1, 0);
            rng_permutation(&rng, permutation, (uint32_t)n);
            drawn += one / 20;
            worst = fmax(worst, one);
            random += discrepancy_of(&o, permutation, most, columns, rows) / 20;
            gboolean seen[120] = {FALSE};
            int seen_columns = 0;
            for (guint i = 0; i < chosen->len; i++) {
                guint column = g_array_index(chosen, guint, i) % (guint)columns;
                g_assert_true(i == 0 ||
                              g_array_index(chosen, guint, i) > g_array_index(chosen, guint, i - 1));
                seen_columns += !seen[column];
                seen[column] = TRUE;
            }
            g_assert_cmpint(seen_columns, >=, MIN(columns, most) / 2);
        }
        g_test_message("%dx%d, %d tiles: discrepancy %.4f (worst %.4f), at random %.4f, every n-th %.4f",
                       columns, rows, most, drawn, worst, random, nth);
        g_assert_cmpfloat(drawn, <, 0.75 * random);
        g_assert_cmpfloat(worst, <, random);
        tile_origins_clear(&o);
    }
}

/* Each slide in proportion, to one tile. */
static void test_every_slide_has_its_fraction(void)
{
    static const int tiles[] = {400, 200, 100, 50, 30};
    int counts[5] = {0};
    Origins o;
    tile_origins_init(&o);
    for (int s = 0; s < 5; s++) {
        g_autofree char *slide = g_strdup_printf("slide %d", (s * 3) % 5);
        add_grid(&o, slide, 10, tiles[s] / 10);
    }
    g_autoptr(GArray) chosen = tile_origins_draw(&o, 78, 4);
    for (guint i = 0; i < chosen->len; i++) {
        const char *slide = o.slide->pdata[g_array_index(chosen, guint, i)];
        for (int s = 0; s < 5; s++) {
            counts[s] += slide[6] == '0' + (s * 3) % 5;
        }
    }
    for (int s = 0; s < 5; s++) {
        g_assert_cmpfloat(fabs(counts[s] - tiles[s] / 10.0), <=, 1);
    }
    tile_origins_keep(&o, chosen);
    g_assert_cmpuint(o.position->len, ==, 78);
    tile_origins_clear(&o);
}

/* The same tiles in another order, with or without positions: the same draw. */
static void test_order_of_the_tiles_does_not_matter(gconstpointer positions)
{
    enum { N = 300, MOST = 60 };
    uint32_t order[N];
    gboolean in[2][N] = {{FALSE}};
    Rng rng = rng_at(9, 0, 0);
    rng_permutation(&rng, order, N);
    for (int turn = 0; turn < 2; turn++) {
        Origins o;
        tile_origins_init(&o);
        for (int i = 0; i < N; i++) {
            int tile = turn ? (int)order[i] : i;
            g_autofree char *name = g_strdup_printf("%06d.png", tile);
            const Origin origin = {"", "", name, {tile % 20 * 10, tile / 20 * 10, positions ? 10 : 0}};
            tile_origins_add(&o, &origin);
        }
        g_autoptr(GArray) chosen = tile_origins_draw(&o, MOST, 2);
        for (guint i = 0; i < chosen->len; i++) {
            guint at = g_array_index(chosen, guint, i);
            in[turn][turn ? order[at] : at] = TRUE;
        }
        TileSet set = {.count = N};
        tile_origins_give(&o, &set);
        g_assert_null(set.group);
        g_assert_null(set.slide);
        g_assert_cmpint(set.position != NULL, ==, positions != NULL);
        tile_origins_clear(&o);
    }
    g_assert_cmpmem(in[0], sizeof in[0], in[1], sizeof in[1]);
}

static void test_names_of_images(void)
{
    static const char *const names[][2] = {{"tumor_001_000012.png", "tumor_001"},
                                           {"a-b.c_0000123.jpg", "a-b.c"},
                                           {"patient_004_node_4_x12597_y88778.png", "patient_004_node_4"},
                                           {"TCGA-XX_4096_8192.jpeg", "TCGA-XX"},
                                           {"tumor_001_4096_8192.png", "tumor_001"},
                                           {"000d4bcc9d239e8304890ffd764794e93504e475.png", ""},
                                           {"lungn1.jpeg", ""},
                                           {"000123.png", ""},
                                           {"_000123.png", ""},
                                           {"tumor_001_123456.png", "tumor_001"},
                                           {"S-2_100000_204800.png", "S-2"},
                                           {"slide_2021_000012.png", "slide_2021"},
                                           {"normal_12.png", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *slide = tile_origins_slide_of_name(names[i][0]);
        g_assert_cmpstr(slide, ==, names[i][1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/origins/even", test_even_in_space);
    g_test_add_func("/origins/slides", test_every_slide_has_its_fraction);
    g_test_add_data_func("/origins/order/positions", "positions", test_order_of_the_tiles_does_not_matter);
    g_test_add_data_func("/origins/order/names", NULL, test_order_of_the_tiles_does_not_matter);
    g_test_add_func("/origins/names", test_names_of_images);
    return g_test_run();
}

/* Grids: every pixel once, nothing outside, fractions as counted directly. */
#include "tiler/cut/grid.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>

static Grid *make(const GridSpec *spec, const Rect *area, double mpp_x, double mpp_y, const Image *mask,
                  double width, double height)
{
    g_autoptr(GError) error = NULL;
    Grid *grid = grid_new(spec, area, mpp_x, mpp_y, mask, width, height, &error);
    g_assert_no_error(error);
    return grid;
}

static const Tile *tile_at(const Grid *grid, guint i)
{
    return &g_array_index(grid->tiles, Tile, i);
}

typedef struct {
    GridSpec spec;
    Rect area;
    double mpp_x, mpp_y;
} Draw;

/* Odd sizes and resolutions, areas from less than a tile to a few dozen. */
static Draw draw(Rng *rng, EdgePolicy edge, double overlap_fraction)
{
    Draw out;
    out.spec = (GridSpec){.size = 16 + (int)rng_below(rng, 500), .mpp = 0.2 + rng_uniform(rng), .edge = edge};
    out.spec.overlap = overlap_fraction * rng_uniform(rng) * out.spec.size;
    out.mpp_x = 0.1 + rng_uniform(rng);
    out.mpp_y = out.mpp_x * (0.98 + 0.04 * rng_uniform(rng));
    double tile = out.spec.size * out.spec.mpp / out.mpp_x;
    out.area = (Rect){1000 * rng_uniform(rng), 1000 * rng_uniform(rng), tile * (0.2 + 12 * rng_uniform(rng)),
                      tile * (0.2 + 12 * rng_uniform(rng))};
    return out;
}

/* Row-major, at area + index * stride, without accumulated error. */
static void test_positions(void)
{
    Rng rng = rng_at(1, 0, 0);
    for (int round = 0; round < 200; round++) {
        Draw d = draw(&rng, EDGE_PAD, 0.9);
        g_autoptr(Grid) grid = make(&d.spec, &d.area, d.mpp_x, d.mpp_y, NULL, 0, 0);
        double stride_x = (d.spec.size - d.spec.overlap) * d.spec.mpp / d.mpp_x;
        double stride_y = (d.spec.size - d.spec.overlap) * d.spec.mpp / d.mpp_y;
        g_assert_cmpuint(grid->tiles->len, ==, (guint)(grid->columns * grid->rows));
        g_assert_cmpfloat(grid->tile_width, ==, d.spec.size * d.spec.mpp / d.mpp_x);
        g_assert_cmpfloat(grid->tile_height, ==, d.spec.size * d.spec.mpp / d.mpp_y);
        for (guint i = 0; i < grid->tiles->len; i++) {
            const Tile *tile = tile_at(grid, i);
            g_assert_cmpint(tile->column, ==, (int)i % grid->columns);
            g_assert_cmpint(tile->row, ==, (int)i / grid->columns);
            g_assert_cmpfloat(tile->x, ==, d.area.x + tile->column * stride_x);
            g_assert_cmpfloat(tile->y, ==, d.area.y + tile->row * stride_y);
            g_assert_cmpfloat(tile->tissue_fraction, ==, 1);
        }
    }
}

/* How many tiles contain the point. */
static int tiles_over(const Grid *grid, double x, double y)
{
    int count = 0;
    for (guint i = 0; i < grid->tiles->len; i++) {
        const Tile *tile = tile_at(grid, i);
        count +=
            x >= tile->x && x < tile->x + grid->tile_width && y >= tile->y && y < tile->y + grid->tile_height;
    }
    return count;
}

/* PAD: without overlap each point of the area is in exactly one tile, with overlap in at least one, and every tile is needed. */
static void test_pad_covers(void)
{
    Rng rng = rng_at(2, 0, 0);
    for (int round = 0; round < 150; round++) {
        gboolean overlap = round % 2;
        Draw d = draw(&rng, EDGE_PAD, overlap ? 0.8 : 0);
        g_autoptr(Grid) grid = make(&d.spec, &d.area, d.mpp_x, d.mpp_y, NULL, 0, 0);
        for (int k = 0; k < 200; k++) {
            int count = tiles_over(grid, d.area.x + d.area.width * rng_uniform(&rng),
                                   d.area.y + d.area.height * rng_uniform(&rng));
            g_assert_cmpint(count, >=, 1);
            g_assert_true(overlap || count == 1);
        }
        /* One column less would not reach the border. */
        const Tile *last = tile_at(grid, grid->tiles->len - 1);
        double stride = (d.spec.size - d.spec.overlap) * d.spec.mpp / d.mpp_x;
        g_assert_true(grid->columns == 1 || last->x - stride + grid->tile_width < d.area.x + d.area.width);
    }
}

/* DROP and SHIFT stay inside; SHIFT also covers everything that a tile fits in. */
static void test_inside(void)
{
    Rng rng = rng_at(3, 0, 0);
    for (int round = 0; round < 300; round++) {
        Draw d = draw(&rng, round % 2 ? EDGE_SHIFT : EDGE_DROP, 0.7);
        g_autoptr(Grid) grid = make(&d.spec, &d.area, d.mpp_x, d.mpp_y, NULL, 0, 0);
        gboolean fits = d.area.width >= grid->tile_width && d.area.height >= grid->tile_height;
        g_assert_cmpint(grid->tiles->len > 0, ==, fits);
        for (guint i = 0; i < grid->tiles->len; i++) {
            const Tile *tile = tile_at(grid, i);
            g_assert_cmpfloat(tile->x, >=, d.area.x - 1e-6 * grid->tile_width);
            g_assert_cmpfloat(tile->x + grid->tile_width, <=,
                              d.area.x + d.area.width + 1e-5 * grid->tile_width);
            g_assert_cmpfloat(tile->y + grid->tile_height, <=,
                              d.area.y + d.area.height + 1e-5 * grid->tile_height);
        }
        for (int k = 0; fits && d.spec.edge == EDGE_SHIFT && k < 100; k++) {
            double x = d.area.x + d.area.width * rng_uniform(&rng),
                   y = d.area.y + d.area.height * rng_uniform(&rng);
            g_assert_cmpint(tiles_over(grid, x, y), >=, 1);
        }
    }
}

/* 10 tiles of 224 px at 0.5 um/px on a slide of 0.25 um/px: rounding may not make it 9 or 11. */
static void test_exact_fit(void)
{
    for (int n = 1; n < 200; n++) {
        double mpp = 0.2431, tile = 224 * 0.4862 / mpp;
        const Rect area = {0, 0, n * tile, tile};
        for (EdgePolicy edge = EDGE_DROP; edge <= EDGE_SHIFT; edge++) {
            const GridSpec spec = {.size = 224, .mpp = 0.4862, .edge = edge};
            g_autoptr(Grid) grid = make(&spec, &area, mpp, mpp, NULL, 0, 0);
            g_assert_cmpint(grid->columns, ==, n);
            g_assert_cmpint(grid->rows, ==, 1);
        }
    }
}

static double overlap_of(double a0, double a1, double b0, double b1)
{
    return MAX(0, MIN(a1, b1) - MAX(a0, b0));
}

/* The integral image against a sum over the common areas of all mask pixels; min_tissue keeps tiles with at least that fraction. */
static void test_fractions(void)
{
    Rng rng = rng_at(4, 0, 0);
    for (int round = 0; round < 40; round++) {
        Draw d = draw(&rng, EDGE_PAD, 0.5);
        double slide_width = d.area.x + d.area.width + 3, slide_height = d.area.y + d.area.height + 5;
        g_autoptr(Image) mask =
            image_new(20 + (int)rng_below(&rng, 40), 20 + (int)rng_below(&rng, 40), 1, NULL);
        for (size_t i = 0; i < image_bytes(mask); i++) {
            mask->pixels[i] = rng_below(&rng, 3) ? 0 : 255;
        }
        g_autoptr(Grid) all = make(&d.spec, &d.area, d.mpp_x, d.mpp_y, mask, slide_width, slide_height);
        double cell_x = slide_width / mask->width, cell_y = slide_height / mask->height;
        guint above = 0;
        for (guint i = 0; i < all->tiles->len; i++) {
            const Tile *tile = tile_at(all, i);
            double sum = 0;
            for (int y = 0; y < mask->height; y++) {
                for (int x = 0; x < mask->width; x++) {
                    sum +=
                        mask->pixels[y * mask->width + x]
                            ? overlap_of(x * cell_x, (x + 1) * cell_x, tile->x, tile->x + all->tile_width) *
                                  overlap_of(y * cell_y, (y + 1) * cell_y, tile->y,
                                             tile->y + all->tile_height)
                            : 0;
                }
            }
            g_assert_cmpfloat_with_epsilon(tile->tissue_fraction, sum / (all->tile_width * all->tile_height),
                                           1e-6);
            above += tile->tissue_fraction >= 0.3;
        }
        d.spec.min_tissue = 0.3;
        g_autoptr(Grid) kept = make(&d.spec, &d.area, d.mpp_x, d.mpp_y, mask, slide_width, slide_height);
        g_assert_cmpuint(kept->tiles->len, ==, above);
        g_assert_cmpint(kept->columns, ==, all->columns);
    }
}

static void test_refusals(void)
{
    const Rect area = {0, 0, 1000, 1000}, empty = {0, 0, 0, 10};
    const GridSpec good = {.size = 100, .mpp = 0.5};
    const GridSpec bad[] = {{.size = 0, .mpp = 0.5},
                            {.size = 100, .mpp = 0},
                            {.size = 100, .mpp = NAN},
                            {.size = 100, .mpp = 0.5, .overlap = 100},
                            {.size = 100, .mpp = 0.5, .overlap = -1},
                            {.size = 1, .mpp = 1e-9}};
    EdgePolicy edge;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(grid_new(&bad[i], &area, 0.5, 0.5, NULL, 0, 0, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
    g_assert_null(grid_new(&good, &area, 0, 0, NULL, 0, 0, NULL));
    g_assert_null(grid_new(&good, &empty, 0.5, 0.5, NULL, 0, 0, NULL));
    g_assert_true(edge_policy_parse("drop", &edge) && edge == EDGE_DROP);
    g_assert_true(edge_policy_parse("pad", &edge) && edge == EDGE_PAD);
    g_assert_true(edge_policy_parse("shift", &edge) && edge == EDGE_SHIFT);
    g_assert_false(edge_policy_parse("crop", &edge));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/grid/positions", test_positions);
    g_test_add_func("/grid/pad-covers-each-pixel", test_pad_covers);
    g_test_add_func("/grid/drop-and-shift-stay-inside", test_inside);
    g_test_add_func("/grid/exact-fit", test_exact_fit);
    g_test_add_func("/grid/tissue-fractions", test_fractions);
    g_test_add_func("/grid/refusals", test_refusals);
    return g_test_run();
}

/* Regions of maps: hand-computed contours, saddles, no data, and rings that stay valid however they are simplified. */
#include "annotations/raster/isoline.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define N NAN

static Isoline *find(const float *values, int width, int height, double level, double tolerance)
{
    g_autoptr(GError) error = NULL;
    Map map = {width, height, (float *)(void *)values};
    Isoline *found = isoline_find(&map, level, tolerance, &error);
    g_assert_no_error(error);
    return found;
}

static double total(const Isoline *found)
{
    double sum = 0;
    for (int i = 0; i < found->ring_count; i++) {
        sum += found->rings[i].area;
    }
    return sum;
}

static gboolean has(const IsolineRing *ring, double x, double y)
{
    for (int k = 0; k < ring->points; k++) {
        if (fabs(ring->xy[2 * k] - x) < 1e-12 && fabs(ring->xy[2 * k + 1] - y) < 1e-12) {
            return TRUE;
        }
    }
    return FALSE;
}

/* One cell of 4 among zeros at level 1: the linear value is 1 at three quarters of the way to each neighbour. */
static void test_diamond(void)
{
    const float values[] = {0, 0, 0, 0, 4, 0, 0, 0, 0};
    g_autoptr(Isoline) found = find(values, 3, 3, 1, 0);
    g_assert_cmpint(found->ring_count, ==, 1);
    g_assert_cmpint(found->rings[0].points, ==, 4);
    g_assert_true(has(&found->rings[0], 1.5, 0.75) && has(&found->rings[0], 2.25, 1.5));
    g_assert_true(has(&found->rings[0], 1.5, 2.25) && has(&found->rings[0], 0.75, 1.5));
    g_assert_cmpfloat_with_epsilon(found->rings[0].area, 2 * 0.75 * 0.75, 1e-12);
}

/* A slope of 1 per cell to the east: the contour is the straight line x = 2.75, half a cell from the map's other sides. */
static void test_slope(void)
{
    float values[5 * 6];
    for (int i = 0; i < 30; i++) {
        values[i] = (float)(i % 5);
    }
    g_autoptr(Isoline) found = find(values, 5, 6, 2.25, 0.01);
    g_assert_cmpint(found->ring_count, ==, 1);
    g_assert_true(has(&found->rings[0], 2.75, 0.5) || has(&found->rings[0], 2.75, 5.5));
    for (int k = 0; k < found->rings[0].points; k++) {
        g_assert_cmpfloat(found->rings[0].xy[2 * k], >=, 2.625);
        g_assert_cmpfloat(found->rings[0].xy[2 * k], <=, 5);
    }
}

/* Where no data are around, a region is exactly its cells. */
static void test_no_data(void)
{
    const float one[] = {N, N, N, N, 3, N, N, N, N}, full[] = {1, 2, 3, 4, 5, 6};
    const float lake[] = {1, 1, 1, 1, N, 1, 1, 1, 1}, infinite[] = {1, INFINITY, 1};
    g_autoptr(Isoline) cell = find(one, 3, 3, 1, 0);
    g_assert_cmpfloat(total(cell), ==, 1);
    g_assert_true(has(&cell->rings[0], 1, 1) && has(&cell->rings[0], 2, 2));
    g_autoptr(Isoline) map = find(full, 3, 2, 1, 0);
    g_assert_cmpfloat(total(map), ==, 6);
    g_autoptr(Isoline) hole = find(lake, 3, 3, 1, 0);
    g_assert_cmpint(hole->ring_count, ==, 2);
    g_assert_cmpint(hole->region_count, ==, 1);
    g_assert_cmpfloat(hole->rings[1].area, ==, -1);
    g_assert_cmpfloat(total(hole), ==, 8);
    g_autoptr(Isoline) two = find(infinite, 3, 1, 1, 0);
    g_assert_cmpint(two->region_count, ==, 2);
}

/* Two opposite cells: joined when the mean of the four is at the level, and never through a cell without data. */
static void test_saddle(void)
{
    const float low[] = {2, 0, 0, 2}, high[] = {4, 0, 0, 4}, other[] = {0, 4, 4, 0}, lost[] = {9, N, 0, 9};
    static const struct {
        int regions;
        gboolean high;
    } wanted[] = {{2, FALSE}, {1, TRUE}};
    g_autoptr(Isoline) apart = find(low, 2, 2, 1.5, 0.25), joined = find(high, 2, 2, 1.5, 0.25);
    g_assert_cmpint(apart->region_count, ==, wanted[0].regions);
    g_assert_cmpint(apart->ring_count, ==, 2);
    g_assert_cmpint(joined->region_count, ==, wanted[1].regions);
    g_assert_cmpint(joined->ring_count, ==, 1);
    g_autoptr(Isoline) mirrored = find(other, 2, 2, 1.5, 0.25), parted = find(lost, 2, 2, 1.5, 0.25);
    g_assert_cmpint(mirrored->region_count, ==, 1);
    g_assert_cmpfloat_with_epsilon(total(mirrored), total(joined), 1e-12);
    g_assert_cmpint(parted->region_count, ==, 2);
}

/* A value that equals the level is in, and has an area. */
static void test_equal(void)
{
    const float values[] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    g_autoptr(Isoline) found = find(values, 3, 3, 1, 1);
    g_assert_cmpint(found->ring_count, ==, 1);
    g_assert_cmpfloat(found->rings[0].area, >, 0);
}

/* ---- random maps ---- */

/* Winding number of a ring around a point. */
static int winding(const IsolineRing *ring, double x, double y)
{
    int turns = 0;
    for (int k = 0; k < ring->points; k++) {
        const double *u = &ring->xy[2 * k], *v = &ring->xy[2 * ((k + 1) % ring->points)];
        double side = (v[0] - u[0]) * (y - u[1]) - (x - u[0]) * (v[1] - u[1]);
        turns += u[1] <= y && v[1] > y && side > 0;
        turns -= u[1] > y && v[1] <= y && side < 0;
    }
    return turns;
}

static double turn(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* Whether two edges share a point; neighbours of one ring share their common vertex. */
static gboolean meet(const double *a, const double *b, const double *c, const double *d)
{
    if (memcmp(b, c, 16) == 0 || memcmp(a, d, 16) == 0) {
        return FALSE;
    }
    return turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0 &&
           fmax(a[0], b[0]) >= fmin(c[0], d[0]) && fmax(c[0], d[0]) >= fmin(a[0], b[0]) &&
           fmax(a[1], b[1]) >= fmin(c[1], d[1]) && fmax(c[1], d[1]) >= fmin(a[1], b[1]);
}

static void check_crossings(const Isoline *found)
{
    g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, 4 * sizeof(double));
    for (int i = 0; i < found->ring_count; i++) {
        const IsolineRing *ring = &found->rings[i];
        for (int k = 0; k < ring->points; k++) {
            double edge[4];
            memcpy(edge, &ring->xy[2 * k], 16);
            memcpy(edge + 2, &ring->xy[2 * ((k + 1) % ring->points)], 16);
            g_array_append_val(edges, edge);
        }
    }
    const double *all = (const double *)(void *)edges->data;
    for (guint i = 0; i < edges->len; i++) {
        for (guint j = i + 1; j < edges->len; j++) {
            g_assert_false(meet(all + 4 * i, all + 4 * i + 2, all + 4 * j, all + 4 * j + 2));
        }
    }
}

/* Every centre is inside the rings of its own region and of no other; every region has one outer ring, which comes first. */
static void check_regions(const Isoline *found, int width, int height)
{
    int outer = 0;
    for (int i = 0; i < found->ring_count; i++) {
        gboolean first = i == 0 || found->rings[i].region != found->rings[i - 1].region;
        g_assert_true((found->rings[i].area > 0) == first);
        outer += first;
    }
    g_assert_cmpint(outer, ==, found->region_count);
    for (int cell = 0; cell < width * height; cell++) {
        g_autofree int *inside = g_new0(int, found->region_count + 1);
        for (int i = 0; i < found->ring_count; i++) {
            inside[found->rings[i].region] +=
                winding(&found->rings[i], cell % width + 0.5, cell / width + 0.5);
        }
        for (int r = 0; r < found->region_count; r++) {
            g_assert_cmpint(inside[r], ==, found->region[cell] == r);
        }
    }
}

static void test_random(void)
{
    enum { WIDTH = 17, HEIGHT = 13 };
    for (uint64_t seed = 0; seed < 300; seed++) {
        float values[WIDTH * HEIGHT];
        Rng rng = rng_at(seed, rng_name("isoline"), 0);
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            int v = (int)rng_below(&rng, 12);
            /* Few values, so that many equal the level; a tenth has no data. */
            values[i] = v == 11 ? N : seed % 2 ? (float)v : (float)rng_uniform(&rng) * 10;
        }
        g_autoptr(Isoline) exact = find(values, WIDTH, HEIGHT, 5, 0);
        for (double tolerance = 0.25; tolerance < 5; tolerance *= 4) {
            g_autoptr(Isoline) found = find(values, WIDTH, HEIGHT, 5, tolerance);
            g_assert_cmpint(found->ring_count, ==, exact->ring_count);
            check_crossings(found);
            check_regions(found, WIDTH, HEIGHT);
        }
    }
}

/* A disc has the area of a disc, with few vertices, none of them further off than the tolerance. */
static void test_disc(void)
{
    enum { SIDE = 200 };
    g_autofree float *values = g_new(float, SIDE *SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        values[i] = (float)-hypot(i % SIDE + 0.5 - 100, i / SIDE + 0.5 - 100);
    }
    g_autoptr(Isoline) fine = find(values, SIDE, SIDE, -80, 0), coarse = find(values, SIDE, SIDE, -80, 0.25);
    g_assert_cmpfloat_with_epsilon(total(fine), G_PI * 6400, 2);
    g_assert_cmpfloat_with_epsilon(total(coarse), G_PI * 6400, 2 * G_PI * 80 * 0.25);
    g_assert_cmpint(coarse->rings[0].points, <, 120);
    for (int k = 0; k < coarse->rings[0].points; k++) {
        const double *at = &coarse->rings[0].xy[2 * k];
        g_assert_cmpfloat_with_epsilon(hypot(at[0] - 100, at[1] - 100), 80, 0.005);
    }
}

static void test_nothing(void)
{
    const float values[] = {0, N, 0, 1};
    g_autoptr(Isoline) found = find(values, 2, 2, 5, 1);
    g_assert_cmpint(found->ring_count + found->region_count, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/isoline/diamond", test_diamond);
    g_test_add_func("/isoline/slope", test_slope);
    g_test_add_func("/isoline/no-data", test_no_data);
    g_test_add_func("/isoline/saddle", test_saddle);
    g_test_add_func("/isoline/equal", test_equal);
    g_test_add_func("/isoline/random", test_random);
    g_test_add_func("/isoline/disc", test_disc);
    g_test_add_func("/isoline/nothing", test_nothing);
    return g_test_run();
}

/* The polygons of a region cover the same area as its raster, do not overlap, and have simple rings. */
#include "annotations/raster/polygons.h"
#include <math.h>

enum { SIDE = 1000, CELLS = 25 };

static GPtrArray *outlines_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
}

static Raster *build(GPtrArray *outlines)
{
    g_autoptr(GError) error = NULL;
    const Annotation annotation = {.path = (char *)"test", .outlines = outlines};
    Raster *raster = raster_build(&annotation, &error);
    g_assert_no_error(error);
    return raster;
}

static void add(GPtrArray *outlines, OutlineLabel label, int family, gboolean hole, int points,
                const double *xy)
{
    Outline *outline = outline_new("", "", label, points, xy);
    outline->family = family;
    outline->hole = hole;
    g_ptr_array_add(outlines, outline);
}

static int shared_points(const Outline *one, const Outline *other)
{
    int count = 0;
    for (int a = 0; a < one->points; a++) {
        for (int b = 0; b < other->points; b++) {
            count += one->xy[2 * a] == other->xy[2 * b] && one->xy[2 * a + 1] == other->xy[2 * b + 1];
        }
    }
    return count;
}

/* The sum over the rings is the area of the region only when polygons do not overlap and holes are inside them. */
static void assert_same(const Raster *raster, double tolerance)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) polygons = raster_polygons(raster, &error);
    g_assert_no_error(error);
    double sum = 0;
    int family = 0;
    const Outline *shell = NULL;
    for (guint i = 0; i < polygons->len; i++) {
        const Outline *ring = polygons->pdata[i];
        sum += ring->hole ? -outline_area(ring) : outline_area(ring);
        g_assert_cmpint(ring->family, ==, ring->hole ? family : family + 1);
        family = ring->family;
        shell = ring->hole ? shell : ring;
        /* A hole that touches its outer ring twice would cut the polygon in two.  Where many edges cross at random, rounding may do that. */
        g_assert_true(tolerance > 0 || shell == ring || shared_points(shell, ring) <= 1);
        for (int a = 0; a < ring->points; a++) {
            for (int b = 0; b < a; b++) {
                g_assert_false(ring->xy[2 * a] == ring->xy[2 * b] &&
                               ring->xy[2 * a + 1] == ring->xy[2 * b + 1]);
            }
        }
    }
    g_assert_cmpfloat(fabs(sum - raster_area(raster)), <=, tolerance);
    g_autoptr(Raster) again = build(polygons);
    for (int y = 0; y < CELLS; y++) {
        for (int x = 0; x < CELLS; x++) {
            const Rect cell = {x * SIDE / CELLS, y * SIDE / CELLS, SIDE / CELLS, SIDE / CELLS};
            const double off = raster_fraction(raster, &cell) - raster_fraction(again, &cell);
            g_assert_cmpfloat(fabs(off) * cell.width * cell.height, <=, tolerance);
        }
    }
}

/* Squares that meet in a corner, in every order, as lesions and as what is cut out. */
static void test_corners(void)
{
    for (int set = 1; set < 512; set++) {
        g_autoptr(GPtrArray) outlines = outlines_new();
        const double all[] = {0, 0, 300, 0, 300, 300, 0, 300};
        add(outlines, LABEL_LESION, 0, FALSE, 4, all);
        for (int i = 0; i < 9; i++) {
            const double x = i % 3 * 100, y = i / 3 * 100,
                         xy[] = {x, y, x + 100, y, x + 100, y + 100, x, y + 100};
            if (set >> i & 1) {
                add(outlines, LABEL_NOT_LESION, 0, FALSE, 4, xy);
            }
        }
        g_autoptr(Raster) raster = build(outlines);
        assert_same(raster, 0);
    }
}

/* Triangles whose tips meet: two parts of the region, and two gaps in it. */
static void test_tips(void)
{
    static const double upper[] = {100, 100, 300, 100, 200, 200}, lower[] = {200, 200, 300, 300, 100, 300},
                        all[] = {0, 0, 400, 0, 400, 400, 0, 400};
    for (int gaps = 0; gaps < 2; gaps++) {
        g_autoptr(GPtrArray) outlines = outlines_new();
        if (gaps) {
            add(outlines, LABEL_LESION, 0, FALSE, 4, all);
        }
        add(outlines, gaps ? LABEL_NOT_LESION : LABEL_LESION, 0, FALSE, 3, upper);
        add(outlines, gaps ? LABEL_NOT_LESION : LABEL_LESION, 0, FALSE, 3, lower);
        g_autoptr(Raster) raster = build(outlines);
        assert_same(raster, 0);
    }
}

/* Rings of any form, which cross themselves and each other. */
static void test_any(void)
{
    GRand *random = g_rand_new_with_seed(5);
    for (int round = 0; round < 200; round++) {
        g_autoptr(GPtrArray) outlines = outlines_new();
        const int count = g_rand_int_range(random, 1, 12);
        for (int i = 0; i < count; i++) {
            double xy[2 * 20];
            const int points = g_rand_int_range(random, 3, 20);
            for (int k = 0; k < 2 * points; k++) { /* some coordinates whole, so that many are equal */
                xy[k] = round % 2 ? g_rand_double_range(random, 0, SIDE)
                                  : 50 * g_rand_int_range(random, 0, SIDE / 50);
            }
            const gboolean hole = i > 0 && g_rand_int_range(random, 0, 3) == 0;
            const OutlineLabel label = g_rand_int_range(random, 0, 3) ? LABEL_LESION : LABEL_NOT_LESION;
            const Outline *last = i > 0 ? outlines->pdata[i - 1] : NULL;
            add(outlines, hole ? last->label : label, hole ? last->family : i + 1, hole, points, xy);
        }
        g_autoptr(Raster) raster = build(outlines);
        assert_same(raster, 2); /* px: corners are rounded to 1/1000 px, over edges of up to 1400 px */
    }
    g_rand_free(random);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/polygons/corners", test_corners);
    g_test_add_func("/polygons/tips", test_tips);
    g_test_add_func("/polygons/any", test_any);
    return g_test_run();
}

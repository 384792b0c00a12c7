/* The rule of raster.h, checked by a point-in-polygon test that shares nothing with spans or pieces. */
#include "annotations/raster/raster.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- an annotation from coordinates ---- */

static Annotation *nothing(void)
{
    Annotation *annotation = g_new0(Annotation, 1);
    annotation->path = g_strdup("made.xml");
    annotation->outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    annotation->warnings = g_ptr_array_new_with_free_func(g_free);
    return annotation;
}

static void add(Annotation *annotation, OutlineLabel label, int points, const double *xy)
{
    g_ptr_array_add(annotation->outlines, outline_new("", "", label, points, xy));
}

static void add_box(Annotation *annotation, OutlineLabel label, double x0, double y0, double x1, double y1)
{
    add(annotation, label, 4, (double[]){x0, y0, x1, y0, x1, y1, x0, y1});
}

/* ---- the oracle ---- */

/* Winding number of one outline around (x, y): crossings of the ray to the left, rows half open. */
static int winding(const Outline *outline, double x, double y)
{
    int turns = 0;
    for (int i = 0; i < outline->points; i++) {
        const double *u = &outline->xy[2 * i], *v = &outline->xy[2 * ((i + 1) % outline->points)];
        const double *high = u[1] < v[1] ? u : v, *low = u[1] < v[1] ? v : u;
        if (high[1] <= y && y < low[1] &&
            high[0] + (y - high[1]) * (low[0] - high[0]) / (low[1] - high[1]) <= x) {
            turns += u[1] < v[1] ? 1 : -1;
        }
    }
    return turns;
}

static gboolean is_lesion(const Annotation *annotation, double x, double y)
{
    gboolean lesion = FALSE, excluded = FALSE;
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        gboolean inside = outline->closed && winding(outline, x, y) != 0;
        lesion |= inside && outline->label == LABEL_LESION;
        excluded |= inside && outline->label == LABEL_NOT_LESION;
    }
    return lesion && !excluded;
}

/* Every pixel of [x0, x1) x [y0, y1) by raster_row against the oracle. */
static void check_rows(const Annotation *annotation, int x0, int y0, int x1, int y1)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int y = y0; y < y1; y++) {
        raster_row(raster, y, spans);
        g_assert_cmpuint(spans->len % 2, ==, 0);
        for (guint i = 1; i < spans->len; i++) {
            g_assert_cmpint(g_array_index(spans, int64_t, i - 1), <, g_array_index(spans, int64_t, i));
        }
        for (int x = x0; x < x1; x++) {
            gboolean in_span = FALSE;
            for (guint i = 0; i < spans->len; i += 2) {
                in_span |= g_array_index(spans, int64_t, i) <= x && x < g_array_index(spans, int64_t, i + 1);
            }
            if (in_span != is_lesion(annotation, x + 0.5, y + 0.5)) {
                g_error("pixel (%d, %d) is %d", x, y, in_span);
            }
        }
    }
}

/* The fraction of a rectangle by strips: exact lengths on `lines` rows.  Converges with 1 / lines^2 between kinks. */
static double fraction_by_rows(const Annotation *annotation, const Rect *area, int columns, int lines)
{
    int64_t inside = 0;
    for (int j = 0; j < lines; j++) {
        for (int i = 0; i < columns; i++) {
            inside += is_lesion(annotation, area->x + (i + 0.5) * area->width / columns,
                                area->y + (j + 0.5) * area->height / lines);
        }
    }
    return (double)inside / ((double)columns * lines);
}

static double fraction_of(const Annotation *annotation, double x, double y, double width, double height)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    return raster_fraction(raster, &(Rect){x, y, width, height});
}

static double area_of(const Annotation *annotation)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    return raster_area(raster);
}

#define assert_near(a, b, within)                           \
    do {                                                    \
        double a_ = (a), b_ = (b);                          \
        if (!(fabs(a_ - b_) <= (within))) {                 \
            g_error("%s = %.15g is not %.15g", #a, a_, b_); \
        }                                                   \
    } while (0)

/* ---- the rule ---- */

static void assert_row(const Annotation *annotation, int64_t y, int pixels, const int64_t *expected)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(int64_t));
    raster_row(raster, y, spans);
    g_assert_cmpuint(spans->len, ==, pixels);
    g_assert_cmpmem(spans->data, sizeof(int64_t) * spans->len, expected, sizeof(int64_t) * (size_t)pixels);
}

static void test_edges_on_centres(void)
{
    g_autoptr(Annotation) annotation = nothing();
    /* All four edges pass through pixel centres: left and top belong, right and bottom do not. */
    add_box(annotation, LABEL_LESION, 2.5, 1.5, 5.5, 4.5);
    assert_row(annotation, 0, 0, NULL);
    assert_row(annotation, 1, 2, (int64_t[]){2, 5});
    assert_row(annotation, 3, 2, (int64_t[]){2, 5});
    assert_row(annotation, 4, 0, NULL);
    check_rows(annotation, 0, 0, 8, 8);
}

static void test_neighbours_share_no_pixel(void)
{
    /* Two triangles that make up a square: each pixel belongs to one, also those whose centre is on the diagonal. */
    g_autoptr(Annotation) one = nothing(), other = nothing(), both = nothing();
    double upper[] = {0, 0, 7, 0, 7, 7}, lower[] = {0, 0, 7, 7, 0, 7};
    add(one, LABEL_LESION, 3, upper);
    add(other, LABEL_LESION, 3, lower);
    add(both, LABEL_LESION, 3, upper);
    add(both, LABEL_LESION, 3, lower);
    for (int y = 0; y < 7; y++) {
        for (int x = 0; x < 7; x++) {
            g_assert_cmpint(is_lesion(one, x + 0.5, y + 0.5) + is_lesion(other, x + 0.5, y + 0.5), ==, 1);
        }
        assert_row(both, y, 2, (int64_t[]){0, 7});
    }
    check_rows(one, -1, -1, 9, 9);
    check_rows(other, -1, -1, 9, 9);
    assert_near(area_of(both), 49, 1e-12);
}

static void test_self_crossing(void)
{
    /* A pentagram winds twice around its middle, which is inside by the non-zero rule. */
    g_autoptr(Annotation) annotation = nothing();
    double xy[10];
    for (int i = 0; i < 5; i++) {
        xy[2 * i] = 50 + 40 * cos(i * 4 * G_PI / 5);
        xy[2 * i + 1] = 50 + 40 * sin(i * 4 * G_PI / 5);
    }
    add(annotation, LABEL_LESION, 5, xy);
    check_rows(annotation, 0, 0, 100, 100);
    g_assert_true(is_lesion(annotation, 50, 50));
    /* Ten equal triangles from the middle to a tip and the inner corner next to it. */
    double inner = 40 * cos(2 * G_PI / 5) / cos(G_PI / 5);
    assert_near(area_of(annotation), 10 * 0.5 * 40 * inner * sin(G_PI / 5), 1e-9);
}

static void test_bow_tie(void)
{
    /* A figure of eight: the windings are +1 and -1; both halves are inside. */
    g_autoptr(Annotation) annotation = nothing();
    add(annotation, LABEL_LESION, 4, (double[]){0, 0, 10, 10, 10, 0, 0, 10});
    check_rows(annotation, -1, -1, 12, 12);
    assert_near(area_of(annotation), 50, 1e-9);
}

static void test_orientation(void)
{
    for (uint32_t k = 0; k < 20; k++) {
        Rng rng = rng_at(7, k, 0);
        double there[40], back[40];
        for (int i = 0; i < 20; i++) {
            there[2 * i] = back[38 - 2 * i] = 100 * rng_uniform(&rng);
            there[2 * i + 1] = back[39 - 2 * i] = 100 * rng_uniform(&rng);
        }
        g_autoptr(Annotation) one = nothing(), other = nothing();
        add(one, LABEL_LESION, 20, there);
        add(other, LABEL_LESION, 20, back);
        g_autoptr(Raster) a = raster_build(one, NULL), b = raster_build(other, NULL);
        g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, 8), others = g_array_new(FALSE, FALSE, 8);
        for (int y = 0; y < 100; y++) {
            raster_row(a, y, spans);
            raster_row(b, y, others);
            g_assert_cmpmem(spans->data, spans->len * 8, others->data, others->len * 8);
        }
        assert_near(raster_area(a), raster_area(b), 1e-9);
    }
}

static void test_holes(void)
{
    g_autoptr(Annotation) annotation = nothing();
    add_box(annotation, LABEL_LESION, 0, 0, 20, 20);
    add_box(annotation, LABEL_LESION, 10, 10, 30, 30);    /* overlaps the first: a union, not a sum */
    add_box(annotation, LABEL_NOT_LESION, 5, 5, 15, 15);  /* cut out of both */
    add_box(annotation, LABEL_NOT_LESION, 12, 3, 18, 12); /* overlaps the hole before: a union too */
    add_box(annotation, LABEL_NONE, 0, 0, 3, 3);          /* does not count */
    check_rows(annotation, -1, -1, 32, 32);
    double holes = 100 + 54 - 3 * 7;
    assert_near(area_of(annotation), 400 + 400 - 100 - holes, 1e-9);
    assert_near(fraction_of(annotation, 0, 0, 10, 10), 0.75, 1e-12);
    assert_near(fraction_of(annotation, 20, 0, 10, 10), 0, 0);
    assert_near(fraction_of(annotation, 0, 10, 20, 20), (300 - 50 - 6) / 400., 1e-12);
}

static void test_points_have_no_area(void)
{
    g_autoptr(Annotation) annotation = nothing();
    add_box(annotation, LABEL_LESION, 0, 0, 9, 9);
    ((Outline *)annotation->outlines->pdata[0])->closed = FALSE;
    g_assert_cmpfloat(area_of(annotation), ==, 0);
    assert_row(annotation, 4, 0, NULL);
}

static void test_nothing(void)
{
    g_autoptr(Annotation) annotation = nothing();
    g_autoptr(Image) mask = image_new(4, 4, 1, NULL);
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    memset(mask->pixels, 9, 16);
    raster_fill(raster, &(Rect){0, 0, 4, 4}, mask);
    for (int i = 0; i < 16; i++) {
        g_assert_cmpint(mask->pixels[i], ==, 0);
    }
    g_assert_cmpfloat(raster_fraction(raster, &(Rect){0, 0, 4, 4}), ==, 0);
    g_assert_cmpfloat(raster_area(raster), ==, 0);
}

/* ---- random outlines ---- */

/* kind 0: any doubles; 1: whole numbers; 2: halves (vertices and edges on pixel centres). */
static Annotation *scribble(uint32_t k, int kind, int outlines, int points, double size)
{
    Rng rng = rng_at(11, k, (uint32_t)kind);
    Annotation *annotation = nothing();
    g_autofree double *xy = g_new(double, 2 * points);
    for (int o = 0; o < outlines; o++) {
        for (int i = 0; i < 2 * points; i++) {
            double value = size * rng_uniform(&rng);
            xy[i] = kind == 0 ? value : kind == 1 ? floor(value) : floor(2 * value) / 2;
        }
        add(annotation, o % 3 == 2 ? LABEL_NOT_LESION : LABEL_LESION, points, xy);
    }
    return annotation;
}

static void test_random_rows(void)
{
    for (uint32_t k = 0; k < 60; k++) {
        g_autoptr(Annotation) annotation = scribble(k, 0, 1 + (int)k % 5, 3 + (int)k % 9, 60);
        check_rows(annotation, -2, -2, 63, 63);
    }
}

static void test_random_grid_rows(void)
{
    for (uint32_t k = 0; k < 60; k++) {
        g_autoptr(Annotation) whole = scribble(k, 1, 1 + (int)k % 3, 3 + (int)k % 7, 40);
        check_rows(whole, -2, -2, 43, 43);
        g_autoptr(Annotation) half = scribble(k, 2, 1, 3 + (int)k % 7, 20);
        check_rows(half, -2, -2, 23, 23);
    }
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The exact length of lesion on the line y, from all crossings of all outlines: the integrand of the fraction. */
static double length_on_row(const Annotation *annotation, double y, double left, double right, GArray *xs)
{
    g_array_set_size(xs, 0);
    g_array_append_val(xs, left);
    g_array_append_val(xs, right);
    for (guint o = 0; o < annotation->outlines->len; o++) {
        const Outline *outline = annotation->outlines->pdata[o];
        for (int i = 0; i < outline->points; i++) {
            const double *u = &outline->xy[2 * i], *v = &outline->xy[2 * ((i + 1) % outline->points)];
            if ((u[1] <= y) != (v[1] <= y)) {
                double x = u[0] + (y - u[1]) * (v[0] - u[0]) / (v[1] - u[1]);
                if (x > left && x < right) {
                    g_array_append_val(xs, x);
                }
            }
        }
    }
    double *x = (double *)xs->data, sum = 0;
    qsort(x, xs->len, sizeof *x, compare_double);
    for (guint i = 0; i + 1 < xs->len; i++) {
        sum += is_lesion(annotation, (x[i] + x[i + 1]) / 2, y) ? x[i + 1] - x[i] : 0;
    }
    return sum;
}

/* All y where the slope of the length may change: vertices, crossings of any two edges, and crossings with the sides.  Between two of them the
 * length is linear, so its value half-way times the height is the exact area. */
static double brute_area(const Annotation *annotation, double left, double top, double right, double bottom)
{
    g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, 4 * sizeof(double));
    for (guint o = 0; o < annotation->outlines->len; o++) {
        const Outline *outline = annotation->outlines->pdata[o];
        for (int i = 0; i < outline->points; i++) {
            const double *u = &outline->xy[2 * i], *v = &outline->xy[2 * ((i + 1) % outline->points)];
            double edge[4] = {u[0], u[1], v[0], v[1]};
            g_array_append_vals(edges, edge, 1);
        }
    }
    double sides[2][4] = {{left, top - 1, left, bottom + 1}, {right, top - 1, right, bottom + 1}};
    g_array_append_vals(edges, sides, 2);
    g_autoptr(GArray) ys = g_array_new(FALSE, FALSE, sizeof(double));
    double limits[2] = {top, bottom};
    g_array_append_vals(ys, limits, 2);
    const double(*e)[4] = (const double(*)[4])edges->data;
    for (guint i = 0; i < edges->len; i++) {
        g_array_append_val(ys, e[i][1]);
        for (guint j = 0; j < i; j++) {
            double ax = e[i][2] - e[i][0], ay = e[i][3] - e[i][1], bx = e[j][2] - e[j][0],
                   by = e[j][3] - e[j][1];
            double det = ax * by - ay * bx;
            double t = ((e[j][0] - e[i][0]) * by - (e[j][1] - e[i][1]) * bx) / det;
            double y = e[i][1] + t * ay;
            if (det != 0 && t >= 0 && t <= 1) {
                g_array_append_val(ys, y);
            }
        }
    }
    g_autoptr(GArray) scratch = g_array_new(FALSE, FALSE, sizeof(double));
    double *y = (double *)ys->data, area = 0;
    for (guint i = 0; i < ys->len; i++) {
        y[i] = CLAMP(y[i], top, bottom);
    }
    qsort(y, ys->len, sizeof *y, compare_double);
    for (guint i = 0; i + 1 < ys->len; i++) {
        if (y[i + 1] > y[i]) {
            area +=
                (y[i + 1] - y[i]) * length_on_row(annotation, (y[i] + y[i + 1]) / 2, left, right, scratch);
        }
    }
    return area;
}

static void check_fractions(const Annotation *annotation, double size, uint32_t k)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    assert_near(raster_area(raster), brute_area(annotation, -1, -1, size + 1, size + 1), 1e-9 * size * size);
    Rng rng = rng_at(13, k, 0);
    for (int t = 0; t < 4; t++) {
        double side = size * (t == 0 ? 0.05 : 0.4);
        Rect area = {size * rng_uniform(&rng) - side / 2, size * rng_uniform(&rng) - side / 2, side,
                     side * 0.8};
        double expected = brute_area(annotation, area.x, area.y, area.x + area.width, area.y + area.height) /
                          (area.width * area.height);
        assert_near(raster_fraction(raster, &area), expected, 1e-9);
    }
}

static void test_random_fractions(void)
{
    for (uint32_t k = 0; k < 60; k++) {
        g_autoptr(Annotation) annotation = scribble(k, (int)k % 3, 1 + (int)k % 4, 3 + (int)k % 8, 100);
        check_fractions(annotation, 100, k);
    }
}

/* A rectangle that no outline touches has a fraction of exactly 0, one inside an outline exactly 1: rounding must not make lesion. */
static void test_fractions_next_to(void)
{
    for (uint32_t k = 0; k < 60; k++) {
        g_autoptr(Annotation) annotation = scribble(k, 0, 1 + (int)k % 4, 3 + (int)k % 8, 100);
        g_autoptr(Raster) raster = raster_build(annotation, NULL);
        for (int y = 0; y < 10; y++) {
            const Rect right = {101, y * 10.53, 30.1, 10.53}, left = {-30.2, y * 10.53, 30.1, 10.53};
            g_assert_cmpfloat(raster_fraction(raster, &right), ==, 0);
            g_assert_cmpfloat(raster_fraction(raster, &left), ==, 0);
        }
    }
    double ring[800];
    for (int i = 0; i < 400; i++) {
        ring[2 * i] = 5000.3 + 812.37 * cos(2 * G_PI * i / 400);
        ring[2 * i + 1] = 7000.7 + 631.19 * sin(2 * G_PI * i / 400);
    }
    g_autoptr(Annotation) circle = nothing();
    add(circle, LABEL_LESION, 400, ring);
    add_box(circle, LABEL_LESION, 9000, 6000, 9100, 8000); /* the tiles are between the two */
    g_autoptr(Raster) round = raster_build(circle, NULL);
    for (int y = 0; y < 9; y++) {
        g_assert_cmpfloat(raster_fraction(round, &(Rect){5900.1, 6321 + 131.3 * y, 1053.5, 1053.5}), ==, 0);
    }
    g_autoptr(Annotation) box = nothing();
    add(box, LABEL_LESION, 4, (double[]){0.1, 0.2, 99.7, 1.3, 98.9, 99.1, 0.7, 97.3});
    g_autoptr(Raster) whole = raster_build(box, NULL);
    for (int y = 0; y < 8; y++) {
        g_assert_cmpfloat(raster_fraction(whole, &(Rect){3.3, 3 + y * 11.07, 31.7, 11.07}), ==, 1);
    }
}

static void test_fractions_far_from_origin(void)
{
    /* The same at the lower right of a large slide: coordinates of 2 * 10^5 must not cost the ninth digit. */
    g_autoptr(Annotation) annotation = scribble(5, 0, 3, 9, 300);
    g_autoptr(Annotation) far = nothing();
    for (guint o = 0; o < annotation->outlines->len; o++) {
        const Outline *outline = annotation->outlines->pdata[o];
        double xy[18];
        for (int i = 0; i < 9; i++) {
            xy[2 * i] = floor(outline->xy[2 * i] * 1024) / 1024 + 97000;
            xy[2 * i + 1] = floor(outline->xy[2 * i + 1] * 1024) / 1024 + 221000;
        }
        add(far, outline->label, 9, xy);
    }
    g_autoptr(Raster) raster = raster_build(far, NULL);
    for (int j = 0; j < 3; j++) {
        for (int i = 0; i < 3; i++) {
            Rect area = {97000 + 100 * i, 221000 + 100 * j, 100, 100};
            double expected = brute_area(far, area.x, area.y, area.x + 100, area.y + 100) / 1e4;
            assert_near(raster_fraction(raster, &area), expected, 1e-9);
        }
    }
}

/* The oracles themselves: two independent ones agree on a wide row. */
static void test_oracles_agree(void)
{
    g_autoptr(Annotation) annotation = scribble(3, 0, 3, 8, 100);
    Rect area = {0, 0, 100, 100};
    assert_near(fraction_by_rows(annotation, &area, 400, 400), brute_area(annotation, 0, 0, 100, 100) / 1e4,
                2e-3);
}

/* ---- shapes that break sweeps ---- */

static void test_many_edges_in_one_point(void)
{
    /* A star of thin needles through one point. */
    double xy[160];
    for (int i = 0; i < 80; i++) {
        double angle = G_PI * i * 81 / 80 + 0.01;
        xy[2 * i] = 500 + 400 * cos(angle);
        xy[2 * i + 1] = 500 + 400 * sin(angle);
    }
    g_autoptr(Annotation) annotation = nothing();
    add(annotation, LABEL_LESION, 80, xy);
    assert_near(area_of(annotation), brute_area(annotation, 0, 0, 1000, 1000), 1e-3);
    check_rows(annotation, 490, 90, 510, 120);
}

static void test_same_outline_twice(void)
{
    g_autoptr(Annotation) once = scribble(21, 0, 1, 12, 100), twice = scribble(21, 0, 1, 12, 100);
    const Outline *outline = once->outlines->pdata[0];
    add(twice, LABEL_LESION, outline->points, outline->xy);
    assert_near(area_of(once), area_of(twice), 1e-9);
    check_rows(twice, -1, -1, 101, 101);
    add(twice, LABEL_NOT_LESION, outline->points, outline->xy);
    assert_near(area_of(twice), 0, 1e-9);
}

static void test_hostile_scribble(void)
{
    /* 1,000 long edges that cross each other some 200,000 times: slow, but possible. */
    g_autoptr(Annotation) annotation = scribble(1, 0, 1, 1000, 100000);
    g_autoptr(GError) error = NULL;
    g_autoptr(Raster) raster = raster_build(annotation, &error);
    g_assert_no_error(error);
    Rng rng = rng_at(29, 0, 0);
    int inside = 0;
    for (int i = 0; i < 10000; i++) {
        double x = 1e5 * rng_uniform(&rng);
        inside += is_lesion(annotation, x, 1e5 * rng_uniform(&rng));
    }
    assert_near(raster_area(raster) / 1e10, inside / 1e4, 0.02);
    /* 10,000 of them are not an annotation: an error instead of hours. */
    g_autoptr(Annotation) worse = scribble(1, 0, 1, 10000, 100000);
    g_autoptr(Raster) none = raster_build(worse, &error);
    g_assert_null(none);
    g_assert_nonnull(strstr(error->message, "cross each other too often"));
}

/* ---- masks ---- */

static void test_fill(void)
{
    g_autoptr(Annotation) annotation = scribble(9, 0, 3, 7, 64);
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autoptr(Image) fine = image_new(70, 70, 1, NULL), coarse = image_new(16, 32, 1, NULL);
    raster_fill(raster, &(Rect){-3, -3, 70, 70}, fine);
    raster_fill(raster, &(Rect){0, 0, 64, 64}, coarse);
    for (int y = 0; y < 70; y++) {
        for (int x = 0; x < 70; x++) {
            g_assert_cmpint(fine->pixels[70 * y + x], ==, is_lesion(annotation, x - 2.5, y - 2.5) ? 255 : 0);
        }
    }
    for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 16; x++) {
            g_assert_cmpint(coarse->pixels[16 * y + x], ==,
                            is_lesion(annotation, 4 * x + 2, 2 * y + 1) ? 255 : 0);
        }
    }
}

static void test_rows_max(void)
{
    g_autoptr(Annotation) annotation = scribble(17, 0, 4, 7, 300);
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    for (int factor = 1; factor <= 32; factor *= 2) {
        int width = (290 + factor - 1) / factor; /* cuts the scribble at the right */
        uint8_t *rows = g_malloc((size_t)width * 7);
        for (int y = 0; y < 300 / factor; y += 7) {
            raster_rows_max(raster, factor, y, 7, width, rows);
            for (int j = 0; j < 7; j++) {
                for (int x = 0; x < width; x++) {
                    gboolean any = FALSE;
                    for (int s = 0; s < factor * factor && !any; s++) {
                        any = is_lesion(annotation, x * factor + s % factor + 0.5,
                                        (y + j) * factor + s / factor + 0.5);
                    }
                    g_assert_cmpint(rows[j * width + x], ==, any);
                }
            }
        }
        g_free(rows);
    }
}

static void test_pixels_against_area(void)
{
    /* The number of pixels differs from the area by less than half of the border's length in pixels (each border pixel is
     * wrong by at most half a pixel on average over it). */
    for (uint32_t k = 0; k < 10; k++) {
        double xy[120], length = 0;
        Rng rng = rng_at(23, k, 0);
        for (int i = 0; i < 60; i++) {
            double radius = 100 + 80 * rng_uniform(&rng);
            xy[2 * i] = 200 + radius * cos(2 * G_PI * i / 60);
            xy[2 * i + 1] = 200 + radius * sin(2 * G_PI * i / 60);
        }
        for (int i = 0; i < 60; i++) {
            int n = (i + 1) % 60;
            length += hypot(xy[2 * n] - xy[2 * i], xy[2 * n + 1] - xy[2 * i + 1]);
        }
        g_autoptr(Annotation) annotation = nothing();
        add(annotation, LABEL_LESION, 60, xy);
        g_autoptr(Raster) raster = raster_build(annotation, NULL);
        g_autoptr(Image) mask = image_new(400, 400, 1, NULL);
        raster_fill(raster, &(Rect){0, 0, 400, 400}, mask);
        int64_t pixels = 0;
        for (int i = 0; i < 400 * 400; i++) {
            pixels += mask->pixels[i] == 255;
        }
        assert_near(raster_area(raster), outline_area(annotation->outlines->pdata[0]), 1e-8);
        assert_near((double)pixels, raster_area(raster), length);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/raster/edges on pixel centres", test_edges_on_centres);
    g_test_add_func("/raster/neighbours share no pixel", test_neighbours_share_no_pixel);
    g_test_add_func("/raster/self-crossing outline", test_self_crossing);
    g_test_add_func("/raster/figure of eight", test_bow_tie);
    g_test_add_func("/raster/orientation does not matter", test_orientation);
    g_test_add_func("/raster/holes and overlaps", test_holes);
    g_test_add_func("/raster/points have no area", test_points_have_no_area);
    g_test_add_func("/raster/nothing annotated", test_nothing);
    g_test_add_func("/raster/random outlines", test_random_rows);
    g_test_add_func("/raster/random outlines on the grid", test_random_grid_rows);
    g_test_add_func("/raster/two oracles agree", test_oracles_agree);
    g_test_add_func("/raster/fractions of random outlines", test_random_fractions);
    g_test_add_func("/raster/fractions far from the origin", test_fractions_far_from_origin);
    g_test_add_func("/raster/fractions next to outlines", test_fractions_next_to);
    g_test_add_func("/raster/many edges in one point", test_many_edges_in_one_point);
    g_test_add_func("/raster/the same outline twice", test_same_outline_twice);
    g_test_add_func("/raster/hostile scribble", test_hostile_scribble);
    g_test_add_func("/raster/fill", test_fill);
    g_test_add_func("/raster/rows by maximum", test_rows_max);
    g_test_add_func("/raster/pixels against area", test_pixels_against_area);
    return g_test_run();
}

/* Decisions on regions that no longer exist, as a cohort has them after another threshold: many, and most of them on no region of today. */
#include "tests/review_fixture.h"
#include <math.h>
#include <time.h>

enum { COLUMNS = 10, REGIONS = 90, ORPHANS = 1000, POINTS = 100, SIDE = 100 };

/* A polygon around a centre; closed or not. */
static void add_polygon(GString *out, double x, double y, double radius, gboolean closed)
{
    g_string_append(out, "[[");
    for (int i = 0; i < POINTS + closed; i++) {
        const double turn = 2 * G_PI * (i % POINTS) / POINTS;
        g_string_append_printf(out, "%s[%.3f,%.3f]", i ? "," : "", x + radius * cos(turn),
                               y + radius * sin(turn));
    }
    g_string_append(out, "]]");
}

static void centre(int i, double *x, double *y)
{
    *x = 50 + i % COLUMNS * SIDE;
    *y = 50 + i / COLUMNS % 9 * SIDE;
}

static void put_many_regions(const Fixture *f, double radius)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text,
                    "{\"type\":\"FeatureCollection\",\"wsiflow\":{\"offset_x_px\":%d,\"offset_y_px\":%d},"
                    "\"features\":[",
                    X0, Y0);
    for (int i = 0; i < REGIONS; i++) {
        double x, y;
        centre(i, &x, &y);
        g_string_append_printf(text,
                               "%s{\"type\":\"Feature\",\"id\":\"region %d\",\"properties\":{},"
                               "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":",
                               i ? "," : "", i);
        add_polygon(text, x - X0, y - Y0, radius, TRUE);
        g_string_append(text, "}}");
    }
    g_string_append(text, "]}\n");
    put(f, "slides/a/regions.geojson", text->str);
}

/* Every orphan meets a region; one of a hundred is on its place, the others are a quarter of it. */
static void put_orphans(const Fixture *f)
{
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < ORPHANS; i++) {
        g_autoptr(GString) outline = g_string_new(NULL);
        g_autofree char *id = g_strdup_printf("orphan %d", i);
        double x, y;
        centre(i, &x, &y);
        add_polygon(outline, x, y, i % 100 == 0 ? 38 : 20, FALSE);
        const ReviewWrite write = {"a", i, ""};
        const ReviewDecision to = {
            .region = id, .state = (char *)"rejected", .reason = (char *)"pen", .outline = outline->str};
        g_assert_true(review_decide(f->run.store, &write, &to, NULL, &error));
    }
}

static double seconds_since(clock_t start)
{
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void assert_matched(Fixture *f, int orphaned, int matched)
{
    ReviewState state;
    g_assert_true(review_desk_state(f->desk, &state, NULL));
    g_assert_cmpint(state.orphaned, ==, orphaned);
    g_assert_cmpint(state.matched, ==, matched);
}

/* Processor time, for the machine may do other things; the bounds are far above what it takes and far below what pairs would take. */
static void test_many(Fixture *f, gconstpointer unused)
{
    put_many_regions(f, 40);
    put_orphans(f);
    g_clear_pointer(&f->desk, review_desk_free);
    open_desk(f);
    clock_t start = clock();
    assert_matched(f, ORPHANS, ORPHANS / 100);
    const double first = seconds_since(start);
    start = clock();
    for (int i = 0; i < 3; i++) {
        g_autofree char *body = g_strdup_printf("{\"state\":\"confirmed\",\"revision\":%d}", ORPHANS + i);
        g_autofree char *region = g_strdup_printf("region %d", 10 * i);
        json_decref(decide(f, region, body, 200));
        json_decref(get(f));
    }
    const double each = seconds_since(start) / 3;
    g_test_message("%d orphans: first look %.3f s, a decision and a look %.3f s", ORPHANS, first, each);
    /* Of processor time.  Each outline parsed again for every region takes 4 and 9 s; once, a tenth of a second and a third. */
    g_assert_cmpfloat(first, <, 2.5);
    g_assert_cmpfloat(each, <, 3);
}

/* What is remembered holds no longer than the regions and the decisions that it is of. */
static void test_remembered(Fixture *f, gconstpointer unused)
{
    put_orphans(f);
    put_many_regions(f, 40);
    assert_matched(f, ORPHANS, ORPHANS / 100);
    put_many_regions(f, 20);
    assert_matched(f, ORPHANS, ORPHANS - ORPHANS / 100);
    put_many_regions(f, 40);
    assert_matched(f, ORPHANS, ORPHANS / 100);
    /* Another process takes one back, and decides again on another one, with another outline. */
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) outline = g_string_new(NULL);
    const ReviewWrite write = {"a", ORPHANS, ""};
    const ReviewDecision open = {.region = (char *)"orphan 0",
                                 .state = (char *)"open",
                                 .reason = (char *)"",
                                 .outline = (char *)"[[[0,0],[9,0],[9,9]]]"};
    g_assert_true(review_decide(f->run.store, &write, &open, NULL, &error));
    assert_matched(f, ORPHANS - 1, ORPHANS / 100 - 1);
    double x, y;
    centre(1, &x, &y);
    add_polygon(outline, x, y, 39, FALSE);
    const ReviewDecision moved = {.region = (char *)"orphan 1",
                                  .state = (char *)"confirmed",
                                  .reason = (char *)"",
                                  .outline = outline->str};
    g_assert_true(review_decide(f->run.store, &write, &moved, NULL, &error));
    assert_matched(f, ORPHANS - 1, ORPHANS / 100);
    json_t *review = get(f);
    g_assert_cmpstr(member(review, "region 1", "from"), ==, "orphan 1");
    json_decref(review);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/review_orphans/many", Fixture, NULL, set_up_desk, test_many, tear_down_desk);
    g_test_add("/review_orphans/remembered", Fixture, NULL, set_up_desk, test_remembered, tear_down_desk);
    return g_test_run();
}
